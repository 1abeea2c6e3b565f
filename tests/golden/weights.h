/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMALL_WEIGHTS_H
#define SMALL_WEIGHTS_H

#include <stdint.h>

/*
 * Every constant of the model in one object, 1160 bytes, so that one CRC-32 covers it. int8 arrays are padded
 * with zeros to whole words: the struct has no hidden padding.
 */
typedef struct {
    int8_t layer_00_conv_2d_filter[20]; /* [2,3,3,1] */
    int32_t layer_00_conv_2d_bias[2]; /* [2] */
    int32_t layer_00_conv_2d_multiplier[2]; /* [2], shared by 2 layers */
    int32_t layer_00_conv_2d_shift[2]; /* [2] */
    int8_t layer_01_depthwise_conv_2d_filter[20]; /* [1,3,3,2] */
    int32_t layer_01_depthwise_conv_2d_bias[2]; /* [2] */
    int32_t layer_01_depthwise_conv_2d_shift[2]; /* [2] */
    int8_t layer_05_fully_connected_filter[36]; /* [3,12] */
    int32_t layer_05_fully_connected_bias[3]; /* [3] */
    int32_t layer_05_fully_connected_multiplier[1]; /* [1] */
    int32_t layer_05_fully_connected_shift[1]; /* [1] */
    int32_t layer_06_softmax_exponential[256]; /* [256] */
} small_weights_type;

#define SMALL_WEIGHTS_BYTES 1160
#define SMALL_WEIGHTS_CRC32 2756306214u

extern const small_weights_type small_weights;

#endif
