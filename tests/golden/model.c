/* SPDX-License-Identifier: Apache-2.0 */
/*
 * small: made by tinyq-deploy from small.tflite
 * Model SHA-256 e1178e12fa4efd547dff7c9e9a4804278fff958c79db6634f40755a7f43681de.
 * Arena 96 bytes; the peak is at layer 1 DEPTHWISE_CONV_2D.
 */
#include "model.h"

#include <string.h>

#include "weights.h"
#include "kernels/portable/add.h"
#include "kernels/portable/conv_2d.h"
#include "kernels/portable/depthwise_conv_2d.h"
#include "kernels/portable/fully_connected.h"
#include "kernels/portable/max_pool_2d.h"
#include "kernels/portable/softmax.h"

/* Layers stay functions of their own, so that profiles, fault reports and the audit can name them. */
#define LAYER static __attribute__((noinline)) void

_Alignas(16) uint8_t small_arena[SMALL_ARENA_BYTES];

/*
 * Layer 0: CONV_2D "net/conv"
 * [1,6,4,1] -> [1,6,4,2]
 * Arena: 32..55 -> 0..47
 * Kernel: tinyq_portable_conv_2d (portable)
 */
LAYER layer_00_conv_2d(void)
{
    static const tinyq_conv_2d_params params = {
        .input_height = 6,
        .input_width = 4,
        .input_channels = 1,
        .filter_height = 3,
        .filter_width = 3,
        .filter_channels = 1,
        .output_height = 6,
        .output_width = 4,
        .output_channels = 2,
        .groups = 1,
        .stride_height = 1,
        .stride_width = 1,
        .dilation_height = 1,
        .dilation_width = 1,
        .pad_top = 1,
        .pad_left = 1,
        .input_offset = 1,
        .output_offset = 4,
        .activation_min = 4,
        .activation_max = 127,
    };
    tinyq_portable_conv_2d(
        &params,
        (const int8_t *)&small_arena[32],
        small_weights.layer_00_conv_2d_filter,
        small_weights.layer_00_conv_2d_bias,
        small_weights.layer_00_conv_2d_multiplier,
        small_weights.layer_00_conv_2d_shift,
        (int8_t *)&small_arena[0]);
}

/*
 * Layer 1: DEPTHWISE_CONV_2D "net/depthwise"
 * [1,6,4,2] -> [1,6,4,2]
 * Arena: 0..47 -> 48..95
 * Kernel: tinyq_portable_depthwise_conv_2d (portable)
 */
LAYER layer_01_depthwise_conv_2d(void)
{
    static const tinyq_depthwise_conv_2d_params params = {
        .input_height = 6,
        .input_width = 4,
        .input_channels = 2,
        .filter_height = 3,
        .filter_width = 3,
        .depth_multiplier = 1,
        .output_height = 6,
        .output_width = 4,
        .output_channels = 2,
        .stride_height = 1,
        .stride_width = 1,
        .dilation_height = 1,
        .dilation_width = 1,
        .pad_top = 1,
        .pad_left = 1,
        .input_offset = -4,
        .output_offset = -8,
        .activation_min = -128,
        .activation_max = 127,
    };
    tinyq_portable_depthwise_conv_2d(
        &params,
        (const int8_t *)&small_arena[0],
        small_weights.layer_01_depthwise_conv_2d_filter,
        small_weights.layer_01_depthwise_conv_2d_bias,
        small_weights.layer_00_conv_2d_multiplier,
        small_weights.layer_01_depthwise_conv_2d_shift,
        (int8_t *)&small_arena[48]);
}

/*
 * Layer 2: ADD "net/sum"
 * [1,6,4,2], [1,6,4,2] -> [1,6,4,2]
 * Arena: 0..47, 48..95 -> 0..47
 * Kernel: tinyq_portable_add (portable)
 */
LAYER layer_02_add(void)
{
    static const tinyq_add_params params = {
        .size = 48,
        .left_shift = 20,
        .input1_offset = -4,
        .input1_multiplier = 1073741824,
        .input1_shift = 0,
        .input2_offset = 8,
        .input2_multiplier = 1073741824,
        .input2_shift = 0,
        .output_offset = 2,
        .output_multiplier = 1073741824,
        .output_shift = -19,
        .activation_min = -128,
        .activation_max = 127,
    };
    tinyq_portable_add(
        &params,
        (const int8_t *)&small_arena[0],
        (const int8_t *)&small_arena[48],
        (int8_t *)&small_arena[0]);
}

/*
 * Layer 3: MAX_POOL_2D "net/pool"
 * [1,6,4,2] -> [1,3,2,2]
 * Arena: 0..47 -> 48..59
 * Kernel: tinyq_portable_max_pool_2d (portable)
 */
LAYER layer_03_max_pool_2d(void)
{
    static const tinyq_pool_2d_params params = {
        .input_height = 6,
        .input_width = 4,
        .channels = 2,
        .filter_height = 2,
        .filter_width = 2,
        .output_height = 3,
        .output_width = 2,
        .stride_height = 2,
        .stride_width = 2,
        .pad_top = 0,
        .pad_left = 0,
        .activation_min = -128,
        .activation_max = 127,
    };
    tinyq_portable_max_pool_2d(
        &params,
        (const int8_t *)&small_arena[0],
        (int8_t *)&small_arena[48]);
}

/*
 * Layer 5: FULLY_CONNECTED "net/logits"
 * [1,12] -> [1,3]
 * Arena: 48..59 -> 0..2
 * Kernel: tinyq_portable_fully_connected (portable)
 */
LAYER layer_05_fully_connected(void)
{
    static const tinyq_fully_connected_params params = {
        .batches = 1,
        .input_depth = 12,
        .output_depth = 3,
        .input_offset = -2,
        .filter_offset = 0,
        .output_offset = 0,
        .activation_min = -128,
        .activation_max = 127,
        .per_channel = 0,
    };
    tinyq_portable_fully_connected(
        &params,
        (const int8_t *)&small_arena[48],
        small_weights.layer_05_fully_connected_filter,
        small_weights.layer_05_fully_connected_bias,
        small_weights.layer_05_fully_connected_multiplier,
        small_weights.layer_05_fully_connected_shift,
        (int8_t *)&small_arena[0]);
}

/*
 * Layer 6: SOFTMAX "class"
 * [1,3] -> [1,3]
 * Arena: 0..2 -> 0..2
 * Kernel: tinyq_portable_softmax (portable)
 */
LAYER layer_06_softmax(void)
{
    static const tinyq_softmax_params params = {
        .rows = 1,
        .depth = 3,
        .diff_min = -62,
    };
    tinyq_portable_softmax(
        &params,
        (const int8_t *)&small_arena[0],
        small_weights.layer_06_softmax_exponential,
        (int8_t *)&small_arena[0]);
}

void small_run_layer(uint16_t layer)
{
    static void (*const layers[SMALL_LAYERS])(void) = {
        layer_00_conv_2d,
        layer_01_depthwise_conv_2d,
        layer_02_add,
        layer_03_max_pool_2d,
        layer_05_fully_connected,
        layer_06_softmax,
    };
    layers[layer]();
}

void small_run(const int8_t *input, int8_t *output)
{
    if (input != small_input()) {
        memcpy(small_input(), input, 24);
    }
    layer_00_conv_2d();
    layer_01_depthwise_conv_2d();
    layer_02_add();
    layer_03_max_pool_2d();
    layer_05_fully_connected();
    layer_06_softmax();
    if (output != small_output()) {
        memcpy(output, small_output(), 3);
    }
}
