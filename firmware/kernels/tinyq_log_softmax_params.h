/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_LOG_SOFTMAX_PARAMS_H
#define TINYQ_LOG_SOFTMAX_PARAMS_H

#include <stdint.h>

/*
 * Shape of one LOG_SOFTMAX: `rows` independent rows of `depth`. Differences become Q5.26 by
 * multiplier and shift, and int8 steps again by their inverse; those below diff_min count as
 * exp() = 0.
 */
typedef struct {
    int32_t rows, depth;
    int32_t diff_min;
    int32_t multiplier, shift;
    int32_t inverse_multiplier, inverse_shift;
} tinyq_log_softmax_params;

#endif
