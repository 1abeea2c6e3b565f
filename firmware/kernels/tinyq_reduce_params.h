/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_REDUCE_PARAMS_H
#define TINYQ_REDUCE_PARAMS_H

#include <stdint.h>

#define TINYQ_REDUCE_LOOPS 3

/*
 * The axes of one MEAN, SUM, REDUCE_MAX or REDUCE_MIN that stay and those that go, from the outermost to the innermost,
 * with their steps through the input. A sum begins at `start`, -zero point times the number of elements.
 */
typedef struct {
    int32_t kept[TINYQ_REDUCE_LOOPS], kept_step[TINYQ_REDUCE_LOOPS];
    int32_t reduced[TINYQ_REDUCE_LOOPS], reduced_step[TINYQ_REDUCE_LOOPS];
    int32_t start;
    int32_t output_offset, multiplier, shift;
} tinyq_reduce_params;

#endif
