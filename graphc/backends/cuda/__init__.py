"""The CUDA backend: kernels as CUDA C++, compiled by nvcc."""
