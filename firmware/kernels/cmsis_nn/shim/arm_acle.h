/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN 4.0 includes the compiler's <arm_acle.h> on every machine; only Arm's compilers have it. */
#if defined(__ARM_ARCH)
#include_next <arm_acle.h>
#endif
