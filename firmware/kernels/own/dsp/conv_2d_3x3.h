/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_CONV_2D_3X3_H
#define TINYQ_OWN_DSP_CONV_2D_3X3_H

#include "tinyq_output.h"
#include "tinyq_own_dsp_conv_2d_3x3_params.h"
#include "tinyq_tile_transforms.h"
#include "tinyq_tiles.h"

/* A tile: where its first output lies, and whether its right and lower halves are outputs. */
typedef struct {
    int32_t output;
    int16_t right, below;
} tinyq_tile;

/*
 * The working memory: sums, two channels' weights where the kernel transforms them, tiles, groups.
 * A window that leaves the input is put together where the weights or else the sums come later.
 */
typedef struct {
    int32_t *sums;
    uint32_t *patch, *weights;
    tinyq_tile *tiles;
    uint32_t *groups;
} tinyq_tile_memory;

/* Lays out the working memory and writes the words between the rows and columns of all groups. */
static inline tinyq_tile_memory tinyq_tiles_begin(const tinyq_own_dsp_conv_2d_3x3_params *p,
                                                  uint8_t *scratch)
{
    const tinyq_tile_words words = tinyq_tile_sizes(p->chunk_quads, p->chunks);
    const int32_t chunk = 2 * TINYQ_TILES_PER_GROUP * p->chunk_quads;
    const int32_t window = 4 * p->input_channels, sums = 48;
    tinyq_tile_memory m;
    m.sums = (int32_t *)(void *)scratch;
    m.weights = (uint32_t *)(void *)(m.sums + sums);
    m.patch = p->transform ? m.weights : (uint32_t *)(void *)m.sums;
    uint32_t *const shared = p->transform ? m.weights + 4 * window
                                          : m.patch + (window > sums ? window : sums);
    m.tiles = (tinyq_tile *)(void *)shared;
    m.groups = (uint32_t *)(void *)(m.tiles + TINYQ_TILES_PER_GROUP * p->groups);
    uint32_t *at = m.groups;
    for (int32_t column = 0; column < 4 * p->groups; ++column) {
        for (int32_t i = 0; p->chunks > 1 && i < 4 * p->chunks; ++i, at += chunk + 1) {
            at[chunk] = (i + 1) % p->chunks != 0;
        }
        at += p->chunks > 1 ? 2 : words.column;
        at[-2] = (uint32_t)(uintptr_t)(m.sums + 12 * (column & 3));
        at[-1] = (column & 3) != 3;
    }
    return m;
}

/* The outputs of one channel in one tile, from the `sums` of tinyq_tiles.h. */
static inline __attribute__((always_inline)) void
tinyq_tile_output(const tinyq_own_dsp_conv_2d_3x3_params *p, const tinyq_own_add_params *add,
                  const int32_t *sums, int32_t bias, const int32_t *factors, tinyq_tile tile,
                  const int8_t *other, int8_t *output)
{
    const tinyq_epilogue epilogue = {p->requantization, p->shift, p->activation_min,
                                     p->activation_max, add};
    const int32_t row_bytes = p->output_width * p->output_channels;
    for (int32_t row = 0; row < 2; ++row) {
        if (row == 1 && (p->output_height == 1 || (p->output_height % 2 && !tile.below))) {
            break;
        }
        const int32_t *const y = sums + (row ? 0 : 6);
        const uint32_t middle = (uint32_t)y[12], next = (uint32_t)y[24];
        const int32_t left = (int32_t)((uint32_t)y[0] + middle + next);
        const int32_t right = (int32_t)(middle - next + (uint32_t)y[36]);
        const int32_t at = row * row_bytes, beside = at + p->output_channels;
        const int32_t first = tinyq_output(epilogue, tinyq_wrapping_add(bias, left >> 2), factors);
        output[at] = tinyq_output_add(epilogue, first, add ? other + at : 0);
        if (p->output_width > 1 && (p->output_width % 2 == 0 || tile.right)) {
            const int32_t second =
                tinyq_output(epilogue, tinyq_wrapping_add(bias, right >> 2), factors);
            output[beside] = tinyq_output_add(epilogue, second, add ? other + beside : 0);
        }
    }
}

