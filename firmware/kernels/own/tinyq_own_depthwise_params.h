/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DEPTHWISE_PARAMS_H
#define TINYQ_OWN_DEPTHWISE_PARAMS_H

#include <stdint.h>

/*
 * One DEPTHWISE_CONV_2D over int16 planes: rows of one channel, columns in pairs, one pair a word, surrounded by the
 * input's zero point. kernels/own/dsp_depthwise_conv_2d.py computes the layout.
 */
typedef struct {
    int32_t input_height, input_width, input_channels;
    int32_t depth_multiplier;
    int32_t output_height, output_width;
    int32_t filter_height, filter_width; /* the width with the zeros that horizontal dilation puts in */
    int32_t stride_height, stride_width, dilation_height, pad_top;
    int32_t phase;       /* column of the first window in the plane: 0 or 1 */
    int32_t lead_words;  /* words of padding before the first input column */
    int32_t copy_pairs;  /* pairs of input columns that windows reach */
    int32_t odd_column;  /* 1: the last pair holds only one input column */
    int32_t row_words;   /* words of a plane's row */
    int32_t plane_rows;  /* rows of the plane, enough for one strip of the output */
    int32_t strip_rows;  /* output rows computed from one filling of the plane */
    int32_t filter_words; /* pairs of taps per filter row, in either phase */
    int32_t input_zero_point;
    int32_t kind, shift; /* see tinyq_own_requantize.h */
    int32_t activation_min, activation_max;
} tinyq_own_depthwise_params;

#endif
