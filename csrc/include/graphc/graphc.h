/* graphc's host library: load an exported package and run its programs. For C, and for languages that call C.
 *
 * It stands apart from graphc.hpp, which is the same for C++ and nothing but a layer over this header: the
 * library exports these functions alone.
 *
 * Every function that may fail returns a status and, if `error` is not null, describes it there in one
 * sentence. Objects may outlive the ones that they came from. Packages, and distinct programs, may be used
 * from several threads; programs of one package that share variables take turns.
 *
 * TRUST: a package holds native code. Load packages only from somebody you trust (docs/package-format.md).
 */
#ifndef GRAPHC_GRAPHC_H
#define GRAPHC_GRAPHC_H

#include <stddef.h>
#include <stdint.h>

#include "kernel_abi.h"

#define GRAPHC_API __attribute__((visibility("default")))
#define GRAPHC_MAX_RANK 8

#ifdef __cplusplus
extern "C" {
#endif

typedef enum graphc_status {
  GRAPHC_OK = 0,
  GRAPHC_ARGUMENT = 1, /* the caller's arguments do not fit */
  GRAPHC_PACKAGE = 2,  /* the package is malformed, altered, or not for this machine */
  GRAPHC_FAULT = 3,    /* a step failed while a program ran; no variable has changed */
  GRAPHC_SYSTEM = 4    /* no memory, or a file could not be read or written */
} graphc_status;

typedef struct graphc_error {
  graphc_status status;
  char message[1020]; /* UTF-8, cut where it is longer */
} graphc_error;

typedef enum graphc_dtype {
  GRAPHC_BOOL = 0, /* one byte, 0 or 1 */
  GRAPHC_INT8,
  GRAPHC_INT16,
  GRAPHC_INT32,
  GRAPHC_INT64,
  GRAPHC_UINT8,
  GRAPHC_UINT16,
  GRAPHC_UINT32,
  GRAPHC_UINT64,
  GRAPHC_FLOAT32,
  GRAPHC_FLOAT64
} graphc_dtype;

/* An array of the caller's. Programs take arrays in row-major order without gaps, aligned to their elements;
 * strides, in elements, say what an array is, and any other is refused. Nothing is copied. */
typedef struct graphc_view {
  void* data;
  int32_t dtype;
  int32_t rank;
  int64_t shape[GRAPHC_MAX_RANK];
  int64_t strides[GRAPHC_MAX_RANK];
} graphc_view;

/* An input or an output of a program, or a variable. */
typedef struct graphc_port {
  const char* name; /* lives as long as the package or program that it came from */
  int32_t dtype;
  int32_t rank;
  int64_t shape[GRAPHC_MAX_RANK]; /* -1 where the extent depends on symbolic sizes */
} graphc_port;

/* The value of a symbolic size. */
typedef struct graphc_dim {
  const char* name;
  int64_t value;
} graphc_dim;

/* The host's threads. `parallel_for` calls task(data, i) once for every i in [0, tasks), on any threads, and
 * returns when all calls have returned; `tasks` is at most `threads`. With `threads` == 1 it is never called
 * and everything runs on the calling thread. */
typedef struct graphc_thread_pool {
  int32_t threads; /* 1 to 256 */
  void (*parallel_for)(void* context, int32_t tasks, void (*task)(void* data, int32_t task), void* data);
  void* context;
} graphc_thread_pool;

typedef struct graphc_load_options {
  const unsigned char*
      verify;         /* an Ed25519 public key of 32 bytes that must have signed the package; or null */
  const char* target; /* the code to take, e.g. "x86-64-v3"; null: the best that this CPU runs */
} graphc_load_options;

typedef struct graphc_program_options {
  const graphc_thread_pool* pool; /* copied; null: graphc's own, one for the process */
  int32_t exclusive;              /* 1: the caller sees to it that nobody else uses this program's variables
                                     while it runs, and `graphc_run` takes no locks */
} graphc_program_options;

typedef struct graphc_package graphc_package;
typedef struct graphc_program graphc_program;

/* ---- packages ---- */

/* Maps the file, checks everything in it, and loads its code. Replace a package by renaming another over it
 * (as export and save do), never by writing into it. `options` may be null. */
GRAPHC_API graphc_status graphc_load(const char* path, const graphc_load_options* options,
                                     graphc_package** package, graphc_error* error);

/* A kernel that is linked into the host, for packages exported as source or object. */
typedef struct graphc_linked_kernel {
  const char* symbol;
  graphc_kernel run;
} graphc_linked_kernel;

/* A package in memory without code, and its kernels. `bytes` is copied. */
GRAPHC_API graphc_status graphc_load_linked(const void* bytes, size_t size,
                                            const graphc_linked_kernel* kernels, size_t kernel_count,
                                            graphc_package** package, graphc_error* error);

GRAPHC_API void graphc_package_free(graphc_package* package);

/* Writes a package with the variables' present values, atomically. A signature is left out: it no longer
 * fits. */
GRAPHC_API graphc_status graphc_package_save(const graphc_package* package, const char* path,
                                             graphc_error* error);

GRAPHC_API const char* graphc_package_target(const graphc_package* package); /* of the loaded code */
GRAPHC_API size_t graphc_package_program_count(const graphc_package* package);
GRAPHC_API const char* graphc_package_program_name(const graphc_package* package, size_t index);
GRAPHC_API const char* graphc_package_metadata(const graphc_package* package, const char* key); /* or null */

/* ---- variables ---- */

GRAPHC_API size_t graphc_variable_count(const graphc_package* package);
GRAPHC_API graphc_status graphc_variable_port(const graphc_package* package, size_t index, graphc_port* port);
/* Copy out of and into a variable; waits for a program that is using it. */
GRAPHC_API graphc_status graphc_variable_get(const graphc_package* package, const char* name,
                                             const graphc_view* target, graphc_error* error);
GRAPHC_API graphc_status graphc_variable_set(graphc_package* package, const char* name,
                                             const graphc_view* source, graphc_error* error);

/* ---- programs ---- */

/* An instance of the program `name`, with memory of its own for what lives during a call; null if the package
 * has just one. Variables belong to the package. `options` may be null. */
GRAPHC_API graphc_status graphc_program_create(graphc_package* package, const char* name,
                                               const graphc_program_options* options,
                                               graphc_program** program, graphc_error* error);
GRAPHC_API void graphc_program_free(graphc_program* program);

GRAPHC_API size_t graphc_input_count(const graphc_program* program);
GRAPHC_API size_t graphc_output_count(const graphc_program* program);
GRAPHC_API graphc_status graphc_input_port(const graphc_program* program, size_t index, graphc_port* port);
GRAPHC_API graphc_status graphc_output_port(const graphc_program* program, size_t index, graphc_port* port);

/* Runs the program once. Arrays in the order of its inputs and outputs, which must not overlap. */
GRAPHC_API graphc_status graphc_run(graphc_program* program, const graphc_view* inputs, size_t input_count,
                                    const graphc_view* outputs, size_t output_count, graphc_error* error);

/* Fills `outputs`, all but their data, with what a run on arrays like `inputs` writes. */
GRAPHC_API graphc_status graphc_output_views(const graphc_program* program, const graphc_view* inputs,
                                             size_t input_count, graphc_view* outputs, size_t output_count,
                                             graphc_error* error);

/* Makes runs with these values of the symbolic sizes ready: from then on such a run allocates nothing and
 * takes no lock but those of its variables (none if `exclusive`) and of graphc's own thread pool. Runs with
 * other sizes still work. `arena`: 64-byte aligned memory of at least graphc_arena_bytes(...), which stays
 * the caller's and must outlive the program or the next graphc_prepare; or null. Not while the program runs.
 */
GRAPHC_API graphc_status graphc_prepare(graphc_program* program, const graphc_dim* dims, size_t dim_count,
                                        void* arena, size_t arena_bytes, graphc_error* error);
GRAPHC_API graphc_status graphc_arena_bytes(const graphc_program* program, const graphc_dim* dims,
                                            size_t dim_count, size_t* bytes, graphc_error* error);

#ifdef __cplusplus
}
#endif

#endif
