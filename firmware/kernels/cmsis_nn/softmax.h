/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CMSIS_NN_SOFTMAX_H
#define TINYQ_CMSIS_NN_SOFTMAX_H

#include "../tinyq_fixed_point.h"
#include "tinyq_cmsis_nn.h"

/* Shape of one SOFTMAX, and the multiplier and left shift that take input differences to Q5.26. */
typedef struct {
    int32_t rows, depth;
    int32_t multiplier, shift;
    int32_t diff_min;
} tinyq_cmsis_nn_softmax_params;

/* SOFTMAX, int8, over the last dimension of [rows,depth]. A row is read before it is written:
 * output may be input. */
TINYQ_KERNEL void tinyq_cmsis_nn_softmax(const tinyq_cmsis_nn_softmax_params *p,
                                         const int8_t *input, int8_t *output)
{
    arm_softmax_s8(input, p->rows, p->depth, p->multiplier, p->shift, p->diff_min, output);
}

#endif
