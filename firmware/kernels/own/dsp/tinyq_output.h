/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OUTPUT_H
#define TINYQ_OUTPUT_H
/* What convolutions do with a sum: requantisation, activation, the ADD that is fused to them. */
#include "../tinyq_own_add_params.h"
#include "../tinyq_own_requantize.h"

/* The same for all outputs of a layer. `add` is null where none is fused. */
typedef struct {
    int32_t kind, shift; /* of tinyq_own_requantize.h */
    int32_t activation_min, activation_max;
    const tinyq_own_add_params *add;
} tinyq_epilogue;

/* The output for one sum. `factors` are its channel's multiplier, offset, shift but for RISING. */
static inline __attribute__((always_inline)) int32_t tinyq_output(tinyq_epilogue e, int32_t sum,
                                                                  const int32_t *factors)
{
    const int32_t shift = e.kind == TINYQ_OWN_RISING ? e.shift : factors[2];
    const int32_t value = tinyq_own_requantize(e.kind, sum, factors[0], factors[1], shift);
    return tinyq_own_activate(value, e.activation_min, e.activation_max);
}

/*
 * The outputs for three sums of one channel, in place and, where no ADD follows, the first `pixels`
 * of them to `output`, `step` apart. Small builds ask for the kind of requantisation once per call.
 */
TINYQ_KERNEL void tinyq_outputs(const tinyq_epilogue *e, int32_t sums[3], int32_t pixels,
                                const int32_t *factors, int8_t *output, int32_t step)
{
    const int32_t kind = e->kind, low = e->activation_min, high = e->activation_max;
    const int32_t multiplier = factors[0], offset = factors[1];
    const int32_t shift = kind == TINYQ_OWN_RISING ? e->shift : factors[2];
    if (kind >= TINYQ_OWN_RISING_EACH) {
#pragma GCC unroll 3
        for (int32_t i = 0; i < 3; ++i) {
            sums[i] = tinyq_own_requantize(TINYQ_OWN_RISING, sums[i], multiplier, offset, shift);
        }
    } else {
        for (int32_t i = 0; i < 3; ++i) {
            sums[i] = tinyq_own_requantize(kind, sums[i], multiplier, offset, shift);
        }
    }
    if (low > -128 || high < 127) {
        for (int32_t i = 0; i < 3; ++i) {
            sums[i] = tinyq_own_activate(sums[i], low, high);
        }
    }
    if (!e->add) {
        output[0] = (int8_t)sums[0];
        if (pixels > 1) {
            output[step] = (int8_t)sums[1];
        }
        if (pixels > 2) {
            output[2 * step] = (int8_t)sums[2];
        }
    }
}

/* The ADD of an output and `other`, where one is fused; else the output. */
static inline __attribute__((always_inline)) int8_t tinyq_output_add(tinyq_epilogue e,
                                                                     int32_t value,
                                                                     const int8_t *other)
{
    if (e.add) {
        const int32_t sum = value * e.add->slope1 + e.add->offset + *other * e.add->slope2;
        value = tinyq_shift_saturate(sum, e.add->shift);
        value = tinyq_own_activate(value, e.add->activation_min, e.add->activation_max);
    }
    return (int8_t)value;
}

#endif
