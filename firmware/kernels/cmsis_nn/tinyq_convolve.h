/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CMSIS_NN_CONVOLVE_H
#define TINYQ_CMSIS_NN_CONVOLVE_H

#include "../tinyq_conv_2d_params.h"
#include "../tinyq_fixed_point.h"
#include "tinyq_cmsis_nn.h"

/* The signature of the library's convolutions. */
typedef arm_cmsis_nn_status
tinyq_cmsis_nn_convolution(const cmsis_nn_context *, const cmsis_nn_conv_params *,
                           const cmsis_nn_per_channel_quant_params *, const cmsis_nn_dims *,
                           const int8_t *, const cmsis_nn_dims *, const int8_t *,
                           const cmsis_nn_dims *, const int32_t *, const cmsis_nn_dims *, int8_t *);

/*
 * CONV_2D, int8, batch 1, by `function`, a constant after inlining; arguments as in
 * portable/conv_2d.h. `scratch` holds expanded input, aligned to 4.
 */
static inline __attribute__((always_inline)) void
tinyq_cmsis_nn_convolve(tinyq_cmsis_nn_convolution *function, const tinyq_conv_2d_params *p,
                        const int8_t *input, const int8_t *filter, const int32_t *bias,
                        const int32_t *multiplier, const int32_t *shift, void *scratch,
                        int8_t *output)
{
    const cmsis_nn_context context = {.buf = scratch};
    const cmsis_nn_conv_params params = {
        .input_offset = p->input_offset,
        .output_offset = p->output_offset,
        .stride = {.w = p->stride_width, .h = p->stride_height},
        .padding = {.w = p->pad_left, .h = p->pad_top},
        .dilation = {.w = p->dilation_width, .h = p->dilation_height},
        .activation = {.min = p->activation_min, .max = p->activation_max},
    };
    const cmsis_nn_per_channel_quant_params quant = tinyq_cmsis_nn_per_channel(multiplier, shift);
    const cmsis_nn_dims input_dims = {
        .n = 1, .h = p->input_height, .w = p->input_width, .c = p->input_channels};
    const cmsis_nn_dims filter_dims = {.n = p->output_channels,
                                       .h = p->filter_height,
                                       .w = p->filter_width,
                                       .c = p->filter_channels};
    const cmsis_nn_dims bias_dims = {.n = 1, .h = 1, .w = 1, .c = p->output_channels};
    const cmsis_nn_dims output_dims = {
        .n = 1, .h = p->output_height, .w = p->output_width, .c = p->output_channels};

    tinyq_cmsis_nn_check(function(&context, &params, &quant, &input_dims, input, &filter_dims,
                                  filter, &bias_dims, bias, &output_dims, output));
}

#endif
