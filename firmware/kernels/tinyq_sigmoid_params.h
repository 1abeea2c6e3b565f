/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_SIGMOID_PARAMS_H
#define TINYQ_SIGMOID_PARAMS_H

#include <stdint.h>

/* One LOGISTIC or TANH on int16: the factor, multiplier / 2^shift, from its input to steps of 1 / (3 * 4096). */
typedef struct {
    int32_t size;
    int32_t multiplier, shift;
} tinyq_sigmoid_params;

#endif
