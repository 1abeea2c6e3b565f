/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_PICK_H
#define TINYQ_PORTABLE_PICK_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_pick_params.h"
#include "tinyq_run.h"

/* Where the entry `index` of all axes but the innermost lies in the input, by their `tables`, one after the other. */
static inline int32_t tinyq_pick_line(const tinyq_pick_params *p, const int32_t *tables, const int32_t *index)
{
    int32_t bytes = 0;
    for (int32_t axis = 0; axis < TINYQ_PICK_AXES - 1; ++axis) {
        bytes += tables[index[axis]];
        tables += p->extent[axis];
    }
    return bytes;
}

/* The next entry of all axes but the innermost; 0 where there is none. */
static inline int tinyq_pick_next(const tinyq_pick_params *p, int32_t *index)
{
    for (int32_t axis = TINYQ_PICK_AXES - 2; axis >= 0; --axis) {
        if (++index[axis] < p->extent[axis]) {
            return 1;
        }
        index[axis] = 0;
    }
    return 0;
}

/*
 * GATHER by constant indices, RESIZE_NEAREST_NEIGHBOR, MIRROR_PAD, BATCH_TO_SPACE_ND and their kin, any type; tensors
 * are aligned to 4 bytes. Input and output do not overlap.
 */
TINYQ_KERNEL void tinyq_portable_pick(const tinyq_pick_params *p, const int8_t *input, const int32_t *tables,
                                      int8_t *output)
{
    const int32_t *inner = tables;
    for (int32_t axis = 0; axis < TINYQ_PICK_AXES - 1; ++axis) {
        inner += p->extent[axis];
    }
    int32_t index[TINYQ_PICK_AXES - 1] = {0};
    do {
        const int8_t *line = input + tinyq_pick_line(p, tables, index);
        for (int32_t i = 0; i < p->extent[TINYQ_PICK_AXES - 1]; ++i) {
            tinyq_copy_run(output, line + inner[i], p->run, p->width);
            output += p->run;
        }
    } while (tinyq_pick_next(p, index));
}

#endif
