/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_TILES_H
#define TINYQ_TILES_H
/*
 * Winograd's minimal filtering F(2x2, 3x3) in exact integers: 16 products for 4 outputs and one
 * input channel, where the convolution itself has 36 (Lavin and Gray, Fast Algorithms for
 * Convolutional Neural Networks, 2015). In one dimension, with inputs d, weights g and outputs y:
 *
 *     v = (d0 - d2, d1 + d2, d2 - d1, d3 - d1)
 *     u = (2 g0, g0 + g1 + g2, g0 - g1 + g2, 2 g2)
 *     m = u * v,  2 y = (m0 + m1 + m2, m1 - m2 + m3)
 *
 * and in two dimensions the same along rows, then along columns: 4 y, where the division by 4
 * leaves nothing. For int8, |v| <= 512 and |u| <= 1152 fit int16; sums wrap modulo 2^32, so only
 * 4 y itself has to fit int32.
 *
 * Three tiles of 2x2 outputs are computed together, two output channels at a time: 16 instructions
 * per 24 products. A group is their transformed input: per column, per row 1, 2, 0, 3 of that
 * column, per quad of channels, tile 0, 1 and 2 as int16 channels 0, 2, 1, 3. After each column
 * come the address for its sums and whether another one follows; after each chunk of quads, where
 * a row has several, whether another one follows. Transformed weights lie in the order of the quads
 * as WIDE weights of tinyq_dot.h.
 */
#include "tinyq_dot.h"

/* Functions that layers of one shape share. */
#define TINYQ_TILE_SHARED static __attribute__((noinline, unused))

/* Registers r4 to r9 hold three sums of channel a, three of b. */
#define TINYQ_TILE_ZERO  \
    "mov r4, #0\n\t"     \
    "mov r5, #0\n\t"     \
    "mov r6, #0\n\t"     \
    "mov r7, #0\n\t"     \
    "mov r8, #0\n\t"     \
    "mov r9, #0\n\t"

#define TINYQ_TILE_FIRST(sum0, sum1)       \
    "ldrd r10, r11, [%[x]], #8\n\t"        \
    "smuad " sum0 ", r10, r0\n\t"          \
    "smuad " sum1 ", r10, r1\n\t"          \
    "smlad " sum0 ", r11, r2, " sum0 "\n\t" \
    "smlad " sum1 ", r11, r3, " sum1 "\n\t"

/* The first quad of sums that start from 0. */
#define TINYQ_QUAD_FIRST          \
    "ldmia %[w]!, {r0-r3}\n\t"     \
    TINYQ_TILE_FIRST("r4", "r7")   \
    TINYQ_TILE_FIRST("r5", "r8")   \
    TINYQ_TILE_FIRST("r6", "r9")

#define TINYQ_TILE_PIXEL(sum0, sum1)       \
    "ldrd r10, r11, [%[x]], #8\n\t"        \
    "smlad " sum0 ", r10, r0, " sum0 "\n\t" \
    "smlad " sum1 ", r10, r1, " sum1 "\n\t" \
    "smlad " sum0 ", r11, r2, " sum0 "\n\t" \
    "smlad " sum1 ", r11, r3, " sum1 "\n\t"

/* Another quad. */
#define TINYQ_QUAD_TILE           \
    "ldmia %[w]!, {r0-r3}\n\t"     \
    TINYQ_TILE_PIXEL("r4", "r7")   \
    TINYQ_TILE_PIXEL("r5", "r8")   \
    TINYQ_TILE_PIXEL("r6", "r9")

#define TINYQ_OTHER_PIXEL(sum0, sum1)       \
    "ldrd r8, r9, [%[x]], #8\n\t"           \
    "smlad " sum0 ", r8, r4, " sum0 "\n\t"  \
    "smlad " sum1 ", r8, r5, " sum1 "\n\t"  \
    "smlad " sum0 ", r9, r6, " sum0 "\n\t"  \
    "smlad " sum1 ", r9, r7, " sum1 "\n\t"

/* A quad for sums in r0 to r3, r10 and r11. */
#define TINYQ_QUAD_OTHER            \
    "ldmia %[w]!, {r4-r7}\n\t"       \
    TINYQ_OTHER_PIXEL("r0", "r3")    \
    TINYQ_OTHER_PIXEL("r1", "r10")   \
    TINYQ_OTHER_PIXEL("r2", "r11")

/* `quads` until a zero follows them. */
#define TINYQ_CHUNKS(quads, flag)          \
    "2:\n\t" quads                          \
    "ldr " flag ", [%[x]], #4\n\t"         \
    "cmp " flag ", #0\n\t"                 \
    "bne 2b\n\t"

#define TINYQ_SUM_AND_DIFFERENCE(sum, difference)   \
    "add " sum ", " sum ", " difference "\n\t"      \
    "sub " difference ", " sum ", " difference ", lsl #1\n\t"

/*
 * Four columns: rows 1 and 2 from 0, their sum and difference, to which row 0 and row 3 are added.
 * `from_zero` and `on` are a row's quads for r4 to r9, `other` those for the other six registers.
 */
