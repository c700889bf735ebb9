"""The thin Python face of the C++ runtime: executables, buffers, threads, the BLAS. It sees only `program`."""
