/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_COPY_PARAMS_H
#define TINYQ_OWN_COPY_PARAMS_H

#include <stdint.h>

#define TINYQ_OWN_COPY_AXES 4

/*
 * Single bytes of a grid, from one tensor to another; steps in bytes, below 0 where an axis is
 * walked backwards.
 */
typedef struct {
    int32_t extent[TINYQ_OWN_COPY_AXES];
    int32_t input_step[TINYQ_OWN_COPY_AXES], output_step[TINYQ_OWN_COPY_AXES];
    int32_t input_start, output_start;
} tinyq_own_copy_params;

#endif
