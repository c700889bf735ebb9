"""graphc against PyTorch, JAX and PyTensor, in one process and on the same arrays.

A package of its own because it is run from the repository (`python -m benchmarks.run`) and never installed.
"""
