"""The target for machines with a C++ compiler: kernels as readable C++17 that GCC and Clang vectorise."""
