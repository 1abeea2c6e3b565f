/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_LOOKUP_S16_H
#define TINYQ_PORTABLE_LOOKUP_S16_H

#include "../tinyq_fixed_point.h"
#include "../tinyq_lookup_s16.h"
#include "../tinyq_table_params.h"

/* EXP and its like, elementwise over `size`: table [513]. Each element is read before it is written. */
TINYQ_KERNEL void tinyq_portable_lookup_s16(const tinyq_table_params *p, const int16_t *input, const int16_t *table,
                                            int16_t *output)
{
    for (int32_t i = 0; i < p->size; ++i) {
        output[i] = tinyq_lookup_s16(input[i], table);
    }
}

#endif
