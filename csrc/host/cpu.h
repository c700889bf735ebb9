// What this CPU can run. Apart from the loader, since it is all that depends on the architecture.
#pragma once

#include <string>

namespace graphc::host {

// Whether code compiled for `target` runs here: "x86-64", "x86-64-v2" to "x86-64-v4" (the levels of the
// x86-64 psABI), "aarch64". Unknown targets do not.
bool runs_target(const std::string& target);

// Among the targets that run, the one with the higher rank is the better; 0 for those that do not.
int target_rank(const std::string& target);

bool has_sha_instructions();

}  // namespace graphc::host
