/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CMSIS_NN_FULLY_CONNECTED_PER_CHANNEL_H
#define TINYQ_CMSIS_NN_FULLY_CONNECTED_PER_CHANNEL_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_fully_connected_params.h"
#include "tinyq_cmsis_nn.h"

/*
 * FULLY_CONNECTED with a multiplier and shift per output, int8, CMSIS-NN 7; arguments as in
 * portable/fully_connected.h. `kernel_sums` as in fully_connected.h.
 */
TINYQ_KERNEL void tinyq_cmsis_nn_fully_connected_per_channel(
    const tinyq_fully_connected_params *p, const int8_t *input, const int8_t *filter,
    const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
    const int32_t *kernel_sums, int8_t *output)
{
    const cmsis_nn_context context = {.buf = (void *)kernel_sums};
    const cmsis_nn_fc_params params = {
        .input_offset = p->input_offset,
        .filter_offset = p->filter_offset,
        .output_offset = p->output_offset,
        .activation = {.min = p->activation_min, .max = p->activation_max},
    };
    const cmsis_nn_per_channel_quant_params quant = tinyq_cmsis_nn_per_channel(multiplier, shift);
    const cmsis_nn_dims input_dims = {.n = p->batches, .h = 1, .w = 1, .c = p->input_depth};
    const cmsis_nn_dims filter_dims = {.n = p->input_depth, .h = 1, .w = 1, .c = p->output_depth};
    const cmsis_nn_dims bias_dims = {.n = 1, .h = 1, .w = 1, .c = p->output_depth};
    const cmsis_nn_dims output_dims = {.n = p->batches, .h = 1, .w = 1, .c = p->output_depth};

    tinyq_cmsis_nn_check(arm_fully_connected_per_channel_s8(&context, &params, &quant, &input_dims,
                                                            input, &filter_dims, filter, &bias_dims,
                                                            bias, &output_dims, output));
}

#endif
