/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CMSIS_NN_CONV_2D_H
#define TINYQ_CMSIS_NN_CONV_2D_H

#include "tinyq_convolve.h"

/* CONV_2D by im2col and matrix product, CMSIS-NN up to 6. */
TINYQ_KERNEL void tinyq_cmsis_nn_conv_2d(const tinyq_conv_2d_params *p, const int8_t *input,
                                         const int8_t *filter, const int32_t *bias,
                                         const int32_t *multiplier, const int32_t *shift,
                                         void *scratch, int8_t *output)
{
    tinyq_cmsis_nn_convolve(arm_convolve_s8, p, input, filter, bias, multiplier, shift, scratch,
                            output);
}

#endif
