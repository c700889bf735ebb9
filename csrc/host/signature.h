// Ed25519 signatures of packages. Apart, since the one library that checks them is optional.
#pragma once

#include "host/package_file.h"

namespace graphc::host {

// Throws Error(kProgram) unless a signature in the package is that of `public_key` (32 bytes), and where this
// library was built without libsodium.
void check_signature(const PackageFile& package, const unsigned char* public_key);

}  // namespace graphc::host
