// The GemmLibrary of this build: our own kernel, or a CBLAS where one is loaded. Apart from the
// executor, which knows only the table of functions in runtime/gemm.h.
#pragma once

#include "runtime/gemm.h"

namespace graphc {

const GemmLibrary& gemm_library();

}  // namespace graphc
