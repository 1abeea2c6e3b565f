/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CMSIS_NN_ADD_H
#define TINYQ_CMSIS_NN_ADD_H

#include "../tinyq_add_params.h"
#include "../tinyq_fixed_point.h"
#include "tinyq_cmsis_nn.h"

/* ADD, int8, elementwise; arguments as in portable/add.h. Four elements are read before they are
 * written: output may be either input. */
TINYQ_KERNEL void tinyq_cmsis_nn_add(const tinyq_add_params *p, const int8_t *input1,
                                     const int8_t *input2, int8_t *output)
{
    tinyq_cmsis_nn_check(arm_elementwise_add_s8(
        input1, input2, p->input1_offset, p->input1_multiplier, p->input1_shift, p->input2_offset,
        p->input2_multiplier, p->input2_shift, p->left_shift, output, p->output_offset,
        p->output_multiplier, p->output_shift, p->activation_min, p->activation_max, p->size));
}

#endif
