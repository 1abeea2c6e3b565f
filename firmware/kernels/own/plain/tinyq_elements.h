/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_ELEMENTS_H
#define TINYQ_ELEMENTS_H
/*
 * What elementwise kernels share: a group of elements at a time, each read before the first is
 * written.
 */
#include <stdint.h>

/*
 * As many as the registers hold. Rounds of the loop over groups are unrolled where little is done
 * for an element.
 */
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define TINYQ_GROUP 1
#define TINYQ_UNROLL_MOST _Pragma("GCC unroll 4")
#define TINYQ_UNROLL_SOME _Pragma("GCC unroll 4")
#else
#define TINYQ_GROUP 4
#define TINYQ_UNROLL_MOST _Pragma("GCC unroll 2")
#define TINYQ_UNROLL_SOME _Pragma("GCC unroll 1")
#endif

#define TINYQ_EACH_OF_GROUP(i) _Pragma("GCC unroll 4") for (int32_t i = 0; i < TINYQ_GROUP; ++i)

/*
 * A value that the compiler may not know, so that it stays in a register: products by a constant
 * that it knows become shifts and additions, three or four where one multiply-accumulate would do.
 */
static inline __attribute__((always_inline)) int32_t tinyq_in_register(int32_t value)
{
    __asm("" : "+r"(value));
    return value;
}

#endif
