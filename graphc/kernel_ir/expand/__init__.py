"""Arithmetic that replaces the transcendental functions, one small file a family.

Every expansion is branch-free over the closed set of `expr.py`, for float32 and float64, and right over
the full IEEE range unless its docstring says otherwise. Bounds are measured by `graphc.kernel_ir.measure`;
coefficients without a source were fitted by tests/kernel_ir/minimax.py (interval beside them).
"""
