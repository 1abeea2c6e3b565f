/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CMSIS_NN_H
#define TINYQ_CMSIS_NN_H
/* What the adapters to CMSIS-NN share. They take the parameters of the portable kernels. */
#include "arm_nnfunctions.h"

#ifdef CMSIS_NN_USE_SINGLE_ROUNDING
#error "TFLite's reference kernels round twice: build without CMSIS_NN_USE_SINGLE_ROUNDING"
#endif

/*
 * The compiler passes on only what the library takes. Should it refuse at run time all the same,
 * the output would be stale: stop in the fault handler instead.
 */
static inline void tinyq_cmsis_nn_check(arm_cmsis_nn_status status)
{
    if (status != ARM_CMSIS_NN_SUCCESS) {
        __builtin_trap();
    }
}

/* The library's structs point to what it only reads without const. */
static inline cmsis_nn_per_channel_quant_params
tinyq_cmsis_nn_per_channel(const int32_t *multiplier, const int32_t *shift)
{
    return (cmsis_nn_per_channel_quant_params){.multiplier = (int32_t *)multiplier,
                                               .shift = (int32_t *)shift};
}

#endif
