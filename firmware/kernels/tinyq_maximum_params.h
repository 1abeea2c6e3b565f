/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_MAXIMUM_PARAMS_H
#define TINYQ_MAXIMUM_PARAMS_H

#include <stdint.h>

/* One MAXIMUM or MINIMUM of `size` elements. */
typedef struct {
    int32_t size;
} tinyq_maximum_params;

#endif
