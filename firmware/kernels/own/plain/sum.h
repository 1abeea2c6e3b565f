/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_SUM_H
#define TINYQ_OWN_PLAIN_SUM_H

#include <string.h>

#include "../tinyq_own_requantize.h"
#include "../tinyq_own_sum_params.h"

/* Bytes above -128 that a halfword holds the sum of: 257 of at most 255. Bytes themselves: 256. */
#define TINYQ_HALFWORD_SUM 256

#if defined(__ARM_FEATURE_UNALIGNED)
#define TINYQ_ANY_WORD 1
#else
#define TINYQ_ANY_WORD 0
#endif

/* Where long products take many instructions they are there once, not four times. */
#if TINYQ_BY_HALVES
#define TINYQ_OUTPUTS_IN_TURN _Pragma("GCC unroll 1")
#else
#define TINYQ_OUTPUTS_IN_TURN _Pragma("GCC unroll 4")
#endif

/* Where `words` is 0 the address is any. */
static inline __attribute__((always_inline)) uint32_t
tinyq_four_bytes(const int8_t *from, int32_t words)
{
    uint32_t word;
    memcpy(&word, words ? __builtin_assume_aligned(from, 4) : (const void *)from, sizeof word);
    return word;
}

static inline __attribute__((always_inline)) int8_t
tinyq_own_sum_value(const tinyq_own_sum_params *p, int32_t sum)
{
    sum += p->start;
    return (int8_t)tinyq_own_requantize(p->kind, sum, p->multiplier, p->offset, p->shift);
}

/* The sums of `count` elements of four channels, added to `sums`; at most TINYQ_HALFWORD_SUM. */
static inline __attribute__((always_inline)) void
tinyq_sum_4(const tinyq_own_sum_params *p, const int8_t *in, int32_t count, int32_t *sums)
{
    const int32_t step = p->column_step;
    uint32_t even = 0, odd = 0;
#if defined(__ARM_FEATURE_DSP)
#pragma GCC unroll 4
    for (int32_t left = count; left > 0; --left, in += step) {
        const uint32_t word = tinyq_four_bytes(in, p->words);
        __asm("sxtab16 %0, %0, %1" : "+r"(even) : "r"(word));
        __asm("sxtab16 %0, %0, %1, ror #8" : "+r"(odd) : "r"(word));
    }
    sums[0] += (int16_t)even;
    sums[1] += (int16_t)odd;
    sums[2] += (int32_t)even >> 16;
    sums[3] += (int32_t)odd >> 16;
#else
#pragma GCC unroll 4
    for (int32_t left = count; left > 0; --left, in += step) {
        const uint32_t word = tinyq_four_bytes(in, p->words) ^ 0x80808080u;
        even += word & 0x00FF00FFu;
        odd += word >> 8 & 0x00FF00FFu;
    }
    sums[0] += (int32_t)(even & 0xFFFF) - 128 * count;
    sums[1] += (int32_t)(odd & 0xFFFF) - 128 * count;
    sums[2] += (int32_t)(even >> 16) - 128 * count;
    sums[3] += (int32_t)(odd >> 16) - 128 * count;
#endif
}

/* Four outputs side by side. */
static inline __attribute__((always_inline)) void
tinyq_sum_channels(const tinyq_own_sum_params *p, const int8_t *input, int8_t *output)
{
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t row = 0; row < p->rows; ++row, input += p->row_step) {
        const int8_t *in = input;
        int32_t left = p->columns;
        for (; left > TINYQ_HALFWORD_SUM; left -= TINYQ_HALFWORD_SUM) {
            tinyq_sum_4(p, in, TINYQ_HALFWORD_SUM, sums);
            in += TINYQ_HALFWORD_SUM * p->column_step;
        }
        tinyq_sum_4(p, in, left, sums);
    }
    TINYQ_OUTPUTS_IN_TURN
    for (int32_t i = 0; i < 4; ++i) {
        output[i] = tinyq_own_sum_value(p, sums[i]);
    }
}

/* The sum of `words` words of four elements side by side; at most TINYQ_HALFWORD_SUM / 2. */
static inline __attribute__((always_inline)) int32_t
tinyq_sum_words(const tinyq_own_sum_params *p, const int8_t *in, int32_t words)
{
    uint32_t sum = 0;
#pragma GCC unroll 4
    for (int32_t left = words; left > 0; --left, in += 4) {
        const uint32_t word = tinyq_four_bytes(in, p->words) ^ 0x80808080u;
#if defined(__ARM_FEATURE_DSP)
        __asm("usada8 %0, %1, %2, %0" : "+r"(sum) : "r"(word), "r"(0));
#else
        sum += (word & 0x00FF00FFu) + (word >> 8 & 0x00FF00FFu);
#endif
    }
#if !defined(__ARM_FEATURE_DSP)
    sum = (sum & 0xFFFF) + (sum >> 16);
#endif
    return (int32_t)sum - 128 * 4 * words;
}

/* All elements of one output. */
static inline __attribute__((always_inline)) int32_t
tinyq_sum_1(const tinyq_own_sum_params *p, const int8_t *input)
{
    int32_t sum = 0;
    for (int32_t row = 0; row < p->rows; ++row, input += p->row_step) {
        const int8_t *in = input;
        int32_t left = p->columns;
        if (p->column_step == 1 && (p->words || TINYQ_ANY_WORD)) {
            for (; left >= 4 * (TINYQ_HALFWORD_SUM / 2); left -= 4 * (TINYQ_HALFWORD_SUM / 2)) {
                sum += tinyq_sum_words(p, in, TINYQ_HALFWORD_SUM / 2);
                in += 4 * (TINYQ_HALFWORD_SUM / 2);
            }
            sum += tinyq_sum_words(p, in, left / 4);
            in += left / 4 * 4;
            left %= 4;
        }
#pragma GCC unroll 4
        for (; left > 0; --left, in += p->column_step) {
            sum += *in;
        }
    }
    return sum;
}

/*
 * SUM and MEAN, int8. An output never lies behind the first of its elements, and these are read
 * before it is written: the output may be the input.
 */
TINYQ_KERNEL void tinyq_own_plain_sum(const tinyq_own_sum_params *p, const int8_t *input,
                                      int8_t *output)
{
    for (int32_t block = 0; block < p->blocks; ++block, input += p->block_step) {
        int32_t channel = 0;
        if (p->channel_step == 1 && (p->words || TINYQ_ANY_WORD)) {
            for (; channel + 4 <= p->channels; channel += 4, output += 4) {
                tinyq_sum_channels(p, input + channel, output);
            }
        }
        for (; channel < p->channels; ++channel) {
            *output++ = tinyq_own_sum_value(p, tinyq_sum_1(p, input + channel * p->channel_step));
        }
    }
}

#endif
