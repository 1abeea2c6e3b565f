/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_RSQRT_PARAMS_H
#define TINYQ_RSQRT_PARAMS_H

#include <stdint.h>

/* One RSQRT of int16: the factor from roots with 20 bits of fraction to the output. */
typedef struct {
    int32_t size;
    int32_t multiplier, shift;
} tinyq_rsqrt_params;

#endif
