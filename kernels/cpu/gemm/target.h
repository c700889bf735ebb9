// Compiles what follows for one x86-64 instruction set, up to GRAPHC_TARGET_END, whatever the command line
// says. It stands apart because GCC and Clang spell it differently. Library headers are included before:
// their inline functions must stay runnable everywhere.
#pragma once

#define GRAPHC_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define GRAPHC_TARGET_BEGIN(features) \
  GRAPHC_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define GRAPHC_TARGET_END GRAPHC_PRAGMA(clang attribute pop)
#else
#define GRAPHC_TARGET_BEGIN(features) GRAPHC_PRAGMA(GCC push_options) GRAPHC_PRAGMA(GCC target(features))
#define GRAPHC_TARGET_END GRAPHC_PRAGMA(GCC pop_options)
#endif
