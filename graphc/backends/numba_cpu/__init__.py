"""The target that needs no compiler: kernels as LLVM IR with explicit vectors, compiled by Numba's code generator."""
