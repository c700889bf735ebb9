"""Fits the minimax polynomials of graphc/kernel_ir/expand: `python tests/kernel_ir/minimax.py [name]`.

It stands apart from the tests because it needs mpmath and minutes; it prints the coefficients as they
stand in the expansions, constant term first, with the error that is left before rounding them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise

import mpmath as mp

mp.mp.prec = 200
Function = Callable[[mp.mpf], mp.mpf]


def remez(f: Function, weight: Function, low: mp.mpf, high: mp.mpf, degree: int) -> tuple[list[mp.mpf], mp.mpf]:
    """The polynomial p of `degree` that minimises max |weight * (p - f)| on [low, high], and that maximum.

    Remez's exchange algorithm (Muller, "Elementary Functions", 3rd ed., section 3.6).
    """
    n = degree + 2
    middle, half = (low + high) / 2, (high - low) / 2
    points = [middle - half * mp.cos(mp.pi * i / (n - 1)) for i in range(n)]
    scale = max(abs(low), abs(high))
    for _ in range(80):
        rows = [[(x / scale) ** k for k in range(degree + 1)] + [(-1) ** i / weight(x)] for i, x in enumerate(points)]
        solution = mp.lu_solve(mp.matrix(rows), mp.matrix([f(x) for x in points]))
        coefficients = [solution[k] / scale**k for k in range(degree + 1)]

        def error(x: mp.mpf, c: list[mp.mpf] = coefficients) -> mp.mpf:
            return weight(x) * (mp.polyval(c[::-1], x) - f(x))

        points = _extrema(error, [low, *_roots(error, points), high])
        sizes = [abs(error(x)) for x in points]
        if max(sizes) < min(sizes) * mp.mpf("1.001"):
            break
    return coefficients, max(sizes)


def _roots(error: Function, points: list[mp.mpf]) -> list[mp.mpf]:
    """One sign change of the error between each two neighbours, by bisection."""
    found = []
    for a, b in pairwise(points):
        sign = mp.sign(error(a))
        for _ in range(40):
            centre = (a + b) / 2
            a, b = (centre, b) if mp.sign(error(centre)) == sign else (a, centre)
        found.append((a + b) / 2)
    return found


def _extrema(error: Function, borders: list[mp.mpf]) -> list[mp.mpf]:
    """The largest error between each two borders, by golden-section search."""
    ratio = (mp.sqrt(5) - 1) / 2
    found = []
    for a, b in pairwise(borders):
        for _ in range(40):
            c, d = b - ratio * (b - a), a + ratio * (b - a)
            a, b = (a, d) if abs(error(c)) > abs(error(d)) else (c, b)
        found.append((a + b) / 2)
    return found


def exp_tail(r: mp.mpf) -> mp.mpf:
    """(exp(r) - 1 - r) / r²"""
    return mp.mpf(1) / 2 + r / 6 if abs(r) < mp.mpf(2) ** -90 else (mp.expm1(r) - r) / r**2


def log_tail(f: mp.mpf) -> mp.mpf:
    """(log(1 + f) - f + f²/2) / f³"""
    return mp.mpf(1) / 3 if abs(f) < mp.mpf(2) ** -50 else (mp.log1p(f) - f + f * f / 2) / f**3


def sin_tail(z: mp.mpf) -> mp.mpf:
    """(sin(r) - r) / r³ over z = r²"""
    r = mp.sqrt(abs(z))
    return -mp.mpf(1) / 6 + z / 120 if r < mp.mpf(2) ** -40 else (mp.sin(r) - r) / r**3


def erf_tail(z: mp.mpf) -> mp.mpf:
    """erf(x)/x - 1 over z = x²"""
    x = mp.sqrt(abs(z))
    return 2 / mp.sqrt(mp.pi) - 1 if x < mp.mpf(2) ** -90 else mp.erf(x) / x - 1


def log_erfc(t: mp.mpf) -> mp.mpf:
    """log(1 - erf(t)) / t"""
    return mp.log(mp.erfc(t)) / t


def atanh_tail(z: mp.mpf) -> mp.mpf:
    """(atanh(s)/s - 1 - z/3) / z² over z = s²"""
    s = mp.sqrt(abs(z))
    return mp.mpf(1) / 5 + z / 7 if s < mp.mpf(2) ** -30 else (mp.atanh(s) / s - 1 - z / 3) / z**2


def exp_weight(r: mp.mpf) -> mp.mpf:
    """Relative to expm1(r), hence to exp(r) as well."""
    return abs(r**2 / mp.expm1(r)) if abs(r) > mp.mpf(2) ** -90 else abs(r) + mp.mpf(2) ** -90


def log_weight(f: mp.mpf) -> mp.mpf:
    return abs(f**3 / mp.log1p(f)) if abs(f) > mp.mpf(2) ** -50 else mp.mpf(2) ** -100


def sin_weight(z: mp.mpf) -> mp.mpf:
    return abs(z) * mp.sqrt(z) / mp.sin(mp.sqrt(z)) if z > mp.mpf(2) ** -80 else mp.mpf(2) ** -80


def erf_weight(z: mp.mpf) -> mp.mpf:
    return mp.sqrt(z) / mp.erf(mp.sqrt(z)) if z > mp.mpf(2) ** -80 else mp.sqrt(mp.pi) / 2


def erfc_weight(t: mp.mpf) -> mp.mpf:
    return t * mp.erfc(t) / mp.erf(t)


LN2 = mp.log(2)
ROOT = mp.sqrt(mp.mpf(1) / 2)
ZERO = mp.mpf(0)
FITS = {  # name: (function, weight, low, high, degree)
    "exp f32": (exp_tail, exp_weight, -LN2 * mp.mpf("1.001"), LN2 * mp.mpf("1.001"), 6),
    "expm1 f32 narrow": (exp_tail, exp_weight, -LN2 * mp.mpf("0.501"), LN2 * mp.mpf("0.501"), 4),
    "exp f64": (exp_tail, exp_weight, -LN2 * mp.mpf("1.001"), LN2 * mp.mpf("1.001"), 11),
    "expm1 f64 narrow": (exp_tail, exp_weight, -LN2 * mp.mpf("0.501"), LN2 * mp.mpf("0.501"), 9),
    "log f32": (log_tail, log_weight, ROOT - 1, 2 * ROOT - 1, 7),
    "log f64 of f32": (log_tail, log_weight, ROOT - 1, 2 * ROOT - 1, 12),
    "sin f32": (sin_tail, sin_weight, ZERO, (mp.pi / 2 * mp.mpf("1.001")) ** 2, 3),
    "sin f64": (sin_tail, sin_weight, ZERO, (mp.pi / 2 * mp.mpf("1.001")) ** 2, 7),
    "exp f64 of f32": (exp_tail, exp_weight, -LN2 * mp.mpf("0.501"), LN2 * mp.mpf("0.501"), 5),
    "atanh f64": (atanh_tail, lambda z: z**2 + mp.mpf(2) ** -100, ZERO, mp.mpf("0.0296"), 6),
    "erf f32 small": (erf_tail, erf_weight, ZERO, mp.mpf("0.93") ** 2, 5),
    "erf f32 large": (log_erfc, erfc_weight, mp.mpf("0.92"), mp.mpf("3.93"), 5),
    "erf f64 small": (erf_tail, erf_weight, ZERO, mp.mpf(1), 11),
    "erf f64 large": (log_erfc, erfc_weight, mp.mpf(1), mp.mpf("5.93"), 17),
}


def main(names: list[str]) -> None:
    for name in names or FITS:
        coefficients, error = remez(*FITS[name])
        print(f"# {name}: 2^{mp.nstr(mp.log(error, 2), 4)}")
        for c in coefficients:
            print(f"    {mp.nstr(c, 20)},")


if __name__ == "__main__":
    main(sys.argv[1:])
