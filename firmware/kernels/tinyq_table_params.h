/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_TABLE_PARAMS_H
#define TINYQ_TABLE_PARAMS_H

#include <stdint.h>

/* One look-up per element; there are `size` of them. */
typedef struct {
    int32_t size;
} tinyq_table_params;

#endif
