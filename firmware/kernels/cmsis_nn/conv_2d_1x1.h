/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CMSIS_NN_CONV_2D_1X1_H
#define TINYQ_CMSIS_NN_CONV_2D_1X1_H

#include "tinyq_convolve.h"

/* Pointwise CONV_2D with stride 1: one matrix product, no scratch. */
TINYQ_KERNEL void tinyq_cmsis_nn_conv_2d_1x1(const tinyq_conv_2d_params *p, const int8_t *input,
                                             const int8_t *filter, const int32_t *bias,
                                             const int32_t *multiplier, const int32_t *shift,
                                             void *scratch, int8_t *output)
{
    tinyq_cmsis_nn_convolve(arm_convolve_1x1_s8_fast, p, input, filter, bias, multiplier, shift,
                            scratch, output);
}

#endif
