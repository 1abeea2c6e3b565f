/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PLANES_H
#define TINYQ_PLANES_H
/*
 * Channel planes: int8 [H,W,C] spread into one int16 plane per channel, so that two neighbouring columns of a channel
 * are one operand of SMLAD. Four channels share the loads; the channels beyond a multiple of four go one by one.
 */
#include <arm_acle.h>
#include <string.h>

#include "../tinyq_own_depthwise_params.h"
#include "../tinyq_own_requantize.h"

#define TINYQ_INLINE static inline __attribute__((always_inline, unused))
#define TINYQ_PLANES 4

/* Four bytes at any address. */
TINYQ_INLINE uint32_t tinyq_bytes4(const int8_t *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

typedef struct {
    int32_t first, second;
} tinyq_word_pair;

/* Two words by one LDRD; compilers take it only for addresses known to be multiples of 8. */
TINYQ_INLINE tinyq_word_pair tinyq_words2(const int32_t *from)
{
    tinyq_word_pair pair;
    typedef uint64_t __attribute__((aligned(4), may_alias)) two; /* its addressing modes are LDRD's */
    __asm("ldrd %0, %1, %2" : "=r"(pair.first), "=r"(pair.second) : "m"(*(const two *)from));
    return pair;
}

/* The low halves of a and b as one word, a below. */
TINYQ_INLINE int32_t tinyq_low_halves(int32_t a, int32_t b)
{
    int32_t result;
    __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* The high halves of a and b as one word, a below. */
TINYQ_INLINE int32_t tinyq_high_halves(int32_t a, int32_t b)
{
    int32_t result;
    __asm("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(b), "r"(a));
    return result;
}

/* Bytes 1 and 3 of a word as two int16. */
TINYQ_INLINE int32_t tinyq_odd_bytes(uint32_t word)
{
    int32_t result;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(word));
    return result;
}

/* One pair of columns of four channels into their planes, `plane` words apart. */
TINYQ_INLINE void tinyq_spread_pair(uint32_t left, uint32_t right, int32_t *to, int32_t plane)
{
    const int32_t even_left = (int32_t)__sxtb16(left), odd_left = tinyq_odd_bytes(left);
    const int32_t even_right = (int32_t)__sxtb16(right), odd_right = tinyq_odd_bytes(right);
    to[0] = tinyq_low_halves(even_left, even_right);
    to[plane] = tinyq_low_halves(odd_left, odd_right);
    to[2 * plane] = tinyq_high_halves(even_left, even_right);
    to[3 * plane] = tinyq_high_halves(odd_left, odd_right);
}

/* One input row of four channels; `from` is its first column's first channel. */
TINYQ_INLINE void tinyq_spread_row_4(const tinyq_own_depthwise_params *p, const int8_t *from, int32_t *to)
{
    const int32_t channels = p->input_channels, plane = p->plane_rows * p->row_words;
#pragma GCC unroll 2
    for (int32_t pair = p->copy_pairs - p->odd_column; pair > 0; --pair) {
        tinyq_spread_pair(tinyq_bytes4(from), tinyq_bytes4(from + channels), to, plane);
        from += 2 * channels;
        ++to;
    }
    if (p->odd_column) {
        tinyq_spread_pair(tinyq_bytes4(from), (uint32_t)(p->input_zero_point & 0xFF) * 0x01010101u, to, plane);
    }
}

/* One input row of one channel. */
TINYQ_INLINE void tinyq_spread_row_1(const tinyq_own_depthwise_params *p, const int8_t *from, int32_t *to)
{
    const int32_t channels = p->input_channels;
#pragma GCC unroll 2
    for (int32_t pair = p->copy_pairs - p->odd_column; pair > 0; --pair) {
        *to++ = tinyq_low_halves(from[0], from[channels]);
        from += 2 * channels;
    }
    if (p->odd_column) {
        *to = tinyq_low_halves(from[0], p->input_zero_point);
    }
}

TINYQ_INLINE void tinyq_fill(int32_t *to, int32_t words, int32_t value)
{
    for (int32_t i = 0; i < words; ++i) {
        to[i] = value;
    }
}

/*
 * Fills the planes of `count` channels (1 or 4) with what the output rows from `out_row` on need. Rows that the strip
 * before left in the plane are moved up. Padding columns are in place, and so are padding rows where one strip is all.
 */
TINYQ_INLINE void tinyq_fill_planes(const tinyq_own_depthwise_params *p, const int8_t *input, int32_t *planes,
                                    int32_t out_row, int32_t count)
{
    const int32_t plane = p->plane_rows * p->row_words, zero = tinyq_low_halves(p->input_zero_point, p->input_zero_point);
    const int32_t step = p->strip_rows * p->stride_height;
    const int32_t kept = out_row == 0 || step > p->plane_rows ? 0 : p->plane_rows - step;
    for (int32_t i = 0; kept > 0 && i < count; ++i) {
        memmove(planes + i * plane, planes + i * plane + step * p->row_words, (size_t)(kept * p->row_words) * 4u);
    }
    for (int32_t row = kept; row < p->plane_rows; ++row) {
        const int32_t in_row = out_row * p->stride_height - p->pad_top + row;
        int32_t *to = planes + row * p->row_words;
        const int8_t *from = input + in_row * p->input_width * p->input_channels;
        if (in_row < 0 || in_row >= p->input_height) {
            for (int32_t i = 0; p->strip_rows < p->output_height && i < count; ++i) {
                tinyq_fill(to + i * plane, p->row_words, zero);
            }
        } else if (count == TINYQ_PLANES) {
            tinyq_spread_row_4(p, from, to + p->lead_words);
        } else {
            tinyq_spread_row_1(p, from, to + p->lead_words);
        }
    }
}

#endif
