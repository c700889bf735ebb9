// A host links no BLAS: products run in graphc's own loops. In place of library/blas.cpp, which loads one.
#include "library/blas.h"

namespace graphc {

const BlasTable* blas() { return nullptr; }

}  // namespace graphc
