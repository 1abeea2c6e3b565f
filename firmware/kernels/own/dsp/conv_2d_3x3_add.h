/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_CONV_2D_3X3_ADD_H
#define TINYQ_OWN_DSP_CONV_2D_3X3_ADD_H

#include "conv_2d_3x3.h"

/*
 * CONV_2D and the ADD of its output and `other`: arguments as in conv_2d_3x3.h, other and output
 * [OH,OW,O]. An element of other is read before the output's is written: output may be other.
 */
TINYQ_KERNEL void tinyq_own_dsp_conv_2d_3x3_add(const tinyq_own_dsp_conv_2d_3x3_add_params *p,
                                                const int8_t *input, const void *weights,
                                                const int32_t *channels, uint8_t *scratch,
                                                const int8_t *other, int8_t *output)
{
    tinyq_own_dsp_conv_2d_3x3_tiles(&p->conv, &p->add, input, other, weights, channels, scratch,
                                    output);
}

#endif
