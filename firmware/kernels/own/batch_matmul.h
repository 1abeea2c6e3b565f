/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_BATCH_MATMUL_H
#define TINYQ_OWN_BATCH_MATMUL_H

#include "../tinyq_batch_matmul_params.h"
#include "tinyq_own_requantize.h"

/* One BATCH_MATMUL with its requantisation; the multiplier and shift of `op` are not used. `words` holds half the depth,
 * rounded up. Sums begin at `bias`. */
typedef struct {
    tinyq_batch_matmul_params op;
    int32_t words;
    int32_t kind, bias, multiplier, offset, shift;
} tinyq_own_batch_matmul_params;

/* sum + a0 * b0 + a1 * b1 of two words with two int16 each. */
static inline int32_t tinyq_own_pair_products(uint32_t a, uint32_t b, int32_t sum)
{
#if defined(__ARM_FEATURE_DSP)
    __asm("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
#else
    const int32_t first = (int16_t)(uint16_t)a * (int16_t)(uint16_t)b;
    const int32_t second = (int16_t)(uint16_t)(a >> 16) * (int16_t)(uint16_t)(b >> 16);
    return tinyq_wrapping_add(sum, tinyq_wrapping_add(first, second));
#endif
}

/* `depth` values, `step` apart, without their zero point, two to a word; an odd last one has 0 beside it. */
static inline void tinyq_own_matmul_widen(const int8_t *from, int32_t depth, int32_t step, int32_t offset, uint32_t *to)
{
    int32_t i = 0;
    for (; i + 2 <= depth; i += 2, from += 2 * step) {
        *to++ = ((uint32_t)(from[0] + offset) & 0xFFFF) | (uint32_t)(from[step] + offset) << 16;
    }
    if (i < depth) {
        *to = (uint32_t)(*from + offset) & 0xFFFF;
    }
}

/* The outputs of two rows in x with two columns in y; they may be the same row, or the same column. */
static inline void tinyq_own_matmul_tile(const tinyq_own_batch_matmul_params *p, const uint32_t *x0, const uint32_t *x1,
                                         const uint32_t *y0, const uint32_t *y1, int8_t *output0, int8_t *output1,
                                         int32_t second)
{
    int32_t sums[4] = {p->bias, p->bias, p->bias, p->bias};
#pragma GCC unroll 2
    for (int32_t i = 0; i < p->words; ++i) {
        sums[0] = tinyq_own_pair_products(x0[i], y0[i], sums[0]);
        sums[1] = tinyq_own_pair_products(x0[i], y1[i], sums[1]);
        sums[2] = tinyq_own_pair_products(x1[i], y0[i], sums[2]);
        sums[3] = tinyq_own_pair_products(x1[i], y1[i], sums[3]);
    }
    int8_t results[4];
    for (int32_t i = 0; i < 4; ++i) {
        results[i] = (int8_t)tinyq_own_requantize(p->kind, sums[i], p->multiplier, p->offset, p->shift);
    }
    output0[0] = results[0];
    output0[second] = results[1];
    output1[0] = results[2];
    output1[second] = results[3];
}

/* One product: the columns of y lie in scratch, behind two rows of x. */
static inline void tinyq_own_matmul(const tinyq_own_batch_matmul_params *p, const int8_t *x, const int8_t *y,
                                    uint32_t *scratch, int8_t *output)
{
    const tinyq_batch_matmul_params *op = &p->op;
    uint32_t *const columns = scratch + 2 * p->words;
    for (int32_t column = 0; column < op->columns; ++column) {
        tinyq_own_matmul_widen(y + column * op->y_column_step, op->depth, op->y_step, op->y_offset,
                               columns + column * p->words);
    }
    for (int32_t row = 0; row < op->rows; row += 2) {
        const int32_t below = row + 1 < op->rows ? 1 : 0;
        for (int32_t i = 0; i <= below; ++i) {
            tinyq_own_matmul_widen(x + (row + i) * op->x_row_step, op->depth, op->x_step, op->x_offset,
                                   scratch + i * p->words);
        }
        int8_t *const first = output + row * op->columns;
        for (int32_t column = 0; column < op->columns; column += 2) {
            const int32_t beside = column + 1 < op->columns ? 1 : 0;
            const uint32_t *const y0 = columns + column * p->words;
            tinyq_own_matmul_tile(p, scratch, scratch + below * p->words, y0, y0 + beside * p->words, first + column,
                                  first + below * op->columns + column, beside);
        }
    }
}

/*
 * BATCH_MATMUL, int8: one product for each index of the leading axes. scratch, 4-aligned: (columns + 2) * words words.
 */
TINYQ_KERNEL void tinyq_own_batch_matmul(const tinyq_own_batch_matmul_params *p, const int8_t *x, const int8_t *y,
                                         uint8_t *scratch, int8_t *output)
{
    const tinyq_batch_matmul_params *op = &p->op;
    for (int32_t i = 0; i < op->batch_extent[0]; ++i) {
        for (int32_t j = 0; j < op->batch_extent[1]; ++j) {
            for (int32_t k = 0; k < op->batch_extent[2]; ++k) {
                tinyq_own_matmul(p, x + i * op->x_batch_step[0] + j * op->x_batch_step[1] + k * op->x_batch_step[2],
                                 y + i * op->y_batch_step[0] + j * op->y_batch_step[1] + k * op->y_batch_step[2],
                                 (uint32_t *)(void *)scratch, output);
                output += op->rows * op->columns;
            }
        }
    }
}

#endif
