/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_LOOKUP_S16_H
#define TINYQ_LOOKUP_S16_H

#include <stdint.h>

/* A function of int16 by a table [513] of its values at every 128th, with straight lines between them. */
static inline int16_t tinyq_lookup_s16(int32_t value, const int16_t *table)
{
    const int32_t index = 256 + (value >> 7);
    const int32_t slope = (int16_t)(table[index + 1] - table[index]);
    return (int16_t)(table[index] + ((slope * (value & 0x7F) + 64) >> 7));
}

#endif
