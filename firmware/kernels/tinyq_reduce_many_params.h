/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_REDUCE_MANY_PARAMS_H
#define TINYQ_REDUCE_MANY_PARAMS_H

#include <stdint.h>

/*
 * One MEAN, SUM, REDUCE_MAX or REDUCE_MIN with any number of axes that stay, `kept`, and of axes that go, `reduced`. A
 * sum begins at `start`, -zero point times the number of elements that become one.
 */
typedef struct {
    int32_t outputs, elements;
    int32_t kept, reduced;
    int32_t start;
    int32_t output_offset, multiplier, shift;
} tinyq_reduce_many_params;

#endif
