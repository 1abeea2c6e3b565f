/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_TABLE_H
#define TINYQ_PORTABLE_TABLE_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_table_params.h"

/*
 * Any function of one int8, elementwise over `size`. table [256] holds the results for 0..127, then for -128..-1: an
 * input's byte is its index. Each element is read before it is written: output may be the input.
 */
TINYQ_KERNEL void tinyq_portable_table(const tinyq_table_params *p, const int8_t *input, const int8_t *table,
                                       int8_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        output[i] = table[(uint8_t)input[i]];
    }
}

#endif
