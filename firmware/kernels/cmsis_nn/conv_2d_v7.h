/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CMSIS_NN_CONV_2D_V7_H
#define TINYQ_CMSIS_NN_CONV_2D_V7_H

#include "tinyq_convolve.h"

/* From 7 on arm_convolve_s8 also convolves an upscaled input; null: as it is. */
static inline arm_cmsis_nn_status
tinyq_cmsis_nn_convolve_v7(const cmsis_nn_context *context, const cmsis_nn_conv_params *params,
                           const cmsis_nn_per_channel_quant_params *quant,
                           const cmsis_nn_dims *input_dims, const int8_t *input,
                           const cmsis_nn_dims *filter_dims, const int8_t *filter,
                           const cmsis_nn_dims *bias_dims, const int32_t *bias,
                           const cmsis_nn_dims *output_dims, int8_t *output)
{
    return arm_convolve_s8(context, params, quant, input_dims, input, filter_dims, filter,
                           bias_dims, bias, 0, output_dims, output);
}

/* CONV_2D by im2col and matrix product, CMSIS-NN 7. */
TINYQ_KERNEL void tinyq_cmsis_nn_conv_2d_v7(const tinyq_conv_2d_params *p, const int8_t *input,
                                            const int8_t *filter, const int32_t *bias,
                                            const int32_t *multiplier, const int32_t *shift,
                                            void *scratch, int8_t *output)
{
    tinyq_cmsis_nn_convolve(tinyq_cmsis_nn_convolve_v7, p, input, filter, bias, multiplier, shift,
                            scratch, output);
}

#endif
