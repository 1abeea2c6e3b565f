/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_STRIP_H
#define TINYQ_STRIP_H
/* Windows of a convolution expanded to int16, as tinyq_dot.h reads them. */
#include <string.h>

#include "../../tinyq_fixed_point.h"
#include "tinyq_dot.h"
#include "tinyq_own_dsp_conv_2d_params.h"

/* The working memory of one convolution. */
typedef struct {
    int16_t *strip;  /* quads * 3 * 4 */
    int8_t *padding; /* a run of the input's zero point */
    int8_t *border;  /* a run that is put together from input and padding */
    int8_t *beyond;  /* 3 output pixels, where the last step is not whole */
} tinyq_strip;

/* Expands 4 bytes from any address into one quad of one pixel and moves to the next of both. */
#define TINYQ_EXPAND_WORD(source, quad)                                 \
    __asm volatile("ldr r2, [%[from]], #4\n\t"                          \
                   "sxtb16 r1, r2\n\t"                                  \
                   "sxtb16 r2, r2, ror #8\n\t"                          \
                   "str r2, [%[to], #12]\n\t"                           \
                   "str r1, [%[to]], #24"                               \
                   : [from] "+r"(source), [to] "+r"(quad)               \
                   :                                                    \
                   : "r1", "r2", "memory")

/* Expands the whole words of a run; returns the next quad's place. */
static inline __attribute__((always_inline)) int16_t *tinyq_expand_words(const int8_t *run, int32_t words, int16_t *quad)
{
    const int16_t *const end = quad + words * (TINYQ_STRIP_QUAD_BYTES / 2);
    for (int32_t i = 0; i < (words & 3); ++i) {
        TINYQ_EXPAND_WORD(run, quad);
    }
    if (__builtin_constant_p(words) && words < 4) {
        return quad; /* the compiler cannot know that this is the end */
    }
    while (quad != end) {
        TINYQ_EXPAND_WORD(run, quad);
        TINYQ_EXPAND_WORD(run, quad);
        TINYQ_EXPAND_WORD(run, quad);
        TINYQ_EXPAND_WORD(run, quad);
    }
    return quad;
}

/* Expands `words` words of padding. */
static inline int16_t *tinyq_expand_padding(int32_t zero_point, int32_t words, int16_t *quad)
{
    const uint32_t pair = (uint32_t)(zero_point & 0xFFFF) * 0x10001u;
    for (const int16_t *const end = quad + words * (TINYQ_STRIP_QUAD_BYTES / 2); quad != end;) {
        __asm volatile("str %[pair], [%[to], #12]\n\tstr %[pair], [%[to]], #24"
                       : [to] "+r"(quad)
                       : [pair] "r"(pair)
                       : "memory");
    }
    return quad;
}

/* Columns `first` to `last` - 1 of a run that starts at input column `x` lie inside the input. */
typedef struct {
    int32_t first, last;
} tinyq_inside;

static inline tinyq_inside tinyq_columns_inside(const tinyq_own_dsp_conv_2d_params *p, int32_t x)
{
    const int32_t rest = p->input_width - x;
    const tinyq_inside found = {x < 0 ? -x : 0, rest < p->run_taps ? rest : p->run_taps};
    return found;
}

/* A run at row `y`, column `x` of the input, put together from input and padding where it leaves the input. */
static inline const int8_t *tinyq_window_run(const tinyq_own_dsp_conv_2d_params *p, const int8_t *input, int32_t y, int32_t x,
                                      const tinyq_strip *s)
{
    const tinyq_inside columns = tinyq_columns_inside(p, x);
    if (y < 0 || y >= p->input_height || columns.first >= columns.last) {
        return s->padding;
    }
    const int8_t *const run = input + (y * p->input_width + x) * p->input_channels;
    if (columns.first == 0 && columns.last == p->run_taps) {
        return run;
    }
    const int32_t first = columns.first * p->input_channels, last = columns.last * p->input_channels;
    for (int32_t i = 0; i < p->run_bytes; ++i) {
        s->border[i] = i < first || i >= last ? (int8_t)p->input_zero_point : run[i];
    }
    return s->border;
}

