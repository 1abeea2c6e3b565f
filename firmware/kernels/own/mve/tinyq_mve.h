/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_H
#define TINYQ_OWN_MVE_H
/*
 * What the kernels for Helium (M-profile Vector Extension) share. Vectors are 16 bytes.
 * The constants for the requantisation of four channels lie together: NARROW multiplier and offset, each [4];
 * SIGNED and GENERAL bias, multiplier and shift, each [4]. SIGNED has all shifts to the right by at least 1.
 */
#include <arm_mve.h>

#include "../../tinyq_fixed_point.h"

/* What gcc would leave out of line, with its pointers in memory. */
#define TINYQ_MVE_INLINE static inline __attribute__((always_inline, unused))
#define TINYQ_MVE_VECTOR 16
#define TINYQ_MVE_QUAD 4
#define TINYQ_MVE_NARROW 0
#define TINYQ_MVE_SIGNED 1
#define TINYQ_MVE_GENERAL 2
#define TINYQ_MVE_SHIFT 16 /* the upper half of a sum */

/* Unrolls the loop that follows; in `size` builds loops stay loops. */
#if defined(TINYQ_OPTIMIZE_SIZE)
#define TINYQ_MVE_UNROLL
#elif defined(__clang__)
#define TINYQ_MVE_UNROLL _Pragma("clang loop unroll_count(8)")
#else
#define TINYQ_MVE_UNROLL _Pragma("GCC unroll 8")
#endif

/*
 * gcc 12 moves loads of constants out of loops and far ahead, then spills the eight vector registers it has. Memory
 * accesses do not cross a fence, and what is loaded through a pointer after TINYQ_MVE_HERE(pointer) is loaded there.
 */
#define TINYQ_MVE_FENCE() __asm volatile("" ::: "memory")
#define TINYQ_MVE_HERE(pointer) __asm volatile("" : "+r"(pointer))
#define TINYQ_MVE_DONE(vector) __asm volatile("" : "+w"(vector)) /* computed here, not where it is used */

/* VMLADAV adds to even registers only. What lives on across this leaves four of them to the sums that follow. */
#define TINYQ_MVE_EVEN_FREE() __asm volatile("" : : : "r4", "r6", "r8", "r10")

/* Sixteen bytes at a multiple of four, as weights are packed: words give the load a longer reach. */
TINYQ_MVE_INLINE int8x16_t tinyq_mve_load_words(const int8_t *at)
{
    return vreinterpretq_s8_s32(vld1q_s32((const int32_t *)(const void *)at));
}

/* A vector of no particular value, where every lane that counts is set later. */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_any(void)
{
    int32x4_t any;
    __asm volatile("" : "=w"(any)); /* volatile: or it is kept in memory */
    return any;
}

/* Two lanes at a time, for which gcc 12 has no pattern. */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_set_lanes_0_2(int32x4_t quad, int32_t lane0, int32_t lane2)
{
    __asm("vmov %q0[2], %q0[0], %1, %2" : "+w"(quad) : "r"(lane0), "r"(lane2));
    return quad;
}

TINYQ_MVE_INLINE int32x4_t tinyq_mve_set_lanes_1_3(int32x4_t quad, int32_t lane1, int32_t lane3)
{
    __asm("vmov %q0[3], %q0[1], %1, %2" : "+w"(quad) : "r"(lane1), "r"(lane3));
    return quad;
}

/* How sums become outputs. NARROW shifts a sum by `left` before the multiplication and has `fraction` bits below the
 * halves that it makes: 0, 2, 4 or 6. */
typedef struct {
    int32_t kind, left, fraction, offset, low, high;
} tinyq_mve_output;

/* The next four words at a pointer that walks. */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_next(const int32_t **at)
{
    const int32x4_t value = vld1q_s32(*at);
    *at += TINYQ_MVE_QUAD;
    TINYQ_MVE_HERE(*at);
    return value;
}

/*
 * TFLite's two roundings on four sums; shift in -31..30, negative to the right. VRSHL rounds halves up, so negative
 * values to be shifted right first lose one unit, which turns their halves away from zero.
 */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_requantize(int32x4_t sum, int32x4_t multiplier, int32x4_t shift)
{
    const int32x4_t zero = vdupq_n_s32(0);
    const int32x4_t high = vqrdmulhq_s32(vshlq_s32(sum, vmaxq_s32(shift, zero)), multiplier);
    const int32x4_t right = vminq_s32(shift, zero);
    return vrshlq_s32(vaddq_s32(high, vshrq_n_s32(vandq_s32(high, right), 31)), right);
}

/* Four requantised sums to clamped results with the zero point, shifted up. */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_general(int32x4_t sum, int32_t offset)
{
    sum = vaddq_n_s32(sum, offset);
    sum = vminq_s32(vmaxq_s32(sum, vdupq_n_s32(INT8_MIN)), vdupq_n_s32(INT8_MAX));
    return vshlq_n_s32(sum, TINYQ_MVE_SHIFT);
}

/*
 * Four sums to results with 16 + fraction bits behind the point, zero point included (NARROW), to whole results
 * (SIGNED), or to clamped results with the zero point, shifted up by 16 (GENERAL). `constants` walks on. `scaled`:
 * NARROW's left shift is done already.
 */
