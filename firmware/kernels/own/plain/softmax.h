/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_SOFTMAX_H
#define TINYQ_OWN_PLAIN_SOFTMAX_H

#include "../../portable/softmax.h"

/*
 * SOFTMAX as in portable/softmax.h. The table holds 0 where a difference counts as exp() = 0, so
 * nothing is compared; nothing is negative, so halves are rounded by an addition; and the loops are
 * not unrolled: short rows are not worth the flash.
 */
TINYQ_KERNEL void tinyq_own_plain_softmax(const tinyq_softmax_params *p, const int8_t *input,
                                          const int32_t *exponential, int8_t *output)
{
    const int32_t depth = p->depth;
    for (int32_t row = 0; row < p->rows; ++row, input += depth, output += depth) {
        int32_t most = INT8_MIN;
#pragma GCC unroll 1
        for (int32_t i = 0; i < depth; ++i) {
            most = input[i] > most ? input[i] : most;
        }
        uint32_t sum = 0;
#pragma GCC unroll 1
        for (int32_t i = 0; i < depth; ++i) {
            sum += ((uint32_t)exponential[most - input[i]] +
                    (1u << (TINYQ_SOFTMAX_SUM_INTEGER_BITS - 1))) >>
                   TINYQ_SOFTMAX_SUM_INTEGER_BITS;
        }
        const int32_t headroom = tinyq_count_leading_zeros(sum);
        const int32_t scale =
            tinyq_reciprocal_of_one_plus((int32_t)((sum << headroom) - 0x80000000u));
        const int32_t exponent = TINYQ_SOFTMAX_SUM_INTEGER_BITS - headroom + 31 - 8;
        /* From a sum of 512 on, each output is below half a step. */
        const uint32_t half = exponent <= 31 ? 1u << (exponent - 1) : 0;
        const int32_t shift = exponent <= 31 ? exponent : 31;
#pragma GCC unroll 1
        for (int32_t i = 0; i < depth; ++i) {
            const uint64_t product =
                (uint64_t)(uint32_t)scale * (uint32_t)exponential[most - input[i]];
            const uint32_t value = ((uint32_t)((product + (1u << 30)) >> 31) + half) >> shift;
            output[i] = (int8_t)(INT8_MIN + (int32_t)(value > 255 ? 255 : value));
        }
    }
}

#endif
