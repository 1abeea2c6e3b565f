/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_SELECT_PARAMS_H
#define TINYQ_SELECT_PARAMS_H

#include <stdint.h>

/* One choice for each of `size` elements. */
typedef struct {
    int32_t size;
} tinyq_select_params;

#endif
