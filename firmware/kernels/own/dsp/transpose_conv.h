/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_DSP_TRANSPOSE_CONV_H
#define TINYQ_OWN_DSP_TRANSPOSE_CONV_H

#include <string.h>

#include "conv_2d.h"

#define TINYQ_NAME(name) tinyq_own_dsp_##name
#define TINYQ_CONVOLVE(p, input, weights, channels, scratch, out) \
    tinyq_own_dsp_conv_2d(p, input, weights, channels, scratch, out)

#include "../tinyq_transpose_conv_rows.h"

#undef TINYQ_CONVOLVE
#undef TINYQ_NAME

#endif
