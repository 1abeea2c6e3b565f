/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_PLAIN_PAD_H
#define TINYQ_OWN_PLAIN_PAD_H

#include <string.h>

#include "../../tinyq_fixed_point.h"
#include "../tinyq_own_pad_params.h"

/* Fewer bytes than a call of memset costs instructions. */
#define TINYQ_FEW_BYTES 12

/* `bytes` of the padding; behind them. */
static inline __attribute__((always_inline)) int8_t
*tinyq_own_fill(const tinyq_own_pad_params *p, int8_t *output, int32_t bytes)
{
    if (bytes > TINYQ_FEW_BYTES) {
        memset(output, p->fill, (size_t)bytes);
    } else {
        /* Volatile: the compiler would call memset. */
        for (int32_t i = 0; i < bytes; ++i) {
            ((volatile int8_t *)output)[i] = (int8_t)p->fill;
        }
    }
    return output + bytes;
}

/*
 * PAD and PADV2, any type: every byte of the output once, in order. Input and output do not
 * overlap.
 */
TINYQ_KERNEL void tinyq_own_plain_pad(const tinyq_own_pad_params *p, const int8_t *input,
                                      int8_t *output)
{
    input += p->input_start;
    output = tinyq_own_fill(p, output, p->before[0]);
    for (int32_t a = 0; a < p->extent[0]; ++a) {
        output = tinyq_own_fill(p, output, p->before[1]);
        for (int32_t b = 0; b < p->extent[1]; ++b) {
            const int8_t *in = input + a * p->input_step[0] + b * p->input_step[1];
            output = tinyq_own_fill(p, output, p->before[2]);
            for (int32_t c = 0; c < p->extent[2]; ++c, in += p->input_step[2]) {
                output = tinyq_own_fill(p, output, p->before[3]);
                memcpy(output, in, (size_t)p->extent[3]);
                output = tinyq_own_fill(p, output + p->extent[3], p->after[3]);
            }
            output = tinyq_own_fill(p, output, p->after[2]);
        }
        output = tinyq_own_fill(p, output, p->after[1]);
    }
    tinyq_own_fill(p, output, p->after[0]);
}

#endif
