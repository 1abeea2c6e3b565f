/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_BROADCAST_H
#define TINYQ_BROADCAST_H
/*
 * Two operands that broadcast to one output, as rows. The output is written in order; along a row, and from row to row
 * along each outer axis, an operand either walks or stays where it is.
 */
#include <stdint.h>

#define TINYQ_ROW_AXES 5

/* Steps are in elements, 0 where the operand stays; axes are outermost first, with extent 1 where there are fewer. */
typedef struct {
    int32_t length;                    /* elements of a row */
    int32_t step1, step2;              /* along a row: 0 or 1 */
    int32_t extent[TINYQ_ROW_AXES];
    int32_t row_step1[TINYQ_ROW_AXES]; /* along the outer axes */
    int32_t row_step2[TINYQ_ROW_AXES];
} tinyq_rows;

/* Where a row begins in both operands; zeros for the first one. */
typedef struct {
    int32_t at1, at2;
    int32_t index[TINYQ_ROW_AXES];
} tinyq_row;

/* Goes to the next row; 0 where there is none. */
static inline int tinyq_next_row(const tinyq_rows *rows, tinyq_row *row)
{
    for (int32_t axis = TINYQ_ROW_AXES - 1; axis >= 0; --axis) {
        row->at1 += rows->row_step1[axis];
        row->at2 += rows->row_step2[axis];
        if (++row->index[axis] < rows->extent[axis]) {
            return 1;
        }
        row->at1 -= rows->extent[axis] * rows->row_step1[axis];
        row->at2 -= rows->extent[axis] * rows->row_step2[axis];
        row->index[axis] = 0;
    }
    return 0;
}

#endif
