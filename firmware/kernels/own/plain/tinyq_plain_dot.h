/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PLAIN_DOT_H
#define TINYQ_PLAIN_DOT_H
/*
 * Dot products of eight windows with one filter, two at a time: a word holds the same tap of two
 * windows, as first + 65536 * second, and one 32-bit multiplication by the weight makes both
 * products. Their sums stay apart as long as each fits int16. kernels/own/plain_dot.py cuts a
 * filter into chunks for which that is proven; after each chunk the second's sum is the upper half
 * of the word, once 32768 keeps the first's from borrowing.
 *
 * A filter is, for each chunk, a byte that tells its length and its weights; then TINYQ_PLAIN_LAST.
 * The byte is TINYQ_PLAIN_TAP * (TINYQ_PLAIN_TAPS - length): how many halfwords of unrolled code a
 * shorter chunk jumps over.
 */
#include "tinyq_plain_outputs.h"

#define TINYQ_PLAIN_TAPS 18  /* of the longest chunk */
#define TINYQ_PLAIN_TAP 11   /* halfwords of code per tap, on every core */
#define TINYQ_PLAIN_LAST 240 /* halfwords to the end of the code */
#define TINYQ_PLAIN_WINDOWS 8

/*
 * Sums of four words of windows: first the sums of words 0 and 1 as they are, then of their upper
 * halves, then the same of words 2 and 3. All wrap.
 */
typedef struct {
    uint32_t word[8];
} tinyq_plain_sums;

#if defined(__thumb__)

#define TINYQ_PLAIN_3(tap) tap tap tap
#define TINYQ_PLAIN_18(tap) TINYQ_PLAIN_3(TINYQ_PLAIN_3(tap)) TINYQ_PLAIN_3(TINYQ_PLAIN_3(tap))
#define TINYQ_PLAIN_TEXT_(number) #number
#define TINYQ_PLAIN_TEXT(number) TINYQ_PLAIN_TEXT_(number)

/*
 * Adds the products of the filter behind `filter` to `sums`; returns the address of the filter's
 * last byte, behind which the next one begins. `strip` has four words per tap.
 */
