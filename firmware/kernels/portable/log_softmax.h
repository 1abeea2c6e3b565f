/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_LOG_SOFTMAX_H
#define TINYQ_PORTABLE_LOG_SOFTMAX_H

#include "../tinyq_fixed_functions.h"
#include "../tinyq_log_softmax_params.h"

/*
 * LOG_SOFTMAX, int8 with output scale 1/16 and zero point 127. `exponential[d]` is exp(-d * scale)
 * in Q12.19, 0 beyond -diff_min. input and output [rows,depth]; they may be the same.
 */
TINYQ_KERNEL void tinyq_portable_log_softmax(const tinyq_log_softmax_params *p, const int8_t *input,
                                             const int32_t *exponential, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t most = INT8_MIN;
        for (int32_t i = 0; i < p->depth; ++i) {
            most = input[i] > most ? input[i] : most;
        }
        int32_t sum = 0;
        for (int32_t i = 0; i < p->depth; ++i) {
            sum += exponential[most - input[i]];
        }
        const int32_t log_sum = tinyq_log(sum); /* Q5.26 */
        /* What lies further below the largest would leave Q5.26 once the logarithm is taken off. */
        const int32_t room = tinyq_requantize(tinyq_wrapping_add(log_sum, INT32_MIN),
                                              p->inverse_multiplier, p->inverse_shift);
        const int32_t least = room > p->diff_min - 1 ? room : p->diff_min - 1;
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t below = input[i] - most;
            int32_t value = INT8_MIN;
            if (below > least) {
                const int32_t difference = tinyq_requantize(below, p->multiplier, p->shift);
                const int32_t real = tinyq_wrapping_add(difference, -log_sum);
                value = tinyq_rounding_shift_right(real, 22) + INT8_MAX;
            }
            output[i] = (int8_t)tinyq_clamp(value, INT8_MIN, INT8_MAX);
        }
    }
}

#endif
