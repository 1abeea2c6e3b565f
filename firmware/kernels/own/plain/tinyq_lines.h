/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_LINES_H
#define TINYQ_LINES_H
/*
 * Two operands that broadcast to one output, as lines of the output: along a line the first operand
 * walks, and the second either does too or stays where it is. kernels/own/plain_lines.py says how
 * they are found.
 */
#include <stdint.h>

#define TINYQ_LINE_AXES 5

/*
 * Steps are in elements; those of the outer axes lead from line to line, with extent 1 where there
 * are fewer.
 */
typedef struct {
    int32_t length;      /* elements of a line */
    int32_t step, step1; /* of output and first operand along a line; 1 where both operands walk */
    int32_t stays;       /* whether the second operand stays along a line */
    int32_t extent[TINYQ_LINE_AXES];
    int32_t outer1[TINYQ_LINE_AXES], outer2[TINYQ_LINE_AXES], outer[TINYQ_LINE_AXES];
} tinyq_lines;

/* One line, of operands and output at these addresses. */
typedef void tinyq_line(const void *p, const tinyq_lines *lines, const int8_t *input1,
                        const int8_t *input2, int8_t *output);

/* All lines; `line` is a constant after inlining. */
static inline __attribute__((always_inline)) void
tinyq_each_line(tinyq_line *line, const void *p, const tinyq_lines *lines, const int8_t *input1,
                const int8_t *input2, int8_t *output)
{
    int32_t at[TINYQ_LINE_AXES];
    for (at[0] = 0; at[0] < lines->extent[0]; ++at[0]) {
        for (at[1] = 0; at[1] < lines->extent[1]; ++at[1]) {
            for (at[2] = 0; at[2] < lines->extent[2]; ++at[2]) {
                for (at[3] = 0; at[3] < lines->extent[3]; ++at[3]) {
                    for (at[4] = 0; at[4] < lines->extent[4]; ++at[4]) {
                        int32_t at1 = 0, at2 = 0, out = 0;
                        for (int32_t axis = 0; axis < TINYQ_LINE_AXES; ++axis) {
                            at1 += at[axis] * lines->outer1[axis];
                            at2 += at[axis] * lines->outer2[axis];
                            out += at[axis] * lines->outer[axis];
                        }
                        line(p, lines, input1 + at1, input2 + at2, output + out);
                    }
                }
            }
        }
    }
}

#endif