TINYQ_PLAIN_ASSEMBLY const int8_t *tinyq_plain_dot(const int8_t *filter __attribute__((unused)),
                                                   const uint32_t *strip __attribute__((unused)),
                                                   tinyq_plain_sums *sums __attribute__((unused)))
{
#if __ARM_ARCH_ISA_THUMB >= 2
    /* r9 last byte read, r7 strip, lr weight, r0-r3 inputs, r4-r6 and r10 sums of the chunk,
     * r8 middle of `sums`. */
    __asm(".syntax unified\n\t"
          "push {r4-r11, lr}\n\t"
          "mov r9, r0\n\t"
          "mov r7, r1\n\t"
          "add r8, r2, #16\n\t"
          "mov r12, #0\n\t"
          "adr r11, 3f\n"
          "1:\n\t"
          "ldmia r11, {r4, r5, r6, r10}\n\t"
          "add r9, r9, #1\n\t"
          "tbb [r9, r12]\n"
          "2:\n\t"
          TINYQ_PLAIN_18("ldrsb lr, [r9, #1]!\n\t"
                         "ldmia.n r7!, {r0-r3}\n\t"
                         "mla r4, r0, lr, r4\n\t"
                         "mla r5, r1, lr, r5\n\t"
                         "mla r6, r2, lr, r6\n\t"
                         "mla r10, r3, lr, r10\n\t")
          "ldmia r8, {r0-r3}\n\t"
          "add r0, r0, r6\n\t"
          "add r1, r1, r10\n\t"
          "add r2, r2, r6, asr #16\n\t"
          "add r3, r3, r10, asr #16\n\t"
          "stmia r8, {r0-r3}\n\t"
          "ldmdb r8, {r0-r3}\n\t"
          "add r0, r0, r4\n\t"
          "add r1, r1, r5\n\t"
          "add r2, r2, r4, asr #16\n\t"
          "add r3, r3, r5, asr #16\n\t"
          "stmdb r8, {r0-r3}\n\t"
          "b 1b\n\t"
          ".org 2b + 2 * " TINYQ_PLAIN_TEXT(TINYQ_PLAIN_LAST) "\n\t"
          "mov r0, r9\n\t"
          "pop {r4-r11, pc}\n\t"
          ".balign 4\n"
          "3:\n\t"
          ".word 32768, 32768, 32768, 32768\n");
#else
    /* r6 last byte read, r7 strip, r4 weight, r5 1, r0-r3 inputs, r8-r11 sums of the chunk,
     * lr 32768, r12 `sums`. */
    __asm(".syntax unified\n\t"
          "push {r4-r7, lr}\n\t"
          "mov r3, r8\n\t"
          "mov r4, r9\n\t"
          "mov r5, r10\n\t"
          "mov r6, r11\n\t"
          "push {r3-r6}\n\t"
          "movs r6, r0\n\t"
          "movs r7, r1\n\t"
          "mov r12, r2\n\t"
          "movs r5, #1\n\t"
          "lsls r0, r5, #15\n\t"
          "mov lr, r0\n"
          "1:\n\t"
          "mov r8, lr\n\t"
          "mov r9, lr\n\t"
          "mov r10, lr\n\t"
          "mov r11, lr\n\t"
          "movs r5, #1\n\t"
          "adds r6, r6, #1\n\t"
          "ldrb r0, [r6]\n\t"
          "lsls r0, r0, #1\n\t"
          "add pc, r0\n\t"
          "nop\n" /* the jump counts from behind it */
          "2:\n\t"
          TINYQ_PLAIN_18("ldrsb r4, [r6, r5]\n\t"
                         "adds r6, r6, #1\n\t"
                         "ldmia r7!, {r0-r3}\n\t"
                         "muls r0, r4, r0\n\t"
                         "add r8, r0\n\t"
                         "muls r1, r4, r1\n\t"
                         "add r9, r1\n\t"
                         "muls r2, r4, r2\n\t"
                         "add r10, r2\n\t"
                         "muls r3, r4, r3\n\t"
                         "add r11, r3\n\t")
          "mov r4, r12\n\t"
          "ldmia r4!, {r0-r3}\n\t"
          "add r0, r8\n\t"
          "add r1, r9\n\t"
          "mov r5, r8\n\t"
          "asrs r5, r5, #16\n\t"
          "adds r2, r2, r5\n\t"
          "mov r5, r9\n\t"
          "asrs r5, r5, #16\n\t"
          "adds r3, r3, r5\n\t"
          "subs r4, r4, #16\n\t"
          "stmia r4!, {r0-r3}\n\t"
          "ldmia r4!, {r0-r3}\n\t"
          "add r0, r10\n\t"
          "add r1, r11\n\t"
          "mov r5, r10\n\t"
          "asrs r5, r5, #16\n\t"
          "adds r2, r2, r5\n\t"
          "mov r5, r11\n\t"
          "asrs r5, r5, #16\n\t"
          "adds r3, r3, r5\n\t"
          "subs r4, r4, #16\n\t"
          "stmia r4!, {r0-r3}\n\t"
          "b 1b\n\t"
          ".org 2b + 2 * " TINYQ_PLAIN_TEXT(TINYQ_PLAIN_LAST) "\n\t"
          "movs r0, r6\n\t"
          "pop {r1-r4}\n\t"
          "mov r8, r1\n\t"
          "mov r9, r2\n\t"
          "mov r10, r3\n\t"
          "mov r11, r4\n\t"
          "pop {r4-r7, pc}\n");
#endif
}

#else

static inline const int8_t *tinyq_plain_dot(const int8_t *filter, const uint32_t *strip,
                                            tinyq_plain_sums *sums)
{
    for (++filter; (uint8_t)*filter != TINYQ_PLAIN_LAST; ++filter) {
        uint32_t chunk[4] = {32768, 32768, 32768, 32768};
        int32_t tap = (uint8_t)*filter / TINYQ_PLAIN_TAP;
        for (; tap < TINYQ_PLAIN_TAPS; ++tap, strip += 4) {
            ++filter;
            for (int32_t i = 0; i < 4; ++i) {
                chunk[i] += strip[i] * (uint32_t)*filter;
            }
        }
        for (int32_t i = 0; i < 4; ++i) {
            sums->word[2 * i - (i & 1)] += chunk[i];
            sums->word[2 * i - (i & 1) + 2] += (uint32_t)((int32_t)chunk[i] >> 16);
        }
    }
    return filter;
}

#endif

/* Sums of windows 2 * pair and 2 * pair + 1. */
static inline int32_t tinyq_plain_second(const tinyq_plain_sums *sums, int32_t pair)
{
    return (int32_t)sums->word[2 * pair - (pair & 1) + 2];
}

static inline int32_t tinyq_plain_first(const tinyq_plain_sums *sums, int32_t pair)
{
    const uint32_t whole = sums->word[2 * pair - (pair & 1)];
    return (int32_t)(whole - ((uint32_t)tinyq_plain_second(sums, pair) << 16));
}

#endif
