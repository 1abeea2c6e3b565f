/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PAD_PARAMS_H
#define TINYQ_OWN_PAD_PARAMS_H

#include <stdint.h>

#define TINYQ_PAD_AXES 4

/*
 * One PAD. Axes are outermost first, the last one is a run of bytes: `before` and `after` its
 * elements each axis has so many bytes of `fill`. Steps are bytes through the input.
 */
typedef struct {
    int32_t extent[TINYQ_PAD_AXES], input_step[TINYQ_PAD_AXES];
    int32_t before[TINYQ_PAD_AXES], after[TINYQ_PAD_AXES];
    int32_t input_start, fill;
} tinyq_own_pad_params;

#endif
