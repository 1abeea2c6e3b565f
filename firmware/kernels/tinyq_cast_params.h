/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_CAST_PARAMS_H
#define TINYQ_CAST_PARAMS_H

#include <stdint.h>

enum { TINYQ_CAST_INT8, TINYQ_CAST_UINT8, TINYQ_CAST_INT16, TINYQ_CAST_INT32, TINYQ_CAST_FLOAT32, TINYQ_CAST_BOOL };

/* `size` numbers of one of these types become numbers of another. */
typedef struct {
    int32_t size, source, target;
} tinyq_cast_params;

#endif