#define TINYQ_COLUMNS(from_zero, on, other)             \
    __asm volatile("1:\n\t" from_zero                    \
                   "stmdb sp!, {r4-r9}\n\t" from_zero    \
                   "ldmia sp, {r0-r3, r10, r11}\n\t"     \
                   TINYQ_SUM_AND_DIFFERENCE("r0", "r4")  \
                   TINYQ_SUM_AND_DIFFERENCE("r1", "r5")  \
                   TINYQ_SUM_AND_DIFFERENCE("r2", "r6")  \
                   TINYQ_SUM_AND_DIFFERENCE("r3", "r7")  \
                   TINYQ_SUM_AND_DIFFERENCE("r10", "r8") \
                   TINYQ_SUM_AND_DIFFERENCE("r11", "r9") \
                   "stmia sp, {r4-r9}\n\t" other         \
                   "ldmia sp, {r4-r9}\n\t"               \
                   "stmia sp, {r0-r3, r10, r11}\n\t" on  \
                   "ldr r0, [%[x]], #4\n\t"              \
                   "stmia r0!, {r4-r9}\n\t"              \
                   "ldmia sp!, {r4-r9}\n\t"              \
                   "stmia r0, {r4-r9}\n\t"               \
                   "ldr r0, [%[x]], #4\n\t"              \
                   "cmp r0, #0\n\t"                      \
                   "bne 1b"                              \
                   : [w] "+r"(w), [x] "+r"(x)            \
                   :                                     \
                   : "r0", "r1", "r2", "r3", "r4", "r5",  \
                     "r6", "r7", "r8", "r9", "r10", "r11", "cc", "memory")

/*
 * The sums of one group with two output channels: per column 6 for the lower outputs, then 6 for
 * the upper ones; of each channel those of tile 0, 1 and 2.
 */
#define TINYQ_TILE_FUNCTION(name, from_zero, on, other)                        \
    TINYQ_TILE_SHARED void name(const int16_t *weights, const int16_t *group)  \
    {                                                                          \
        register const int16_t *w __asm("r12") = weights;                      \
        register const int16_t *x __asm("lr") = group;                         \
        TINYQ_COLUMNS(from_zero, on, other);                                   \
    }

#define TINYQ_TILE_FUNCTIONS(quads, first)                                                  \
    TINYQ_TILE_FUNCTION(tinyq_tiles_##quads, first, TINYQ_##quads(TINYQ_QUAD_TILE),         \
                        TINYQ_##quads(TINYQ_QUAD_OTHER))                                    \
    TINYQ_TILE_FUNCTION(tinyq_tiles_many_##quads,                                           \
                        TINYQ_TILE_ZERO TINYQ_CHUNKS(TINYQ_##quads(TINYQ_QUAD_TILE), "r0"), \
                        TINYQ_CHUNKS(TINYQ_##quads(TINYQ_QUAD_TILE), "r0"),                 \
                        TINYQ_CHUNKS(TINYQ_##quads(TINYQ_QUAD_OTHER), "r4"))

TINYQ_TILE_FUNCTIONS(1, TINYQ_QUAD_FIRST)
TINYQ_TILE_FUNCTIONS(2, TINYQ_QUAD_FIRST TINYQ_QUAD_TILE)
TINYQ_TILE_FUNCTIONS(3, TINYQ_QUAD_FIRST TINYQ_2(TINYQ_QUAD_TILE))
TINYQ_TILE_FUNCTIONS(4, TINYQ_QUAD_FIRST TINYQ_3(TINYQ_QUAD_TILE))
TINYQ_TILE_FUNCTIONS(5, TINYQ_QUAD_FIRST TINYQ_4(TINYQ_QUAD_TILE))
TINYQ_TILE_FUNCTIONS(6, TINYQ_QUAD_FIRST TINYQ_5(TINYQ_QUAD_TILE))
TINYQ_TILE_FUNCTIONS(7, TINYQ_QUAD_FIRST TINYQ_6(TINYQ_QUAD_TILE))
TINYQ_TILE_FUNCTIONS(8, TINYQ_QUAD_FIRST TINYQ_7(TINYQ_QUAD_TILE))

/* The function for rows of `chunks` chunks of `quads` quads; a constant where these are. */
static inline __attribute__((always_inline)) void
tinyq_tiles(int32_t quads, int32_t chunks, const int16_t *weights, const int16_t *group)
{
#define TINYQ_TILES_OF(count)                       \
    case count:                                     \
        if (chunks == 1) {                          \
            tinyq_tiles_##count(weights, group);    \
        } else {                                    \
            tinyq_tiles_many_##count(weights, group); \
        }                                           \
        break
    switch (quads) {
        TINYQ_TILES_OF(1);
        TINYQ_TILES_OF(2);
        TINYQ_TILES_OF(3);
        TINYQ_TILES_OF(4);
        TINYQ_TILES_OF(5);
        TINYQ_TILES_OF(6);
        TINYQ_TILES_OF(7);
        TINYQ_TILES_OF(8);
    }
#undef TINYQ_TILES_OF
}

#endif
