/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_FULLY_CONNECTED_LONG_H
#define TINYQ_OWN_DSP_FULLY_CONNECTED_LONG_H

#include "fully_connected.h"

/*
 * Words of a row whose sums are taken at once: 480 products of at most 2^14 stay below 2^23, and 256
 * times that below 2^31. A multiple of 8, which `repeated` divides.
 */
#define TINYQ_LONG_QUADS 120

/* Adds the dot products of a row with 4 outputs to `sums`; returns the weights behind them. */
static inline __attribute__((always_inline)) const int16_t *
tinyq_own_dsp_long_row(const tinyq_own_dsp_fully_connected_params *p, const int8_t *input,
                       const int16_t *weights, int32_t sums[4])
{
    for (int32_t left = p->quads; left > 0; left -= TINYQ_LONG_QUADS) {
        const int32_t quads = left < TINYQ_LONG_QUADS ? left : TINYQ_LONG_QUADS;
        int32_t parts[4] = {0, 0, 0, 0};
        weights = tinyq_dot_4x1(parts, weights, input, quads, p->repeated);
        input += 4 * quads;
        for (int32_t i = 0; i < 4; i += 2) {
            const int32_t first = (int32_t)((uint32_t)parts[i] - (uint32_t)parts[i + 1]) >> 8;
            sums[i] = tinyq_wrapping_add(sums[i], first);
            sums[i + 1] = tinyq_wrapping_add(sums[i + 1], parts[i + 1]);
        }
    }
    return weights;
}

/* tinyq_own_dsp_fully_connected for sums of any size; biases [O], each by itself. */
TINYQ_KERNEL void
tinyq_own_dsp_fully_connected_long(const tinyq_own_dsp_fully_connected_params *p,
                                   const int8_t *input, const int16_t *weights,
                                   const int32_t *biases, const int32_t *factors, int8_t *output)
{
    const int32_t words = p->uniform ? 0 : TINYQ_OWN_CHANNEL_WORDS(p->requantization) - 1;
    for (int32_t row = 0; row < p->batches; ++row) {
        const int16_t *w = weights;
        const int32_t *factor = factors;
        for (int32_t out = 0; out < p->output_depth; out += 4) {
            const int32_t outputs = p->output_depth - out < 4 ? p->output_depth - out : 4;
            int32_t sums[4] = {0, 0, 0, 0};
            w = tinyq_own_dsp_long_row(p, input, w, sums);
            for (int32_t i = 0; i < outputs; ++i, factor += words) {
                const int32_t sum = tinyq_wrapping_add(sums[i], biases[out + i]);
                output[out + i] = tinyq_own_dsp_row_output(p, sum, factor);
            }
        }
        input += p->input_depth;
        output += p->output_depth;
    }
}

#endif
