/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a C library that compilers call by themselves, for links without one. A compiler that
 * recognised these loops would turn each into a call of itself; build with -fno-builtin, and gcc
 * also with -fno-tree-loop-distribute-patterns (the pragma below covers it). */
#include <stddef.h>
#include <stdint.h>

#include "port/libc/string.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

typedef uint32_t __attribute__((may_alias)) tinyq_word;
typedef struct __attribute__((packed, may_alias)) {
    uint32_t value;
} tinyq_any_word; /* at any address: one load on cores that take unaligned ones */

#define WORD 4u

static inline int tinyq_aligned(const void *a)
{
    return ((uintptr_t)a & (WORD - 1u)) == 0u;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *t = to;
    const uint8_t *f = from;
#ifdef __ARM_FEATURE_UNALIGNED
    for (; size >= 4u * WORD; size -= 4u * WORD, t += 4u * WORD, f += 4u * WORD) {
        for (uint32_t i = 0; i < 4u; i++) {
            ((tinyq_any_word *)t)[i].value = ((const tinyq_any_word *)f)[i].value;
        }
    }
#else
    if (tinyq_aligned(t) && tinyq_aligned(f)) {
        for (; size >= WORD; size -= WORD, t += WORD, f += WORD) {
            *(tinyq_word *)(void *)t = *(const tinyq_word *)(const void *)f;
        }
    }
#ifndef __OPTIMIZE_SIZE__
    for (; size >= WORD; size -= WORD, t += WORD, f += WORD) {
        for (uint32_t i = 0; i < WORD; i++) {
            t[i] = f[i];
        }
    }
#endif
#endif
    while (size-- > 0u) {
        *t++ = *f++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((uintptr_t)t - (uintptr_t)f >= size) {
        while (size-- > 0u) {
            *t++ = *f++;
        }
    } else {
        while (size-- > 0u) {
            t[size] = f[size];
        }
    }
    return to;
}

void *memset(void *to, int value, size_t size)
{
    uint8_t *t = to;
    for (; size > 0u && !tinyq_aligned(t); size--) {
        *t++ = (uint8_t)value;
    }
    uint32_t word = (uint8_t)value * 0x01010101u;
    for (; size >= WORD; size -= WORD, t += WORD) {
        *(tinyq_word *)(void *)t = word;
    }
    while (size-- > 0u) {
        *t++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a, *y = b;
    for (; size > 0u; size--, x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    const char *end = text;
    while (*end) {
        end++;
    }
    return (size_t)(end - text);
}

int strncmp(const char *a, const char *b, size_t size)
{
    for (; size > 0u; size--, a++, b++) {
        uint8_t x = (uint8_t)*a, y = (uint8_t)*b;
        if (x != y) {
            return x < y ? -1 : 1;
        }
        if (x == 0u) {
            break;
        }
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, (size_t)-1);
}

/* Run-time ABI for the Arm Architecture, 4.3.4: memset takes its size before the value. */
void __aeabi_memcpy(void *to, const void *from, size_t size);
void __aeabi_memcpy4(void *to, const void *from, size_t size);
void __aeabi_memcpy8(void *to, const void *from, size_t size);
void __aeabi_memmove(void *to, const void *from, size_t size);
void __aeabi_memmove4(void *to, const void *from, size_t size);
void __aeabi_memmove8(void *to, const void *from, size_t size);
void __aeabi_memset(void *to, size_t size, int value);
void __aeabi_memset4(void *to, size_t size, int value);
void __aeabi_memset8(void *to, size_t size, int value);
void __aeabi_memclr(void *to, size_t size);
void __aeabi_memclr4(void *to, size_t size);
void __aeabi_memclr8(void *to, size_t size);

void __aeabi_memcpy(void *to, const void *from, size_t size) { (void)memcpy(to, from, size); }
void __aeabi_memcpy4(void *to, const void *from, size_t size) { (void)memcpy(to, from, size); }
void __aeabi_memcpy8(void *to, const void *from, size_t size) { (void)memcpy(to, from, size); }
void __aeabi_memmove(void *to, const void *from, size_t size) { (void)memmove(to, from, size); }
void __aeabi_memmove4(void *to, const void *from, size_t size) { (void)memmove(to, from, size); }
void __aeabi_memmove8(void *to, const void *from, size_t size) { (void)memmove(to, from, size); }
void __aeabi_memset(void *to, size_t size, int value) { (void)memset(to, value, size); }
void __aeabi_memset4(void *to, size_t size, int value) { (void)memset(to, value, size); }
void __aeabi_memset8(void *to, size_t size, int value) { (void)memset(to, value, size); }
void __aeabi_memclr(void *to, size_t size) { (void)memset(to, 0, size); }
void __aeabi_memclr4(void *to, size_t size) { (void)memset(to, 0, size); }
void __aeabi_memclr8(void *to, size_t size) { (void)memset(to, 0, size); }