TINYQ_MVE_INLINE int32x4_t tinyq_mve_scale(int32x4_t sum, const int32_t **constants, tinyq_mve_output out, int scaled)
{
    if (out.kind == TINYQ_MVE_NARROW) {
        if (!scaled) {
            sum = vqshlq_r_s32(sum, out.left);
        }
        sum = vqrdmulhq_s32(sum, tinyq_mve_next(constants));
        return vqaddq_s32(sum, tinyq_mve_next(constants));
    }
    sum = vaddq_s32(sum, tinyq_mve_next(constants));
    const int32x4_t multiplier = tinyq_mve_next(constants);
    if (out.kind == TINYQ_MVE_SIGNED) {
        const int32x4_t high = vqrdmulhq_s32(sum, multiplier);
        return vrshlq_s32(vaddq_s32(high, vshrq_n_s32(high, 31)), tinyq_mve_next(constants));
    }
    return tinyq_mve_general(tinyq_mve_requantize(sum, multiplier, tinyq_mve_next(constants)), out.offset);
}

/* The upper halves of four and four sums, interleaved; those of `odd` are in their place already. */
TINYQ_MVE_INLINE int16x8_t tinyq_mve_halves(int32x4_t even, int32x4_t odd)
{
    return vshrnbq_n_s32(vreinterpretq_s16_s32(odd), even, TINYQ_MVE_SHIFT);
}

/* What tinyq_mve_scale made of four and four sums, interleaved, with the zero point. */
TINYQ_MVE_INLINE int16x8_t tinyq_mve_results(int32x4_t even, int32x4_t odd, tinyq_mve_output out)
{
    if (out.kind != TINYQ_MVE_SIGNED) {
        return tinyq_mve_halves(even, odd);
    }
    const int16x8_t any = vreinterpretq_s16_s32(tinyq_mve_any());
    const int16x8_t whole = vqmovntq_s32(vqmovnbq_s32(any, even), odd);
    return vqaddq_n_s16(whole, (int16_t)out.offset);
}

/* Eight results as bytes, in the even lanes. */
TINYQ_MVE_INLINE int8x16_t tinyq_mve_even_bytes(int16x8_t even, tinyq_mve_output out)
{
    const int8x16_t bytes = vreinterpretq_s8_s32(tinyq_mve_any());
#if defined(TINYQ_OPTIMIZE_SIZE)
    return vqmovnbq_s16(bytes, vqrshlq_n_s16(even, -out.fraction));
#else
    return out.fraction == 6   ? vqrshrnbq_n_s16(bytes, even, 6)
           : out.fraction == 4 ? vqrshrnbq_n_s16(bytes, even, 4)
           : out.fraction == 2 ? vqrshrnbq_n_s16(bytes, even, 2)
                               : vqmovnbq_s16(bytes, even);
#endif
}

/* Eight results as bytes in the odd lanes of `bytes`. */
TINYQ_MVE_INLINE int8x16_t tinyq_mve_odd_bytes(int8x16_t bytes, int16x8_t odd, tinyq_mve_output out)
{
#if defined(TINYQ_OPTIMIZE_SIZE)
    return vqmovntq_s16(bytes, vqrshlq_n_s16(odd, -out.fraction));
#else
    return out.fraction == 6   ? vqrshrntq_n_s16(bytes, odd, 6)
           : out.fraction == 4 ? vqrshrntq_n_s16(bytes, odd, 4)
           : out.fraction == 2 ? vqrshrntq_n_s16(bytes, odd, 2)
                               : vqmovntq_s16(bytes, odd);
#endif
}

/* The activation's clamp, where it is narrower than int8. */
TINYQ_MVE_INLINE int8x16_t tinyq_mve_activate(int8x16_t bytes, tinyq_mve_output out)
{
    if (out.low > INT8_MIN) {
        bytes = vmaxq_s8(bytes, vdupq_n_s8((int8_t)out.low));
    }
    if (out.high < INT8_MAX) {
        bytes = vminq_s8(bytes, vdupq_n_s8((int8_t)out.high));
    }
    return bytes;
}

/* Copies whole vectors until at least `size` bytes, 1 or more, are copied. */
TINYQ_MVE_INLINE void tinyq_mve_copy_vectors(int8_t *to, const int8_t *from, int32_t size)
{
    int32_t left = (size + TINYQ_MVE_VECTOR - 1) / TINYQ_MVE_VECTOR;
    do {
        vst1q_s8(to, vld1q_s8(from));
        to += TINYQ_MVE_VECTOR;
        from += TINYQ_MVE_VECTOR;
    } while (--left > 0);
}

/* Copies `size` bytes upwards; `from` is outside `to` or above it. */
static inline void tinyq_mve_copy(int8_t *to, const int8_t *from, int32_t size)
{
    for (; size >= TINYQ_MVE_VECTOR; size -= TINYQ_MVE_VECTOR) {
        vst1q_s8(to, vld1q_s8(from));
        to += TINYQ_MVE_VECTOR;
        from += TINYQ_MVE_VECTOR;
    }
    if (size > 0) {
        const mve_pred16_t valid = vctp8q((uint32_t)size);
        vst1q_p_s8(to, vld1q_z_s8(from, valid), valid);
    }
}

/* Sets `size` bytes. */
static inline void tinyq_mve_fill(int8_t *to, int32_t value, int32_t size)
{
    for (; size >= TINYQ_MVE_VECTOR; size -= TINYQ_MVE_VECTOR) {
        vst1q_s8(to, vdupq_n_s8((int8_t)value));
        to += TINYQ_MVE_VECTOR;
    }
    if (size > 0) {
        vst1q_p_s8(to, vdupq_n_s8((int8_t)value), vctp8q((uint32_t)size));
    }
    /* gcc takes a predicated store for one of the whole vector: of what is set here it would drop what such a store
     * seems to overwrite. */
    __asm__ volatile("" ::: "memory");
}

#endif
