/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TRANSPOSE_CONV by the CONV_2D of the core that includes this file: output row y is a convolution of a few input rows, by
 * the filter rows that reach it, which are those of one phase, y mod the vertical stride. The output channels of that
 * convolution are the pixels of one horizontal stride, side by side as in the output row.
 *
 * The includer defines
 *   TINYQ_NAME(name)                                          name with the core's prefix
 *   TINYQ_CONVOLVE(p, input, weights, channels, scratch, out) its CONV_2D
 * and has included that kernel.
 */

#define TINYQ_PHASES 4

typedef struct {
    int32_t phases;                          /* the vertical stride */
    int32_t input_height, input_row_bytes;
    int32_t output_height, output_row_bytes;
    int32_t computed_bytes;                  /* of a row in whole horizontal strides */
    int32_t row_at;                          /* place in scratch of a row where computed_bytes is more than the output's */
    int32_t first[TINYQ_PHASES];             /* input row at which the window of the phase's first output row begins */
    TINYQ_NAME(conv_2d_params) phase[TINYQ_PHASES];
} TINYQ_NAME(transpose_conv_params);

/* The output row `stride` of one phase, if there is one. The window's rows above the input are padding. */
static inline __attribute__((always_inline)) void
TINYQ_NAME(transpose_conv_row)(const TINYQ_NAME(transpose_conv_params) *p, int32_t phase, int32_t stride,
                               const int8_t *input, const void *weights, const int32_t *channels, uint8_t *scratch,
                               int8_t *output)
{
    const int32_t row = stride * p->phases + phase, first = p->first[phase] + stride;
    const int32_t begin = tinyq_clamp(first, 0, p->input_height);
    if (phase >= p->phases || row >= p->output_height) {
        return;
    }
    TINYQ_NAME(conv_2d_params) one = p->phase[phase];
    one.input_height = p->input_height - begin;
    one.pad_top = first < 0 ? -first : 0;
    int8_t *const place = output + row * p->output_row_bytes;
    int8_t *const computed = p->computed_bytes > p->output_row_bytes ? (int8_t *)scratch + p->row_at : place;
    TINYQ_CONVOLVE(&one, input + begin * p->input_row_bytes, weights, channels, scratch, computed);
    if (computed != place) {
        memcpy(place, computed, (size_t)p->output_row_bytes);
    }
}

/*
 * TRANSPOSE_CONV, int8, batch 1. input [H,W,C], weights and channels of each phase as the core's CONV_2D takes them, null
 * beyond the last phase, output [OH,OW,O]. The output's rows are computed in order.
 */
TINYQ_KERNEL void TINYQ_NAME(transpose_conv)(const TINYQ_NAME(transpose_conv_params) *p, const int8_t *input,
                                             const void *weights0, const int32_t *channels0, const void *weights1,
                                             const int32_t *channels1, const void *weights2, const int32_t *channels2,
                                             const void *weights3, const int32_t *channels3, uint8_t *scratch,
                                             int8_t *output)
{
    for (int32_t stride = 0; stride * p->phases < p->output_height; ++stride) {
        TINYQ_NAME(transpose_conv_row)(p, 0, stride, input, weights0, channels0, scratch, output);
        TINYQ_NAME(transpose_conv_row)(p, 1, stride, input, weights1, channels1, scratch, output);
        TINYQ_NAME(transpose_conv_row)(p, 2, stride, input, weights2, channels2, scratch, output);
        TINYQ_NAME(transpose_conv_row)(p, 3, stride, input, weights3, channels3, scratch, output);
    }
}
