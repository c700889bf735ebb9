// libsodium's verification if this library was built with it (GRAPHC_SODIUM in CMake). Without it a
// wanted check fails: it must never pass because nobody looked.
#include "host/signature.h"

#include "runtime/error.h"

#ifdef GRAPHC_WITH_SODIUM
#include <sodium.h>
#endif

namespace graphc::host {

#ifdef GRAPHC_WITH_SODIUM

void check_signature(const PackageFile& package, const unsigned char* public_key) {
  const std::string message = signed_message(package);
  if (sodium_init() < 0) throw Error(ErrorKind::kProgram, "expected libsodium to start, got a failure");
  for (const std::size_t index : package.signatures) {
    const Section& section = package.sections[index];
    if (section.size == crypto_sign_BYTES &&
        crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(section.data),
                                    reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                                    public_key) == 0) {
      return;
    }
  }
  throw Error(ErrorKind::kProgram, package.signatures.empty()
                                       ? "expected a signed package, got one without a signature"
                                       : "expected a signature by the given key, got another");
}

#else

void check_signature(const PackageFile&, const unsigned char*) {
  throw Error(ErrorKind::kProgram,
              "expected a build of graphc with libsodium (cmake -DGRAPHC_SODIUM=ON) to check signatures, got "
              "one without");
}

#endif

}  // namespace graphc::host
