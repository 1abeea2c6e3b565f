/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN includes math.h without needing anything of it. */
#ifndef TINYQ_MATH_H
#define TINYQ_MATH_H
#endif
