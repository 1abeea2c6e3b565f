/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_ROWS_PARAMS_H
#define TINYQ_ROWS_PARAMS_H

#include <stdint.h>

#define TINYQ_MOST_PARTS 10

/* Rows of bytes that are joined from parts, or cut into them; 0 bytes for a part that does not exist. */
typedef struct {
    int32_t rows;
    int32_t parts[TINYQ_MOST_PARTS];
} tinyq_rows_params;

/* The same for any number of parts, `count`, whose bytes are an array of their own. */
typedef struct {
    int32_t rows, count;
} tinyq_many_rows_params;

#endif
