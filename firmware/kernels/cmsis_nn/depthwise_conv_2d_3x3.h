/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CMSIS_NN_DEPTHWISE_CONV_2D_3X3_H
#define TINYQ_CMSIS_NN_DEPTHWISE_CONV_2D_3X3_H

#include "tinyq_depthwise.h"

/* DEPTHWISE_CONV_2D with a window of 3 by 3, one output per input channel. */
TINYQ_KERNEL void tinyq_cmsis_nn_depthwise_conv_2d_3x3(const tinyq_depthwise_conv_2d_params *p,
                                                       const int8_t *input, const int8_t *filter,
                                                       const int32_t *bias,
                                                       const int32_t *multiplier,
                                                       const int32_t *shift, void *scratch,
                                                       int8_t *output)
{
    tinyq_cmsis_nn_convolve_depthwise(arm_depthwise_conv_3x3_s8, p, input, filter, bias, multiplier,
                                      shift, scratch, output);
}

#endif
