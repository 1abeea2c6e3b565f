/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_FULLY_CONNECTED_H
#define TINYQ_PORTABLE_FULLY_CONNECTED_H

#include "../tinyq_element.h"
#include "../tinyq_fixed_point.h"
#include "../tinyq_fully_connected_params.h"

/* FULLY_CONNECTED, int8. input [B,I], filter [O,I], bias [O], multiplier and shift [O] or [1], output [B,O]. */
TINYQ_BODY void tinyq_fully_connected(const tinyq_fully_connected_params *p, const int8_t *input, const int8_t *filter,
                                      const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
                                      int8_t *output, int packed)
{
    for (int32_t row = 0; row < p->batches; ++row, input += p->input_depth) {
        for (int32_t out = 0; out < p->output_depth; ++out) {
            const int32_t w = out * p->input_depth;
            const int32_t channel = p->per_channel ? out : 0;
            int32_t sum = bias[out];
            for (int32_t i = 0; i < p->input_depth; ++i) {
                sum = tinyq_wrapping_add(sum, (input[i] + p->input_offset) *
                                                  (tinyq_weight(filter, w + i, packed) + p->filter_offset));
            }
            const int32_t value = tinyq_wrapping_add(tinyq_requantize(sum, multiplier[channel], shift[channel]),
                                                     p->output_offset);
            *output++ = (int8_t)tinyq_clamp(value, p->activation_min, p->activation_max);
        }
    }
}

TINYQ_KERNEL void tinyq_portable_fully_connected(const tinyq_fully_connected_params *p, const int8_t *input,
                                                 const int8_t *filter, const int32_t *bias,
                                                 const int32_t *multiplier, const int32_t *shift, int8_t *output)
{
    tinyq_fully_connected(p, input, filter, bias, multiplier, shift, output, 0);
}

/* The same with int4 weights. */
TINYQ_KERNEL void tinyq_portable_fully_connected_s4(const tinyq_fully_connected_params *p, const int8_t *input,
                                                    const int8_t *filter, const int32_t *bias,
                                                    const int32_t *multiplier, const int32_t *shift, int8_t *output)
{
    tinyq_fully_connected(p, input, filter, bias, multiplier, shift, output, 1);
}

#endif
