/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for the CMSIS-Core header of this name: the keywords and instructions that the integer
 * kernels of CMSIS-NN 4.0 ask of it, for gcc and clang. Assembly where an intrinsic would also
 * model the Q flag, which costs registers and order. Instructions: Armv7-M Architecture Reference
 * Manual, A7.7.
 */
#ifndef TINYQ_CMSIS_COMPILER_H
#define TINYQ_CMSIS_COMPILER_H

#include <stdint.h>

#define __ASM __asm
#define __RESTRICT __restrict
#define __ALIGNED(bytes) __attribute__((aligned(bytes)))
#define __STATIC_INLINE static inline
#define __STATIC_FORCEINLINE static inline __attribute__((always_inline, unused))

#define __CLZ tinyq_clz
#define __ROR tinyq_ror

__STATIC_FORCEINLINE uint8_t tinyq_clz(uint32_t value)
{
    return (uint8_t)(value == 0u ? 32 : __builtin_clz(value));
}

__STATIC_FORCEINLINE uint32_t tinyq_ror(uint32_t value, uint32_t bits)
{
    const uint32_t right = bits & 31u;
    return right == 0u ? value : (value >> right) | (value << (32u - right));
}

#ifdef __ARM_FEATURE_DSP

/* One instruction of two operands. */
#define TINYQ_BINARY(name, instruction)                                   \
    __STATIC_FORCEINLINE uint32_t name(uint32_t a, uint32_t b)            \
    {                                                                     \
        uint32_t result;                                                  \
        __asm(instruction " %0, %1, %2" : "=r"(result) : "r"(a), "r"(b)); \
        return result;                                                    \
    }
TINYQ_BINARY(tinyq_sxtab16, "sxtab16")
TINYQ_BINARY(tinyq_sadd16, "sadd16")
TINYQ_BINARY(tinyq_qadd16, "qadd16")
TINYQ_BINARY(tinyq_qsub16, "qsub16")
TINYQ_BINARY(tinyq_qsub8, "qsub8")
TINYQ_BINARY(tinyq_qadd, "qadd")

__STATIC_FORCEINLINE uint32_t tinyq_smlad(uint32_t a, uint32_t b, uint32_t sum)
{
    uint32_t result;
    __asm("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

__STATIC_FORCEINLINE uint32_t tinyq_sxtb16(uint32_t a)
{
    uint32_t result;
    __asm("sxtb16 %0, %1" : "=r"(result) : "r"(a));
    return result;
}

/* Rotated by 8, the one rotation that is asked for. */
__STATIC_FORCEINLINE uint32_t tinyq_sxtb16_ror8(uint32_t a)
{
    uint32_t result;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(a));
    return result;
}

__STATIC_FORCEINLINE uint32_t tinyq_sxtab16_ror8(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

#define __SMLAD tinyq_smlad
#define __SXTB16 tinyq_sxtb16
#define __SXTAB16 tinyq_sxtab16
#define __SADD16 tinyq_sadd16
#define __QADD(a, b) ((int32_t)tinyq_qadd((uint32_t)(a), (uint32_t)(b)))
#define __QADD16 tinyq_qadd16
#define __QSUB16 tinyq_qsub16
#define __QSUB8 tinyq_qsub8
#define __SXTB16_RORn(a, bits) \
    ((bits) == 8 ? tinyq_sxtb16_ror8(a) : tinyq_sxtb16(tinyq_ror(a, bits)))
#define __SXTAB16_RORn(a, b, bits) \
    ((bits) == 8 ? tinyq_sxtab16_ror8(a, b) : tinyq_sxtab16(a, tinyq_ror(b, bits)))
/* Halfword of a below, halfword of the shifted b above; and the other way round. The compiler makes
 * PKHBT and PKHTB. */
#define __PKHBT(a, b, bits) (((uint32_t)(a) & 0xFFFFu) | (((uint32_t)(b) << (bits)) & 0xFFFF0000u))
#define __PKHTB(a, b, bits) \
    (((uint32_t)(a) & 0xFFFF0000u) | ((uint32_t)((int32_t)(b) >> (bits)) & 0xFFFFu))

#endif
#endif