/* The outputs of the channels c and c + 1 in the first `count` tiles of a group. */
static inline __attribute__((always_inline)) void
tinyq_tiles_output(const tinyq_own_dsp_conv_2d_3x3_params *p, const tinyq_own_add_params *add,
                   const int32_t *sums, const int32_t *channels, int32_t c, const tinyq_tile *tiles,
                   int32_t count, const int8_t *other, int8_t *output)
{
    const int32_t words = TINYQ_OWN_CHANNEL_WORDS(p->requantization) - 1;
    for (int32_t i = 0; i < 2; ++i, channels += 1) {
        if (p->output_channels % 2 && c + i == p->output_channels) {
            break;
        }
        const int32_t *const factors = channels + 2 + i * (words - 1);
        for (int32_t t = 0; t < count; ++t) {
            const int32_t at = tiles[t].output + c + i;
            tinyq_tile_output(p, add, sums + 3 * i + t, channels[0], factors, tiles[t],
                              add ? other + at : 0, output + at);
        }
    }
}

/* Transforms the windows of `count` tiles from output row and column `at` on, which move on. */
static inline __attribute__((always_inline)) void
tinyq_tiles_input(const tinyq_own_dsp_conv_2d_3x3_params *p, const tinyq_tile_memory *m,
                  const int8_t *input, int32_t count, int32_t at[2])
{
    uint32_t *group = m->groups;
    for (int32_t i = 0, place = 0; i < count; ++i) {
        const int32_t y = at[0], x = at[1];
        const tinyq_tile tile = {(y * p->output_width + x) * p->output_channels,
                                 x + 1 < p->output_width, y + 1 < p->output_height};
        m->tiles[i] = tile;
        tinyq_tile_input(p, input, y - p->pad_top, x - p->pad_left, place, m->patch, group);
        if (++place == TINYQ_TILES_PER_GROUP) {
            place = 0;
            group += tinyq_tile_sizes(p->chunk_quads, p->chunks).group;
        }
        const int last = x + 2 >= p->output_width;
        at[0] = last ? y + 2 : y;
        at[1] = last ? 0 : x + 2;
    }
}

/*
 * Strips of `groups` groups: all windows of a strip are read before its outputs are written. `add`
 * and `other` are null where no ADD is fused.
 */
static inline __attribute__((always_inline)) void
tinyq_own_dsp_conv_2d_3x3_tiles(const tinyq_own_dsp_conv_2d_3x3_params *p,
                                const tinyq_own_add_params *add, const int8_t *input,
                                const int8_t *other, const void *weights, const int32_t *channels,
                                uint8_t *scratch, int8_t *output)
{
    const tinyq_tile_memory m = tinyq_tiles_begin(p, scratch);
    const int32_t across = (p->output_width + 1) / 2, total = across * ((p->output_height + 1) / 2);
    const int32_t strip = TINYQ_TILES_PER_GROUP * p->groups, quads = p->chunk_quads * p->chunks;
    const int32_t words = 2 * TINYQ_OWN_CHANNEL_WORDS(p->requantization);
    int32_t at[2] = {0, 0};
    for (int32_t first = 0; first < total; first += strip) {
        const int32_t count = total - first < strip ? total - first : strip;
        tinyq_tiles_input(p, &m, input, count, at);
        const int32_t *channel = channels;
        const int16_t *w = weights;
        for (int32_t c = 0; c < p->output_channels; c += 2, channel += words) {
            if (p->transform) {
                tinyq_tile_weights(quads, (const int8_t *)weights + 36 * c * quads, m.weights);
                w = (const int16_t *)(const void *)m.weights;
            }
            const uint32_t *group = m.groups;
            for (int32_t i = 0; i < count; i += TINYQ_TILES_PER_GROUP) {
                const int32_t left = count - i;
                tinyq_tiles(p->chunk_quads, p->chunks, w, (const int16_t *)(const void *)group);
                tinyq_tiles_output(p, add, m.sums, channel, c, m.tiles + i,
                                   left < TINYQ_TILES_PER_GROUP ? left : TINYQ_TILES_PER_GROUP,
                                   other, output);
                group += tinyq_tile_sizes(p->chunk_quads, p->chunks).group;
            }
            w += p->transform ? 0 : 128 * quads;
        }
    }
}

/*
 * CONV_2D, int8, batch 1, 3x3 taps, stride 1, input channels a multiple of 4. input [H,W,C],
 * 4-aligned; weights and channels as kernels/own/dsp_conv_2d_3x3.py packs them; scratch 4-aligned;
 * output [OH,OW,O].
 */
TINYQ_KERNEL void tinyq_own_dsp_conv_2d_3x3(const tinyq_own_dsp_conv_2d_3x3_params *p,
                                            const int8_t *input, const void *weights,
                                            const int32_t *channels, uint8_t *scratch,
                                            int8_t *output)
{
    tinyq_own_dsp_conv_2d_3x3_tiles(p, 0, input, 0, weights, channels, scratch, output);
}

#endif
