/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_TILE_TRANSFORMS_H
#define TINYQ_TILE_TRANSFORMS_H
/* The transforms of tinyq_tiles.h for inputs and weights, two channels at a time as int16. */
#include <string.h>

#include <arm_acle.h>

#include "../../tinyq_fixed_point.h"
#include "tinyq_own_dsp_conv_2d_3x3_params.h"
#include "tinyq_tiles.h"

#define TINYQ_TILES_PER_GROUP 3

/* Words of a group: a row of a column, a column, all four. */
typedef struct {
    int32_t row, column, group;
} tinyq_tile_words;

static inline __attribute__((always_inline)) tinyq_tile_words tinyq_tile_sizes(int32_t chunk_quads,
                                                                               int32_t chunks)
{
    tinyq_tile_words words;
    words.row = chunks * (chunk_quads * 2 * TINYQ_TILES_PER_GROUP + (chunks > 1 ? 1 : 0));
    words.column = 4 * words.row + 2;
    words.group = 4 * words.column;
    return words;
}

/* Channels 0 and 2 of a word of four, or 1 and 3, as int16. */
static inline __attribute__((always_inline)) uint32_t tinyq_half(uint32_t word, int32_t half)
{
    uint32_t pair;
    if (half) {
        __asm("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    } else {
        __asm("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
    }
    return pair;
}

/* Transforms 4 pixels down a column of the input, `stride` words apart. */
static inline __attribute__((always_inline)) void
tinyq_tile_column(const uint32_t *source, int32_t stride, int32_t half, uint32_t v[4])
{
    const uint32_t d0 = tinyq_half(source[0], half), d1 = tinyq_half(source[stride], half);
    const uint32_t d2 = tinyq_half(source[2 * stride], half);
    const uint32_t d3 = tinyq_half(source[3 * stride], half);
    v[0] = __ssub16(d0, d2);
    v[1] = __sadd16(d1, d2);
    v[2] = __ssub16(d2, d1);
    v[3] = __ssub16(d3, d1);
}

/* Where the rows 1, 2, 0, 3 of a column lie. */
static inline int32_t tinyq_tile_row(int32_t row)
{
    return row == 0 ? 2 : row == 3 ? 3 : row - 1;
}

/*
 * Transforms a chunk of a tile, of `chunks` chunks of `quads` quads; `to` is the first one's place
 * in row 1 of column 0. The lines of the window are `line` words apart.
 */
static inline __attribute__((always_inline)) void
tinyq_tile_chunk(const uint32_t *source, int32_t line, uint32_t *to, int32_t quads, int32_t chunks)
{
    const tinyq_tile_words words = tinyq_tile_sizes(quads, chunks);
    const int32_t pixel = quads * chunks, row = words.row, column = words.column;
    for (; quads > 0; --quads, ++source, to += 2 * TINYQ_TILES_PER_GROUP) {
        for (int32_t half = 0; half < 2; ++half) {
            uint32_t left[4], right[4], end[4];
            tinyq_tile_column(source + pixel, line, half, left);
            tinyq_tile_column(source + 2 * pixel, line, half, right);
            tinyq_tile_column(source, line, half, end);
            for (int32_t i = 0; i < 4; ++i) {
                to[half + tinyq_tile_row(i) * row] = __ssub16(end[i], right[i]);
            }
            tinyq_tile_column(source + 3 * pixel, line, half, end);
            for (int32_t i = 0; i < 4; ++i) {
                uint32_t *const place = to + half + tinyq_tile_row(i) * row;
                place[column] = __sadd16(left[i], right[i]);
                place[2 * column] = __ssub16(right[i], left[i]);
                place[3 * column] = __ssub16(end[i], left[i]);
            }
        }
    }
}

/* Functions for chunks of 1 to 8 quads, one or two of them, and for all others. */
TINYQ_TILE_SHARED void tinyq_tile_chunk_any(const uint32_t *source, int32_t line, uint32_t *to,
                                            int32_t quads, int32_t chunks)
{
    tinyq_tile_chunk(source, line, to, quads, chunks);
}

#define TINYQ_CHUNK_FUNCTION(quads, chunks)                                                \
    TINYQ_TILE_SHARED void tinyq_tile_chunk_##quads##_##chunks(const uint32_t *source,     \
                                                               int32_t line, uint32_t *to) \
    {                                                                                      \
        tinyq_tile_chunk(source, line, to, quads, chunks);                                 \
    }
#define TINYQ_CHUNK_FUNCTIONS(quads) TINYQ_CHUNK_FUNCTION(quads, 1) TINYQ_CHUNK_FUNCTION(quads, 2)

TINYQ_CHUNK_FUNCTIONS(1)
TINYQ_CHUNK_FUNCTIONS(2)
TINYQ_CHUNK_FUNCTIONS(3)
TINYQ_CHUNK_FUNCTIONS(4)
TINYQ_CHUNK_FUNCTIONS(5)
TINYQ_CHUNK_FUNCTIONS(6)
TINYQ_CHUNK_FUNCTIONS(7)
TINYQ_CHUNK_FUNCTIONS(8)

/* The function for a shape; a constant where that is. */
static inline __attribute__((always_inline)) void tinyq_tile_chunk_of(const uint32_t *source,
                                                                      int32_t line, uint32_t *to,
                                                                      int32_t quads, int32_t chunks)
{
#define TINYQ_CHUNK_OF(count)                           \
    case 2 * count:                                     \
        tinyq_tile_chunk_##count##_1(source, line, to); \
        break;                                          \
    case 2 * count + 1:                                 \
        tinyq_tile_chunk_##count##_2(source, line, to); \
        break
    switch (chunks <= 2 ? 2 * quads + chunks - 1 : 0) {
        TINYQ_CHUNK_OF(1);
        TINYQ_CHUNK_OF(2);
        TINYQ_CHUNK_OF(3);
        TINYQ_CHUNK_OF(4);
        TINYQ_CHUNK_OF(5);
        TINYQ_CHUNK_OF(6);
        TINYQ_CHUNK_OF(7);
        TINYQ_CHUNK_OF(8);
        default:
            tinyq_tile_chunk_any(source, line, to, quads, chunks);
    }
#undef TINYQ_CHUNK_OF
}

/* The 4x4 pixels at row y, column x, put together in `patch` where they leave the input. */
static inline const uint32_t *tinyq_tile_patch(const tinyq_own_dsp_conv_2d_3x3_params *p,
                                               const uint32_t *input, int32_t y, int32_t x,
                                               uint32_t *patch)
{
    const int32_t quads = p->input_channels / 4;
    uint32_t *to = patch;
    for (int32_t row = y; row < y + 4; ++row) {
        for (int32_t column = x; column < x + 4; ++column, to += quads) {
            if (row < 0 || row >= p->input_height || column < 0 || column >= p->input_width) {
                memset(to, (int)p->input_zero_point, (size_t)(4 * quads));
                continue;
            }
            const uint32_t *const from = input + (row * p->input_width + column) * quads;
            for (int32_t i = 0; i < quads; ++i) {
                to[i] = from[i];
            }
        }
    }
    return patch;
}

/* Transforms the window at row y, column x of the input as tile `place` of a group. */
static inline __attribute__((always_inline)) void
tinyq_tile_input(const tinyq_own_dsp_conv_2d_3x3_params *p, const int8_t *input, int32_t y,
                 int32_t x, int32_t place, uint32_t *patch, uint32_t *group)
{
    const int32_t quads = p->input_channels / 4;
    const uint32_t *const pixels = (const uint32_t *)(const void *)input;
    const int inside = y >= 0 && x >= 0 && y + 4 <= p->input_height && x + 4 <= p->input_width;
    const uint32_t *source = inside ? pixels + (y * p->input_width + x) * quads
                                    : tinyq_tile_patch(p, pixels, y, x, patch);
    const int32_t line = (inside ? p->input_width : 4) * quads;
    uint32_t *to = group + 2 * place;
    for (int32_t chunk = 0; chunk < p->chunks; ++chunk) {
        tinyq_tile_chunk_of(source, line, to, p->chunk_quads, p->chunks);
        source += p->chunk_quads;
        to += p->chunk_quads * 2 * TINYQ_TILES_PER_GROUP + 1;
    }
}

/* Transforms 3 weights, for the places 0 to 3. */
static inline __attribute__((always_inline)) void tinyq_tile_three(uint32_t g0, uint32_t g1,
                                                                   uint32_t g2, uint32_t u[4])
{
    const uint32_t ends = __sadd16(g0, g2);
    u[0] = __sadd16(g0, g0);
    u[1] = __sadd16(ends, g1);
    u[2] = __ssub16(ends, g1);
    u[3] = __sadd16(g2, g2);
}

/* Transforms half a quad of one output channel: 9 words of taps, two apart, to places `quads` quads
 * apart. */
static inline __attribute__((always_inline)) void
tinyq_tile_filter(const uint32_t *taps, int32_t half, int32_t quads, uint32_t *to)
{
    uint32_t rows[3][4], u[4];
    for (int32_t i = 0; i < 3; ++i, taps += 6) {
        tinyq_tile_three(tinyq_half(taps[0], half), tinyq_half(taps[2], half),
                         tinyq_half(taps[4], half), rows[i]);
    }
    for (int32_t column = 0; column < 4; ++column, to += 16 * quads) {
        tinyq_tile_three(rows[0][column], rows[1][column], rows[2][column], u);
        for (int32_t row = 0; row < 4; ++row) {
            to[4 * quads * tinyq_tile_row(row)] = u[row];
        }
    }
}

/*
 * Transforms the weights of two output channels: from [quad][tap][channel][4] int8 to the order of
 * a group's rows and quads, per quad channel a's 0, 2, b's 0, 2, a's 1, 3, b's 1, 3.
 */
TINYQ_TILE_SHARED void tinyq_tile_weights(int32_t quads, const int8_t *weights, uint32_t *to)
{
    const uint32_t *taps = (const uint32_t *)(const void *)weights;
    for (int32_t quad = 0; quad < quads; ++quad, taps += 18, to += 4) {
        for (int32_t channel = 0; channel < 2; ++channel) {
            tinyq_tile_filter(taps + channel, 0, quads, to + channel);
            tinyq_tile_filter(taps + channel, 1, quads, to + channel + 2);
        }
    }
}

#endif
