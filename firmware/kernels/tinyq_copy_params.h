/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_COPY_PARAMS_H
#define TINYQ_COPY_PARAMS_H

#include <stdint.h>

#define TINYQ_COPY_AXES 8

/*
 * A grid of elements of `width` bytes, from one tensor to another. Axes are from the outermost to the innermost; steps
 * are bytes from one element of an axis to the next, below 0 where it is walked backwards. An innermost axis with steps
 * of 1 is a run of bytes, whatever the width. Where `filled` is set, all of the output, of output_bytes, holds elements
 * `fill` first.
 */
typedef struct {
    int32_t extent[TINYQ_COPY_AXES];
    int32_t input_step[TINYQ_COPY_AXES];
    int32_t output_step[TINYQ_COPY_AXES];
    int32_t input_start, output_start;
    int32_t filled, fill, output_bytes;
    int32_t width;
} tinyq_copy_params;

#endif
