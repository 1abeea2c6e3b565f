/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CMSIS_NN_MAX_POOL_2D_H
#define TINYQ_CMSIS_NN_MAX_POOL_2D_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_pool_2d_params.h"
#include "tinyq_cmsis_nn.h"

/* MAX_POOL_2D, int8, batch 1; arguments as in portable/max_pool_2d.h. */
TINYQ_KERNEL void tinyq_cmsis_nn_max_pool_2d(const tinyq_pool_2d_params *p, const int8_t *input,
                                             int8_t *output)
{
    const cmsis_nn_context context = {.buf = 0};
    const cmsis_nn_pool_params params = {
        .stride = {.w = p->stride_width, .h = p->stride_height},
        .padding = {.w = p->pad_left, .h = p->pad_top},
        .activation = {.min = p->activation_min, .max = p->activation_max},
    };
    const cmsis_nn_dims input_dims = {
        .n = 1, .h = p->input_height, .w = p->input_width, .c = p->channels};
    const cmsis_nn_dims filter_dims = {.n = 1, .h = p->filter_height, .w = p->filter_width, .c = 1};
    const cmsis_nn_dims output_dims = {
        .n = 1, .h = p->output_height, .w = p->output_width, .c = p->channels};

    tinyq_cmsis_nn_check(
        arm_max_pool_s8(&context, &params, &input_dims, input, &filter_dims, &output_dims, output));
}

#endif
