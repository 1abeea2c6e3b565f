/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_AVERAGE_POOL_2D_H
#define TINYQ_OWN_PLAIN_AVERAGE_POOL_2D_H

#include "tinyq_window.h"

/* Sums of int8 that a halfword holds. */
#define TINYQ_HALFWORD_TAPS 256

static inline int8_t tinyq_mean(const tinyq_pool_2d_params *p, int32_t sum, int32_t count)
{
    const int32_t half = sum > 0 ? count / 2 : -(count / 2);
    return (int8_t)tinyq_clamp((sum + half) / count, p->activation_min, p->activation_max);
}

static inline int8_t tinyq_mean_1(const tinyq_pool_2d_params *p, const tinyq_window *window, int32_t channel,
                                  int32_t count)
{
    const int8_t *row = window->first + channel;
    int32_t sum = 0;
    for (int32_t y = 0; y < window->height; ++y, row += p->input_width * p->channels) {
        const int8_t *in = row;
#pragma GCC unroll 4
        for (int32_t x = 0; x < window->width; ++x, in += p->channels) {
            sum += *in;
        }
    }
    return tinyq_mean(p, sum, count);
}

#if defined(__ARM_FEATURE_DSP)
/* Four channels: the even ones in the halfwords of one register, the odd ones in those of another. */
static inline void tinyq_mean_4(const tinyq_pool_2d_params *p, const tinyq_window *window, int32_t channel,
                                int32_t count, int8_t *output)
{
    const int8_t *row = window->first + channel;
    int32_t even = 0, odd = 0;
    for (int32_t y = 0; y < window->height; ++y, row += p->input_width * p->channels) {
        const int8_t *in = row;
#pragma GCC unroll 4
        for (int32_t x = 0; x < window->width; ++x, in += p->channels) {
            const uint32_t word = tinyq_four_channels(in);
            __asm("sxtab16 %0, %0, %1" : "+r"(even) : "r"(word));
            __asm("sxtab16 %0, %0, %1, ror #8" : "+r"(odd) : "r"(word));
        }
    }
    output[0] = tinyq_mean(p, (int16_t)even, count);
    output[1] = tinyq_mean(p, (int16_t)odd, count);
    output[2] = tinyq_mean(p, even >> 16, count);
    output[3] = tinyq_mean(p, odd >> 16, count);
}
#endif

/*
 * AVERAGE_POOL_2D, int8, batch 1. input [H,W,C], output [OH,OW,C]. The mean is over the taps inside the input, rounded
 * half away from zero. The output may lie over the input where no later window reads what is written.
 */
TINYQ_KERNEL void tinyq_own_plain_average_pool_2d(const tinyq_pool_2d_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t out_y = 0; out_y < p->output_height; ++out_y) {
        for (int32_t out_x = 0; out_x < p->output_width; ++out_x, output += p->channels) {
            const tinyq_window window = tinyq_pool_window(p, input, out_y, out_x);
            const int32_t count = window.height * window.width;
            int32_t channel = 0;
#if defined(__ARM_FEATURE_DSP)
            for (; count <= TINYQ_HALFWORD_TAPS && channel + 4 <= p->channels; channel += 4) {
                tinyq_mean_4(p, &window, channel, count, output + channel);
            }
#endif
            for (; channel < p->channels; ++channel) {
                output[channel] = tinyq_mean_1(p, &window, channel, count);
            }
        }
    }
}

#endif
