/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_GATHER_PARAMS_H
#define TINYQ_GATHER_PARAMS_H

#include <stdint.h>

#define TINYQ_GATHER_DEPTH 8

/*
 * Of each of batches * outer parts of the input, of `span` bytes, `count` runs of `run` bytes, by rows of `depth`
 * indices, which count steps of `step` bytes. The parts of a batch share its indices, integers of `index_width` bytes.
 */
typedef struct {
    int32_t batches, outer, count, depth;
    int32_t step[TINYQ_GATHER_DEPTH];
    int32_t span, run;
    int32_t index_width;
} tinyq_gather_params;

#endif
