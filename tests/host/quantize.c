/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of (real, scale, zero point) -> quantised value and what it stands for, as a model's header computes them. */
#include <stdio.h>

#include "net/model/model.h"

typedef struct {
    float real, scale;
    int32_t zero_point;
} row;

int main(void)
{
    row in;
    while (fread(&in, sizeof in, 1, stdin) == 1) {
        const int8_t q = net_quantize(in.real, in.scale, in.zero_point);
        const float back = net_dequantize(q, in.scale, in.zero_point);
        fwrite(&q, sizeof q, 1, stdout);
        fwrite(&back, sizeof back, 1, stdout);
    }
    return 0;
}
