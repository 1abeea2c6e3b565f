/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_ARG_MAX_PARAMS_H
#define TINYQ_ARG_MAX_PARAMS_H

#include <stdint.h>

/*
 * One ARG_MAX, `flip` 0, or ARG_MIN, -1, along the middle axis of [outer,extent,inner]. An element
 * of the output has `words` of 32 bits, the lowest first.
 */
typedef struct {
    int32_t outer, extent, inner;
    int32_t flip;
    int32_t words;
} tinyq_arg_max_params;

#endif