/* Expands the words of a run that may leave the input, where a column is whole words. */
static inline int16_t *tinyq_expand_border(const tinyq_own_dsp_conv_2d_params *p, const int8_t *input, int32_t y,
                                           int32_t x, int16_t *quad)
{
    const int32_t words = p->input_channels >> 2;
    const tinyq_inside columns = tinyq_columns_inside(p, x);
    if (y < 0 || y >= p->input_height || columns.first >= columns.last) {
        return tinyq_expand_padding(p->input_zero_point, p->run_taps * words, quad);
    }
    const int8_t *const run = input + (y * p->input_width + x + columns.first) * p->input_channels;
    quad = tinyq_expand_padding(p->input_zero_point, columns.first * words, quad);
    quad = tinyq_expand_words(run, (columns.last - columns.first) * words, quad);
    return tinyq_expand_padding(p->input_zero_point, (p->run_taps - columns.last) * words, quad);
}

/* Whether the window at row y, column x lies inside the input; a constant where all of them do. */
static inline int tinyq_window_inside(const tinyq_own_dsp_conv_2d_params *p, int32_t y, int32_t x)
{
    const int32_t height = (p->filter_height - 1) * p->dilation_height + 1;
    const int32_t width = (p->filter_width - 1) * p->dilation_width + 1;
    const int all = p->pad_top == 0 && p->pad_left == 0 &&
                    (p->output_height - 1) * p->stride_height + height <= p->input_height &&
                    (p->output_width - 1) * p->stride_width + width <= p->input_width;
    return all || (y >= 0 && y + height <= p->input_height && x >= 0 && x + width <= p->input_width);
}

/* Expands the bytes that are left of a run; `count` are in the tail already. Odd taps of a quad follow the even ones. */
static inline __attribute__((always_inline)) void tinyq_expand_left(const int8_t *left, int32_t bytes, int32_t count,
                                                                    int16_t *tail)
{
    for (int32_t i = 0; i < bytes; ++i, ++count) {
        const int32_t tap = (count & 1) * 2 * TINYQ_STRIP_PIXELS + (count >> 1 & 1);
        tail[(count >> 2) * (TINYQ_STRIP_QUAD_BYTES / 2) + tap] = left[i];
    }
}

/* Expands the window of output pixel (out_y, out_x) as pixel `place` of the strip. */
static inline __attribute__((always_inline)) void tinyq_expand_window(const tinyq_own_dsp_conv_2d_params *p,
                                                                      const int8_t *input, int32_t out_y,
                                                                      int32_t out_x, int32_t place,
                                                                      const tinyq_strip *s)
{
    const int32_t words = p->run_bytes >> 2, left = p->run_bytes & 3, steps = p->filter_width / p->run_taps;
    const int32_t y = out_y * p->stride_height - p->pad_top, x = out_x * p->stride_width - p->pad_left;
    const int inside = tinyq_window_inside(p, y, x);
    int16_t *quad = s->strip + 2 * place;
    int16_t *const tail = quad + p->filter_height * steps * words * (TINYQ_STRIP_QUAD_BYTES / 2);
    const int8_t *row = input + (y * p->input_width + x) * p->input_channels;
    for (int32_t ky = 0; ky < p->filter_height; ++ky) {
        for (int32_t kx = 0; kx < steps; ++kx) {
            const int32_t run_y = y + ky * p->dilation_height, run_x = x + kx * p->dilation_width;
            const int8_t *run = row + kx * p->dilation_width * p->input_channels;
            if (!inside && (p->input_channels & 3) == 0) {
                quad = tinyq_expand_border(p, input, run_y, run_x, quad);
                continue;
            }
            run = inside ? run : tinyq_window_run(p, input, run_y, run_x, s);
            quad = tinyq_expand_words(run, words, quad);
            tinyq_expand_left(run + 4 * words, left, (ky * steps + kx) * left, tail);
        }
        row += p->dilation_height * p->input_width * p->input_channels;
    }
}

/* Lays out the working memory and fills what stays the same. Taps behind the window have weight 0, but are read. */
static inline tinyq_strip tinyq_strip_begin(const tinyq_own_dsp_conv_2d_params *p, uint8_t *scratch)
{
    tinyq_strip s;
    const int32_t run = (p->run_bytes + 3) & ~3;
    s.strip = (int16_t *)(void *)scratch;
    s.padding = (int8_t *)scratch + p->quads * TINYQ_STRIP_QUAD_BYTES;
    s.border = s.padding + run;
    s.beyond = s.border + run;
    memset(scratch, 0, (size_t)(p->quads * TINYQ_STRIP_QUAD_BYTES));
    memset(s.padding, (int)p->input_zero_point, (size_t)run);
    return s;
}

#endif
