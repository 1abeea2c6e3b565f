/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_TILE_TRANSFORMS_H
#define TINYQ_TILE_TRANSFORMS_H
/* The transforms of tinyq_tiles.h for inputs and weights, two channels at a time as int16. */
#include <string.h>

#include <arm_acle.h>

#include "../../tinyq_fixed_point.h"
#include "tinyq_own_dsp_conv_2d_3x3_params.h"

#define TINYQ_TILES_PER_GROUP 3

/* Words of a group: a row of a column, a column, all four. */
typedef struct {
    int32_t row, column, group;
} tinyq_tile_words;

static inline tinyq_tile_words tinyq_tile_sizes(const tinyq_own_dsp_conv_2d_3x3_params *p)
{
    tinyq_tile_words words;
    words.row = p->chunks * (p->chunk_quads * 2 * TINYQ_TILES_PER_GROUP + (p->chunks > 1 ? 1 : 0));
    words.column = 4 * words.row + 2;
    words.group = 4 * words.column;
    return words;
}

/* Channels 0 and 2 of a word of four, or 1 and 3, as int16. */
static inline uint32_t tinyq_half(uint32_t word, int32_t half)
{
    return (uint32_t)__sxtb16(half ? word >> 8 | word << 24 : word);
}

/* Transforms 4 values down a column of the input, one pixel each, `stride` words apart. */
static inline __attribute__((always_inline)) void tinyq_tile_column(const uint32_t *source, int32_t stride,
                                                                    int32_t half, uint32_t v[4])
{
    const uint32_t d0 = tinyq_half(source[0], half), d1 = tinyq_half(source[stride], half);
    const uint32_t d2 = tinyq_half(source[2 * stride], half), d3 = tinyq_half(source[3 * stride], half);
    v[0] = __ssub16(d0, d2);
    v[1] = __sadd16(d1, d2);
    v[2] = __ssub16(d2, d1);
    v[3] = __ssub16(d1, d3);
}

/* Where the rows 1, 2, 0, 3 of a column lie. */
static inline int32_t tinyq_tile_row(int32_t row)
{
    return row == 0 ? 2 : row == 3 ? 3 : row - 1;
}

/*
 * Transforms one quad of a tile. Pixels are `pixel` words apart, rows `stride`; `to` is the quad's place in row 1 of
 * column 0.
 */
static inline __attribute__((always_inline)) void tinyq_tile_quad(const uint32_t *source, int32_t pixel, int32_t stride,
                                                                  tinyq_tile_words words, uint32_t *to)
{
    for (int32_t half = 0; half < 2; ++half, ++to) {
        uint32_t left[4], right[4], end[4];
        tinyq_tile_column(source + pixel, stride, half, left);
        tinyq_tile_column(source + 2 * pixel, stride, half, right);
        tinyq_tile_column(source, stride, half, end);
        for (int32_t row = 0; row < 4; ++row) {
            to[tinyq_tile_row(row) * words.row] = __ssub16(end[row], right[row]);
        }
        tinyq_tile_column(source + 3 * pixel, stride, half, end);
        for (int32_t row = 0; row < 4; ++row) {
            uint32_t *const place = to + tinyq_tile_row(row) * words.row;
            place[words.column] = __sadd16(left[row], right[row]);
            place[2 * words.column] = __ssub16(right[row], left[row]);
            place[3 * words.column] = __ssub16(left[row], end[row]);
        }
    }
}

/* The 4x4 pixels of the window at row y, column x, put together in `patch` where it leaves the input. */
static inline const uint32_t *tinyq_tile_patch(const tinyq_own_dsp_conv_2d_3x3_params *p, const uint32_t *input,
                                               int32_t y, int32_t x, uint32_t *patch)
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
static inline __attribute__((always_inline)) void tinyq_tile_input(const tinyq_own_dsp_conv_2d_3x3_params *p,
                                                                   const int8_t *input, int32_t y, int32_t x,
                                                                   int32_t place, uint32_t *patch, uint32_t *group)
{
    const int32_t quads = p->input_channels / 4;
    const tinyq_tile_words words = tinyq_tile_sizes(p);
    const uint32_t *const pixels = (const uint32_t *)(const void *)input;
    const int inside = y >= 0 && x >= 0 && y + 4 <= p->input_height && x + 4 <= p->input_width;
    const uint32_t *source = inside ? pixels + (y * p->input_width + x) * quads
                                    : tinyq_tile_patch(p, pixels, y, x, patch);
    uint32_t *to = group + 2 * place;
    for (int32_t chunk = 0; chunk < p->chunks; ++chunk, to += p->chunks > 1) {
        for (int32_t i = 0; i < p->chunk_quads; ++i, ++source, to += 2 * TINYQ_TILES_PER_GROUP) {
            if (inside) {
                tinyq_tile_quad(source, quads, p->input_width * quads, words, to);
            } else {
                tinyq_tile_quad(source, quads, 4 * quads, words, to);
            }
        }
    }
}

/* Transforms 3 values: weights to the rows 1, 2, 0 and 3 of tinyq_tiles.h. */
static inline __attribute__((always_inline)) void tinyq_tile_three(uint32_t g0, uint32_t g1, uint32_t g2, uint32_t u[4])
{
    const uint32_t ends = __sadd16(g0, g2);
    u[0] = __sadd16(ends, g1);
    u[1] = __ssub16(ends, g1);
    u[2] = __sadd16(g0, g0);
    u[3] = __sadd16(g2, g2);
}

/*
 * Transforms the weights of two output channels: from [quad][tap][channel][4] int8 to the order of a group's rows and
 * quads, per quad channel a's 0, 2, b's 0, 2, a's 1, 3, b's 1, 3.
 */
static inline void tinyq_tile_weights(int32_t quads, const int8_t *weights, uint32_t *to)
{
    const uint32_t *from = (const uint32_t *)(const void *)weights;
    for (int32_t quad = 0; quad < quads; ++quad, from += 18, to += 4) {
        for (int32_t word = 0; word < 4; ++word) {
            uint32_t columns[3][4], u[4];
            for (int32_t i = 0; i < 3; ++i) {
                const uint32_t *const tap = from + 2 * i + (word & 1);
                const uint32_t g0 = tinyq_half(tap[0], word >> 1), g1 = tinyq_half(tap[6], word >> 1);
                tinyq_tile_three(g0, g1, tinyq_half(tap[12], word >> 1), columns[i]);
                columns[i][3] = __ssub16(0, columns[i][3]);
            }
            for (int32_t row = 0; row < 4; ++row) {
                tinyq_tile_three(columns[0][row], columns[1][row], columns[2][row], u);
                for (int32_t i = 0; i < 4; ++i) {
                    /* u has the columns in the order 1, 2, 0, 3. */
                    const int32_t column = i == 2 ? 0 : i == 3 ? 3 : i + 1;
                    to[((column * 4 + row) * quads) * 4 + word] = u[i];
                }
            }
        }
    }
}

#endif
