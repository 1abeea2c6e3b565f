/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PICK_PARAMS_H
#define TINYQ_PICK_PARAMS_H

#include <stdint.h>

#define TINYQ_PICK_AXES 8

/*
 * Runs of `run` bytes, in the order of the output. Each of its axes, from the outermost to the innermost, has a table
 * of `extent` numbers of bytes; those of all axes add up to where a run begins in the input. All are multiples of
 * `width`, the bytes of an element.
 */
typedef struct {
    int32_t extent[TINYQ_PICK_AXES];
    int32_t run, width;
} tinyq_pick_params;

#endif
