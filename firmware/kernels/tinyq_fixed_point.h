/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_FIXED_POINT_H
#define TINYQ_FIXED_POINT_H
/*
 * The integer arithmetic of TFLite's reference kernels, double rounding.
 * Every function here is defined for every argument: intermediate overflow wraps, as two's complement does.
 */
#include <stdint.h>

/*
 * One kernel body serves both goals. `speed` and `balanced` compile it into each layer, where the
 * literal parameters drop what the shape does not need; `size` keeps one shared copy per kernel.
 */
#if defined(TINYQ_OPTIMIZE_SIZE) && defined(__clang__)
#define TINYQ_KERNEL static __attribute__((noinline, unused))
#elif defined(TINYQ_OPTIMIZE_SIZE)
#define TINYQ_KERNEL static __attribute__((noinline, noclone, unused))
#else
#define TINYQ_KERNEL static inline __attribute__((always_inline, unused))
#endif

static inline int32_t tinyq_wrapping_add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static inline int32_t tinyq_clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : (value > high ? high : value);
}

/* round(a * b / 2^31), halves towards plus infinity. The one overflow, INT32_MIN squared, saturates. */
static inline int32_t tinyq_doubling_high_multiply(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* round(x / 2^exponent), halves away from zero; exponent in 0..31. */
static inline int32_t tinyq_rounding_shift_right(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
    const int32_t remainder = x & mask;
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/* x * multiplier / 2^31 * 2^shift with TFLite's two roundings; shift in -31..30. */
static inline int32_t tinyq_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    const int32_t scaled = (int32_t)((uint32_t)x << left);
    return tinyq_rounding_shift_right(tinyq_doubling_high_multiply(scaled, multiplier), right);
}

#endif
