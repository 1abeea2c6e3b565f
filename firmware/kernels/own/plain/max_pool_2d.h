/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_MAX_POOL_2D_H
#define TINYQ_OWN_PLAIN_MAX_POOL_2D_H

#include "tinyq_window.h"

static inline int8_t tinyq_most_1(const tinyq_pool_2d_params *p, const tinyq_window *window, int32_t channel)
{
    const int8_t *row = window->first + channel;
    int32_t most = INT8_MIN;
    for (int32_t y = 0; y < window->height; ++y, row += p->input_width * p->channels) {
        const int8_t *in = row;
        for (int32_t x = 0; x < window->width; ++x, in += p->channels) {
            most = *in > most ? *in : most;
        }
    }
    return (int8_t)tinyq_clamp(most, p->activation_min, p->activation_max);
}

#if defined(__ARM_FEATURE_DSP)
/* The larger of each pair of signed bytes. */
static inline uint32_t tinyq_larger_bytes(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(result) : "r"(a), "r"(b) : "cc");
    return result;
}

/* Four channels at once. */
static inline void tinyq_most_4(const tinyq_pool_2d_params *p, const tinyq_window *window, int32_t channel,
                                int8_t *output)
{
    const int8_t *row = window->first + channel;
    uint32_t most = (uint32_t)(p->activation_min & 0xFF) * 0x01010101u;
    for (int32_t y = 0; y < window->height; ++y, row += p->input_width * p->channels) {
        const int8_t *in = row;
#pragma GCC unroll 4
        for (int32_t x = 0; x < window->width; ++x, in += p->channels) {
            most = tinyq_larger_bytes(tinyq_four_channels(in), most);
        }
    }
    if (p->activation_max < INT8_MAX) {
        const uint32_t least = (uint32_t)(p->activation_max & 0xFF) * 0x01010101u;
        most = ~tinyq_larger_bytes(~most, ~least);
    }
    memcpy(output, &most, sizeof most);
}
#endif

/*
 * MAX_POOL_2D, int8, batch 1. input [H,W,C], output [OH,OW,C]; taps outside the input do not count. The output may lie
 * over the input where no later window reads what is written.
 */
TINYQ_KERNEL void tinyq_own_plain_max_pool_2d(const tinyq_pool_2d_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t out_y = 0; out_y < p->output_height; ++out_y) {
        for (int32_t out_x = 0; out_x < p->output_width; ++out_x, output += p->channels) {
            const tinyq_window window = tinyq_pool_window(p, input, out_y, out_x);
            int32_t channel = 0;
#if defined(__ARM_FEATURE_DSP)
            for (; channel + 4 <= p->channels; channel += 4) {
                tinyq_most_4(p, &window, channel, output + channel);
            }
#endif
            for (; channel < p->channels; ++channel) {
                output[channel] = tinyq_most_1(p, &window, channel);
            }
        }
    }
}

#endif
