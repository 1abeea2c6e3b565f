/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_SLOPES_PARAMS_H
#define TINYQ_SLOPES_PARAMS_H

#include <stdint.h>

/* One of the RELU family, LEAKY_RELU or ABS: factors above and below 0; the signs, 1 or -1, are of values below 0. */
typedef struct {
    int32_t size;
    int32_t above_multiplier, above_shift;
    int32_t below_multiplier, below_shift;
    int32_t sign_before, sign_after;
    int32_t output_min, output_max;
} tinyq_slopes_params;

#endif
