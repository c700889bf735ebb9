"""erf: x + x P(x²) near zero, 1 - exp(t Q(t)) of t = |x| elsewhere.

Two polynomials that both are evaluated are cheaper in vectors than one rational function of the same
accuracy. The form is N. Juffa's (stackoverflow.com/a/35966695).
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc import dtypes
from graphc.kernel_ir import expr as k
from graphc.kernel_ir.expand.exp import narrow_expm1_parts
from graphc.kernel_ir.expand.floats import polynomial, with_sign
from graphc.kernel_ir.expr import Expr, const


@dataclass(frozen=True)
class _Table:
    border: float
    saturated: float  # erf of more rounds to 1
    small: tuple[float, ...]  # erf(x)/x - 1 over x² on |x| ≤ border
    large: tuple[float, ...]  # log(1 - erf(t)) / t on border ≤ t ≤ saturated


_TABLES = {
    dtypes.float32: _Table(
        border=0.925,
        saturated=3.925,
        small=(
            0.12837914769088139073, -0.37612481100179570726, 0.11281682542173785617, -0.026761719900837484216,
            0.0049859406369017596346, -0.00059537418550768512977,
        ),
        large=(
            -1.1285143608792748309, -0.63571831545973421956, -0.10526184297177513221, 0.022889964161741419447,
            -0.0032149555988236359611, 0.00021398494781275829944,
        ),
    ),
    dtypes.float64: _Table(
        border=1.0,
        saturated=5.925,
        small=(
            0.12837916709551256565, -0.37612638903183519539, 0.1128379167094418472, -0.026866170643111467305,
            0.0052239776061184744547, -0.00085483259293145192862, 0.00012055293576901135117,
            -0.00001492471230201665407, 1.6447131571348840095e-6, -1.6206313758993648405e-7,
            1.3710980400130713732e-8, -7.779468492722488826e-10,
        ),
        large=(
            -1.1283791108608423441, -0.63662025264788393332, -0.10277082724135211274, 0.019124965182753414586,
            0.00021203537054720614172, -0.0016926063445689285609, 0.00057465691631067735739,
            9.7644931495138148525e-7, -0.000095487722605885205934, 0.000056039211538617054227,
            -0.000020351677297256707826, 5.3853533459083567357e-6, -1.0781568873834235894e-6,
            1.6302925764985958284e-7, -1.8131426559701296184e-8, 1.4024792348099116035e-9,
            -6.745039525692259179e-11, 1.5189100426211995586e-12,
        ),
    ),
}  # fmt: skip


def erf(x: Expr) -> Expr:
    """f32, f64: ≤ 2 ulp over all x; |erf(x)| ≤ 1, erf(-0) is -0."""
    table = _TABLES[x.dtype]
    magnitude = k.abs(x)
    small = k.fma(x, polynomial(x * x, table.small), x)
    t = k.min(magnitude, table.saturated)
    q, s = narrow_expm1_parts(t * polynomial(t, table.large))
    large = k.fma(k.neg(q), s, const(1.0, x.dtype) - s)
    return k.select(k.lt(magnitude, table.border), small, with_sign(large, x))
