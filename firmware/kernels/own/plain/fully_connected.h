/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_FULLY_CONNECTED_H
#define TINYQ_OWN_PLAIN_FULLY_CONNECTED_H

#include "tinyq_own_plain_fully_connected_params.h"
#include "tinyq_plain_outputs.h"

/* Outputs that share the loads of the inputs. */
#define TINYQ_PLAIN_ROWS 4

/* Sums of a row's products with 4 outputs' weights, which follow each other tap by tap. */
static inline __attribute__((always_inline)) void
tinyq_plain_dot_rows(const int8_t *input, const uint8_t *weights, int32_t depth,
                     uint32_t sums[TINYQ_PLAIN_ROWS])
{
    uint32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
#pragma GCC unroll 4
    for (int32_t i = 0; i < depth; ++i) {
        const uint32_t value = (uint32_t)*input++;
        a += value * weights[0];
        b += value * weights[1];
        c += value * weights[2];
        d += value * weights[3];
        weights += TINYQ_PLAIN_ROWS;
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/*
 * FULLY_CONNECTED, int8. input [B,I]; weights [O / 4, I, 4] plus 128, as Armv6-M loads unsigned
 * bytes at an offset by one instruction, signed ones by two; biases [O]; factors of each output or
 * one for all; output [B,O].
 */
TINYQ_KERNEL void tinyq_own_plain_fully_connected(const tinyq_own_plain_fully_connected_params *p,
                                                  const int8_t *input, const int8_t *weights,
                                                  const int32_t *biases, const int32_t *factors,
                                                  int8_t *output)
{
    const tinyq_plain_finish finish = {p->requantization, p->shift, p->activation_min,
                                       p->activation_max};
    const int32_t words = p->uniform ? 0 : TINYQ_OWN_CHANNEL_WORDS(p->requantization) - 1;
    for (int32_t row = 0; row < p->batches;
         ++row, input += p->input_depth, output += p->output_depth) {
        const uint8_t *w = (const uint8_t *)weights;
        const int32_t *factor = factors;
        uint32_t extra = 0; /* what the 128 add to each sum */
        for (int32_t i = 0; i < p->input_depth; ++i) {
            extra += (uint32_t)input[i] << 7;
        }
        for (int32_t out = 0; out < p->output_depth; out += TINYQ_PLAIN_ROWS) {
            uint32_t sums[TINYQ_PLAIN_ROWS];
            for (int32_t i = 0; i < TINYQ_PLAIN_ROWS; ++i) {
                sums[i] = (uint32_t)biases[out + i] - extra;
            }
            tinyq_plain_dot_rows(input, w, p->input_depth, sums);
            w += TINYQ_PLAIN_ROWS * p->input_depth;
            for (int32_t i = 0; i < TINYQ_PLAIN_ROWS; ++i, factor += words) {
                if (p->output_depth % TINYQ_PLAIN_ROWS == 0 || out + i < p->output_depth) {
                    output[out + i] = tinyq_plain_output(finish, (int32_t)sums[i], factor);
                }
            }
        }
    }
}

#endif
