/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_SOFTMAX_S16_PARAMS_H
#define TINYQ_SOFTMAX_S16_PARAMS_H

#include <stdint.h>

/* Shape of one SOFTMAX on int16, `rows` independent rows of `depth`, and the factor from its differences to 10 / 65535. */
typedef struct {
    int32_t rows, depth;
    int32_t multiplier, shift;
} tinyq_softmax_s16_params;

#endif
