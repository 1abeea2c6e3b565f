/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model whose outputs change with any input byte, that destroys its inputs and counts its runs.
 * With FAKE_STATE the count is a state, which a reset sets to 0. First input byte 0x7F: the run takes 300 ms. 0x7E: the device resets in the middle of the run.
 */
#include <string.h>

#include "app/tinyq_model.h"
#include "link/framing.h"
#include "port/tinyq_port.h"
#include "protocol_ids.h"

#define IN_0 300u
#define IN_1 900u
#define OUT_0 14u /* ten values, then the number of runs as u32 */

static uint8_t arena[IN_0 + IN_1 + OUT_0 + FAKE_OUT_1];
static const uint8_t weights[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
static uint64_t layer_cycles[100];
static uint32_t runs;

static void wait_ms(uint32_t ms)
{
    const uint32_t start = tinyq_port_millis();
    while (tinyq_port_millis() - start < ms) {
    }
}

static void compute(void)
{
    const uint32_t seed = tinyq_crc32(0, arena, IN_0 + IN_1);
    uint8_t *out = arena + IN_0 + IN_1;
    for (uint32_t i = 0; i < OUT_0 + FAKE_OUT_1; i++) {
        out[i] = (uint8_t)(((seed ^ i * 0x9E3779B1u) * 2654435761u) >> 24);
    }
    tinyq_put_u32(out + OUT_0 - 4, ++runs);
    memset(arena, 0xA5, IN_0 + IN_1);
}

static void run(void)
{
    if (arena[0] == 0x7F) {
        wait_ms(300);
    }
    if (arena[0] == 0x7E) {
        tinyq_port_reset();
    }
    compute();
}

static void run_layer(uint16_t layer)
{
    if (arena[0] == 0x7F) {
        wait_ms(3);
    }
    if (layer + 1u == sizeof layer_cycles / sizeof layer_cycles[0]) {
        compute();
    }
}

#ifdef FAKE_STATE
static void reset(void)
{
    runs = 0;
}
#endif

static const tinyq_io inputs[] = {{arena, IN_0, TINYQ_DTYPE_INT8}, {arena + IN_0, IN_1, TINYQ_DTYPE_UINT8}};
static const tinyq_io outputs[] = {
    {arena + IN_0 + IN_1, OUT_0, TINYQ_DTYPE_INT8},
    {arena + IN_0 + IN_1 + OUT_0, FAKE_OUT_1, TINYQ_DTYPE_INT16},
};
static const uint8_t sha256[32] = {0xDE, 0xAD, 0xBE, 0xEF};

const char tinyq_build_id[] = "build-1";
const char tinyq_kernel_set[] = "portable";
const tinyq_model tinyq_bound_model = {
    .name = "fake",
    .sha256 = sha256,
    .input_count = 2,
    .output_count = 2,
    .layer_count = sizeof layer_cycles / sizeof layer_cycles[0],
    .inputs = inputs,
    .outputs = outputs,
    .run = run,
    .run_layer = run_layer,
#ifdef FAKE_STATE
    .reset = reset,
#endif
    .arena = arena,
    .arena_bytes = sizeof arena,
    .weights = weights,
    .weights_bytes = sizeof weights,
    .weights_crc32 = FAKE_CRC,
    .layer_cycles = layer_cycles,
};
