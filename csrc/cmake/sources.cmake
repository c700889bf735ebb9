# The sources of the host library, for its own build and for hosts that build it from an installed Python package.
# The same list stands in graphc/native.py.
get_filename_component(GRAPHC_ROOT "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
file(GLOB GRAPHC_SOURCES "${GRAPHC_ROOT}/csrc/runtime/*.cpp" "${GRAPHC_ROOT}/csrc/library/*.cpp"
     "${GRAPHC_ROOT}/csrc/host/*.cpp" "${GRAPHC_ROOT}/kernels/cpu/gemm/*.cpp")
list(FILTER GRAPHC_SOURCES EXCLUDE REGEX "library/blas\\.cpp$")  # hosts link no BLAS: host/no_blas.cpp
set(GRAPHC_INCLUDES "${GRAPHC_ROOT}/csrc" "${GRAPHC_ROOT}/kernels")
set(GRAPHC_OPTIONS -fvisibility=hidden -fvisibility-inlines-hidden -ffunction-sections -fdata-sections
    -ffp-contract=off)
