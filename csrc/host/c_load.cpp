// The C function that loads a package from a file. Apart from c_package.cpp, since it alone needs a dynamic
// loader and signatures.
#include "host/c_objects.h"
#include "host/signature.h"

using namespace graphc::host;

extern "C" graphc_status graphc_load(const char* path, const graphc_load_options* options,
                                     graphc_package** package, graphc_error* error) {
  return guarded(error, [&] {
    require(path != nullptr && package != nullptr, "a path and where to put the package");
    const graphc_load_options wanted = options != nullptr ? *options : graphc_load_options{};
    auto made = std::make_shared<Package>(map_file(path));
    if (wanted.verify != nullptr) check_signature(made->file(), wanted.verify);
    const PackagedCode& code = made->choose_code(wanted.target);
    made->use(load_code(made->file().sections[code.section]), code.target);
    *package = new graphc_package{std::move(made)};
  });
}
