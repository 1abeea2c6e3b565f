/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_RUN_H
#define TINYQ_RUN_H

#include <stdint.h>
#include <string.h>

/* `run` bytes; a single element, of `width` bytes to which it is aligned, is one load and one store. */
static inline __attribute__((always_inline)) void tinyq_copy_run(int8_t *output, const int8_t *input, int32_t run,
                                                                 int32_t width)
{
    if (run == 1) {
        *output = *input;
    } else if (run == 2 && width == 2) {
        memcpy(__builtin_assume_aligned(output, 2), __builtin_assume_aligned(input, 2), 2);
    } else if (run == 4 && width == 4) {
        memcpy(__builtin_assume_aligned(output, 4), __builtin_assume_aligned(input, 4), 4);
    } else {
        memcpy(output, input, (size_t)run);
    }
}

#endif
