/* The one way in which every CPU kernel is called, whoever emitted or wrote it. Plain C.
 *
 * buffers  one pointer per operand of the kernel in its declared order, then one per partial result;
 *          64-byte aligned where graphc owns the memory, aligned to the element elsewhere.
 * dims     the values of the kernel's named sizes, in the kernel's order.
 * begin, end  the slice of its parallel work, in units; the runtime alone decides who runs what.
 * scratch  64-byte aligned memory of the calling worker, as large as the kernel asks; not cleared.
 *
 * Returns 0, or the code of a failed check. A kernel with a finish phase exports `<symbol>_finish` too,
 * which the runtime calls once after all units, with begin = 0 and end = the number of units.
 */
#ifndef GRAPHC_KERNEL_ABI_H
#define GRAPHC_KERNEL_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t (*graphc_kernel)(void* const* buffers, const int64_t* dims, int64_t begin, int64_t end,
                                 void* scratch);

#ifdef __cplusplus
}
#endif

#endif
