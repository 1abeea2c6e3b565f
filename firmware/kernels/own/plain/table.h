/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_TABLE_H
#define TINYQ_OWN_PLAIN_TABLE_H

#include "../../tinyq_fixed_point.h"
#include "../../tinyq_table_params.h"

/* Elements at a time: as many as the registers hold. */
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define TINYQ_TABLE_GROUP 4
#else
#define TINYQ_TABLE_GROUP 8
#endif

/*
 * Any function of one int8, elementwise over `size`. table [256] holds the results for 0..127, then
 * for -128..-1: an input's byte is its index. A group is read before it is written, as the output
 * may be the input: said so, the compiler need not wait for one store before the next load. The
 * stores are volatile as it would else pack words of them, which takes more instructions than it
 * spares.
 */
TINYQ_KERNEL void tinyq_own_plain_table(const tinyq_table_params *p, const int8_t *input,
                                        const int8_t *table, int8_t *output)
{
    int32_t left = p->size;
    for (; left >= TINYQ_TABLE_GROUP; left -= TINYQ_TABLE_GROUP) {
        int8_t results[TINYQ_TABLE_GROUP];
#pragma GCC unroll 8
        for (int32_t i = 0; i < TINYQ_TABLE_GROUP; ++i) {
            results[i] = table[(uint8_t)input[i]];
        }
#pragma GCC unroll 8
        for (int32_t i = 0; i < TINYQ_TABLE_GROUP; ++i) {
            ((volatile int8_t *)output)[i] = results[i];
        }
        input += TINYQ_TABLE_GROUP;
        output += TINYQ_TABLE_GROUP;
    }
    for (; left > 0; --left) {
        *output++ = table[(uint8_t)*input++];
    }
}

#endif
