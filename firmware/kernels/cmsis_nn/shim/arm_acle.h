/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN 4.0 includes <arm_acle.h> on every machine; only compilers for Arm have it. */
#if defined(__ARM_ARCH)
#include_next <arm_acle.h>
#endif
