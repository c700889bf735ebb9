// The GemmLibrary of this build: our own loop for tiny products, a CBLAS for the others. Apart from the
// executor, which knows only the table of functions in runtime/gemm.h.
#pragma once

#include "runtime/gemm.h"

namespace graphc {

const GemmLibrary& gemm_library();

}  // namespace graphc
