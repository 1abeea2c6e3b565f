/* SPDX-License-Identifier: Apache-2.0 */
/*
 * small: made by tinyq-deploy from small.tflite
 * Model SHA-256 e1178e12fa4efd547dff7c9e9a4804278fff958c79db6634f40755a7f43681de.
 */
#ifndef SMALL_MODEL_H
#define SMALL_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SMALL_ARENA_BYTES 96
#define SMALL_LAYERS 6
/* Input: "image", int8 [1,6,4,1], real = scale * (q - zero point). */
#define SMALL_INPUT_BYTES 24
#define SMALL_INPUT_SCALE 5.e-02f
#define SMALL_INPUT_ZERO_POINT (-1)
/* Output: "class", int8 [1,3], real = scale * (q - zero point). */
#define SMALL_OUTPUT_BYTES 3
#define SMALL_OUTPUT_SCALE 3.90625e-03f
#define SMALL_OUTPUT_ZERO_POINT (-128)

/* Working memory: every activation of every layer. */
extern uint8_t small_arena[SMALL_ARENA_BYTES];

static inline int8_t *small_input(void)
{
    return (int8_t *)&small_arena[32];
}

/* Valid until the next inference. */
static inline int8_t *small_output(void)
{
    return (int8_t *)&small_arena[0];
}

/*
 * One inference. Input and output live in the arena: fill small_input() and pass it, or pass a buffer
 * of your own, which is copied. The inference overwrites the input in the arena. Not reentrant.
 */
void small_run(const int8_t *input, int8_t *output);

/* One layer; small_run calls 0 .. SMALL_LAYERS - 1 in order. For profiling. */
void small_run_layer(uint16_t layer);

/* real -> int8: round(real / scale) with halves away from zero, plus the zero point, clamped. */
static inline int8_t small_quantize(float real, float scale, int32_t zero_point)
{
    const float q = real / scale;
    if (!(q > -512.0f)) {
        return INT8_MIN;
    }
    if (q > 512.0f) {
        return INT8_MAX;
    }
    int32_t whole = (int32_t)q;
    const float rest = q - (float)whole; /* exact */
    whole += rest >= 0.5f ? 1 : (rest <= -0.5f ? -1 : 0);
    whole += zero_point;
    return (int8_t)(whole < INT8_MIN ? INT8_MIN : (whole > INT8_MAX ? INT8_MAX : whole));
}

static inline float small_dequantize(int8_t q, float scale, int32_t zero_point)
{
    return scale * (float)((int32_t)q - zero_point);
}

#ifdef __cplusplus
}
#endif

#endif
