/* SPDX-License-Identifier: Apache-2.0 */
/* Applies tinyq_fixed_point.h to rows of three int32: a, b, c -> high multiply, shift right, requantize. */
#include <stdio.h>

#include "tinyq_fixed_point.h"

int main(void)
{
    int32_t row[3];
    while (fread(row, sizeof row, 1, stdin) == 1) {
        const int32_t out[4] = {
            tinyq_doubling_high_multiply(row[0], row[1]),
            tinyq_rounding_shift_right(row[0], row[2] < 0 ? -row[2] : row[2]),
            tinyq_requantize(row[0], row[1], row[2]),
            tinyq_wrapping_add(row[0], row[1]),
        };
        fwrite(out, sizeof out, 1, stdout);
    }
    return 0;
}
