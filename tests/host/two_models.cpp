// SPDX-License-Identifier: Apache-2.0
// Two models in one C++ program: every header, every function, no name twice. Fails with 1 where something is off.
#include <cstdio>
#include <cstring>

#include "one/model/model.h"
#include "one/model/weights.h"
#include "two/model/model.h"
#include "two/model/weights.h"

static void fill_two()
{
    const int8_t a = two_quantize(1.5f, TWO_INPUT_0_SCALE, TWO_INPUT_0_ZERO_POINT);
    const int8_t b = two_quantize(-1.0f, TWO_INPUT_1_SCALE, TWO_INPUT_1_ZERO_POINT);
    std::memset(two_input_0(), a, TWO_INPUT_0_BYTES);
    std::memset(two_input_1(), b, TWO_INPUT_1_BYTES);
}

int main()
{
    int8_t one[ONE_OUTPUT_BYTES], before[ONE_OUTPUT_BYTES];
    int8_t sum[TWO_OUTPUT_0_BYTES], most[TWO_OUTPUT_1_BYTES];

    std::memset(one_input(), 1, ONE_INPUT_BYTES);
    one_run(one_input(), before);
    fill_two();
    two_run(two_input_0(), two_input_1(), sum, most);
    fill_two();
    for (unsigned layer = 0; layer < TWO_LAYERS; ++layer) {
        two_run_layer(static_cast<uint16_t>(layer));
    }
    std::memset(one_input(), 1, ONE_INPUT_BYTES);
    one_run(one_input(), one);

    std::printf("%g %g\n", static_cast<double>(two_dequantize(sum[0], TWO_OUTPUT_0_SCALE, TWO_OUTPUT_0_ZERO_POINT)),
                static_cast<double>(two_dequantize(most[0], TWO_OUTPUT_1_SCALE, TWO_OUTPUT_1_ZERO_POINT)));
    const bool same = std::memcmp(one, before, sizeof one) == 0 && std::memcmp(sum, two_output_0(), sizeof sum) == 0 &&
                      std::memcmp(most, two_output_1(), sizeof most) == 0;
    return same && sizeof one_weights == ONE_WEIGHTS_BYTES && one_weights.layer_00_conv_2d_bias[0] == 100 ? 0 : 1;
}
