"""The ops: `definition.py` says what an op is, one file a family holds the records and public functions.

Importing this package fills the registry and installs the operators on `Value`.
"""

from graphc.ops import operators
from graphc.ops.activation import erf, relu, sigmoid, softplus
from graphc.ops.arithmetic import (
    abs,
    add,
    divide,
    multiply,
    negative,
    positive,
    reciprocal,
    sign,
    square,
    subtract,
)
from graphc.ops.casting import astype
from graphc.ops.comparison import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    not_equal,
)
from graphc.ops.contraction import matmul, outer, tensordot, vecdot
from graphc.ops.definition import refuse
from graphc.ops.division import floor_divide, remainder
from graphc.ops.einsum import einsum
from graphc.ops.exponential import exp, expm1, log, log1p, logaddexp
from graphc.ops.gradient_control import stop_gradient
from graphc.ops.indexing import checked_index, diagonal, index, one_hot, take, take_along_axis
from graphc.ops.joining import concat, pad, roll, split, stack, unstack
from graphc.ops.leaves import (
    as_value,
    constant,
    full,
    full_like,
    input,
    ones,
    ones_like,
    size_of,
    variable,
    zeros,
    zeros_like,
)
from graphc.ops.logic import (
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
)
from graphc.ops.normalization import log_softmax, logsumexp, softmax
from graphc.ops.power import pow, rsqrt, sqrt
from graphc.ops.random import normal_from_tail, random_bits, random_permutation
from graphc.ops.ranges import arange, eye
from graphc.ops.reduction import all, any, max, min, prod, sum
from graphc.ops.rounding import ceil, floor, round, trunc
from graphc.ops.scatter import scatter_add
from graphc.ops.searching import argmax, argmin
from graphc.ops.selection import clip, maximum, minimum, where
from graphc.ops.slicing import flip
from graphc.ops.statistics import mean, std, var
from graphc.ops.trigonometry import cos, sin, tanh
from graphc.ops.views import (
    broadcast_to,
    expand_dims,
    iota,
    matrix_transpose,
    moveaxis,
    permute_dims,
    reshape,
    squeeze,
    swapaxes,
    transpose,
)

operators.install()
