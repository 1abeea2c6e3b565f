/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_GATHER_H
#define TINYQ_PORTABLE_GATHER_H

#include <string.h>

#include "../tinyq_fixed_point.h"
#include "../tinyq_gather_params.h"

/* Index number i; indices are aligned to 4 bytes. */
static inline int32_t tinyq_gather_index(const tinyq_gather_params *p, const int8_t *indices, int32_t i)
{
    int16_t half;
    int32_t word;
    if (p->index_width == 1) {
        return indices[i];
    }
    if (p->index_width == 2) {
        memcpy(&half, __builtin_assume_aligned(indices + 2 * i, 2), sizeof half);
        return half;
    }
    memcpy(&word, __builtin_assume_aligned(indices + 4 * i, 4), sizeof word);
    return word;
}

/* Where the run of row i of the indices begins. What would lie outside the part begins at its nearest end. */
static inline int32_t tinyq_gather_start(const tinyq_gather_params *p, const int8_t *indices, int32_t i)
{
    int64_t bytes = 0;
    for (int32_t k = 0; k < p->depth; ++k) {
        bytes += (int64_t)tinyq_gather_index(p, indices, i * p->depth + k) * p->step[k];
    }
    const int64_t last = p->span - p->run;
    return (int32_t)(bytes < 0 ? 0 : (bytes > last ? last : bytes));
}

/* GATHER and GATHER_ND by indices that are computed, any type. Input and output do not overlap. */
TINYQ_KERNEL void tinyq_portable_gather(const tinyq_gather_params *p, const int8_t *input, const int8_t *indices,
                                        int8_t *output)
{
    for (int32_t batch = 0; batch < p->batches; ++batch) {
        for (int32_t outer = 0; outer < p->outer; ++outer) {
            for (int32_t i = 0; i < p->count; ++i) {
                memcpy(output, input + tinyq_gather_start(p, indices, batch * p->count + i), (size_t)p->run);
                output += p->run;
            }
            input += p->span;
        }
    }
}

#endif
