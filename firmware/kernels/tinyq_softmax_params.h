/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_SOFTMAX_PARAMS_H
#define TINYQ_SOFTMAX_PARAMS_H

#include <stdint.h>

/* Shape of one SOFTMAX: `rows` independent rows of `depth`. Differences below diff_min count as exp() = 0. */
typedef struct {
    int32_t rows, depth;
    int32_t diff_min;
} tinyq_softmax_params;

#endif
