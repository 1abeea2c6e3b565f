/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_OWN_MVE_MOVE_H
#define TINYQ_OWN_MVE_MOVE_H
/* Runs of bytes, and single bytes with steps between them. */
#include <string.h>

#include "tinyq_mve.h"

#define TINYQ_MVE_HALF 8

/* In `size` builds neighbours are gathered and scattered as all others, and the last eight as those before them. */
#if defined(TINYQ_OPTIMIZE_SIZE)
#define TINYQ_MVE_STEP_FORMS 0
#else
#define TINYQ_MVE_STEP_FORMS 1
#endif

/* Before the loop over the parts of a row: in `speed` builds those that do not exist then vanish. */
#if defined(TINYQ_OPTIMIZE_SIZE)
#define TINYQ_MVE_EACH_PART
#elif defined(__clang__)
#define TINYQ_MVE_EACH_PART _Pragma("clang loop unroll(full)")
#else
#define TINYQ_MVE_EACH_PART _Pragma("GCC unroll 16")
#endif

/* A run; where its length is a small constant, as words. */
TINYQ_MVE_INLINE void tinyq_mve_run(int8_t *to, const int8_t *from, int32_t bytes)
{
    if (bytes <= TINYQ_MVE_HALF) {
        memcpy(to, from, (size_t)bytes);
    } else {
        tinyq_mve_copy(to, from, bytes);
    }
}

/* Where eight elements lie, `step` bytes apart, from the lowest on. */
TINYQ_MVE_INLINE uint16x8_t tinyq_mve_places(int32_t step)
{
    const uint16x8_t up = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)(step < 0 ? -step : step));
    return step < 0 ? vsubq_u16(vdupq_n_u16((uint16_t)(-7 * step)), up) : up;
}

/* The first bytes of the elements' places: where a step is below 0 the last is the lowest. */
TINYQ_MVE_INLINE int32_t tinyq_mve_lowest(int32_t step)
{
    return step < 0 ? 7 * step : 0;
}

/* Eight bytes to other places; `whole` 0: those that are valid. */
TINYQ_MVE_INLINE void tinyq_mve_step_8(int8_t *to, int32_t to_step, uint16x8_t writes, const int8_t *from,
                                       int32_t from_step, uint16x8_t reads, int whole, mve_pred16_t valid)
{
    int16x8_t bytes;
    if (TINYQ_MVE_STEP_FORMS && from_step == 1) {
        bytes = whole ? vldrbq_s16(from) : vldrbq_z_s16(from, valid);
    } else {
        bytes = whole ? vldrbq_gather_offset_s16(from, reads) : vldrbq_gather_offset_z_s16(from, reads, valid);
    }
    if (TINYQ_MVE_STEP_FORMS && to_step == 1 && whole) {
        vstrbq_s16(to, bytes);
    } else if (TINYQ_MVE_STEP_FORMS && to_step == 1) {
        vstrbq_p_s16(to, bytes, valid);
    } else if (whole) {
        vstrbq_scatter_offset_s16(to, writes, bytes);
    } else {
        vstrbq_scatter_offset_p_s16(to, writes, bytes, valid);
    }
}

/* `count` single bytes; |steps| are at most 65535 / 7. */
TINYQ_MVE_INLINE void tinyq_mve_steps(int8_t *to, int32_t to_step, const int8_t *from, int32_t from_step,
                                      int32_t count)
{
    const uint16x8_t reads = tinyq_mve_places(from_step), writes = tinyq_mve_places(to_step);
    from += tinyq_mve_lowest(from_step);
    to += tinyq_mve_lowest(to_step);
    for (; TINYQ_MVE_STEP_FORMS && count >= TINYQ_MVE_HALF; count -= TINYQ_MVE_HALF) {
        tinyq_mve_step_8(to, to_step, writes, from, from_step, reads, 1, 0);
        from += TINYQ_MVE_HALF * from_step;
        to += TINYQ_MVE_HALF * to_step;
    }
    for (; count > 0; count -= TINYQ_MVE_HALF) {
        tinyq_mve_step_8(to, to_step, writes, from, from_step, reads, 0, vctp16q((uint32_t)count));
        from += TINYQ_MVE_HALF * from_step;
        to += TINYQ_MVE_HALF * to_step;
    }
}

#endif
