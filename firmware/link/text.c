/* SPDX-License-Identifier: Apache-2.0 */
#include "link/text.h"

#include <stdbool.h>
#include <string.h>

#include "link/commands.h"
#include "port/tinyq_port.h"

#define SHOWN 16u /* output bytes that `run` prints, and characters of an unknown command */

static const tinyq_model *const model = &tinyq_bound_model;

static void print(const char *text)
{
    tinyq_port_write((const uint8_t *)text, (uint32_t)strlen(text));
}

/* Long division by shifting: cheaper in flash than the 64-bit division of the compiler's library. */
static uint8_t divide_by_10(uint64_t *value)
{
    uint64_t quotient = 0;
    uint8_t rest = 0;
    for (int bit = 63; bit >= 0; bit--) {
        rest = (uint8_t)(rest << 1 | (uint8_t)(*value >> bit & 1u));
        quotient <<= 1;
        if (rest >= 10) {
            rest = (uint8_t)(rest - 10);
            quotient |= 1;
        }
    }
    *value = quotient;
    return rest;
}

static void print_number(const char *label, uint64_t value)
{
    char digits[21];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + divide_by_10(&value));
    } while (value > 0);
    print(label);
    print(at);
}

static void print_cycles(const char *label, uint64_t cycles)
{
    if (cycles == TINYQ_CYCLES_UNKNOWN) {
        print(label);
        print("not available");
    } else {
        print_number(label, cycles);
    }
    print("\r\n");
}

static void print_pair(const char *label, const char *value)
{
    print(label);
    print(value);
    print("\r\n");
}

static void help(void)
{
    print("help    this list\r\n"
          "info    what runs here\r\n"
          "run     one inference on zeros\r\n"
          "layers  the same, with the cycles of each layer\r\n"
          "stats   counts of the link and memory\r\n"
          "reset   restart\r\n");
}

static void info(void)
{
    print_pair("model   ", model->name);
    print_pair("build   ", tinyq_build_id);
    print_pair("board   ", TINYQ_BOARD_NAME);
    print_pair("core    ", TINYQ_CORE_NAME);
    print_pair("kernels ", tinyq_kernel_set);
    print_number("clock   ", tinyq_port_clock_hz());
    print_number(" Hz\r\nboots   ", tinyq_port_boot_count());
    print_pair("\r\nweights ", tinyq_weights_ok() ? "intact" : "DAMAGED");
}

static bool run_on_zeros(bool layers)
{
    if (!tinyq_weights_ok()) {
        print("e-[The weights are damaged]\r\n");
        return false;
    }
    for (uint32_t i = 0; i < model->input_count; i++) {
        memset(model->inputs[i].data, 0, model->inputs[i].bytes);
    }
    print_cycles("cycles  ", tinyq_timed_run(layers));
    return true;
}

static void print_output(const tinyq_io *output)
{
    const uint8_t *byte = output->data;
    print("output ");
    for (uint32_t i = 0; i < output->bytes && i < SHOWN; i++) {
        const bool negative = output->dtype == TINYQ_DTYPE_INT8 && byte[i] > 127;
        print_number(negative ? " -" : " ", negative ? 256u - byte[i] : byte[i]);
    }
    print(output->bytes > SHOWN ? " ...\r\n" : "\r\n");
}

static void run(void)
{
    if (run_on_zeros(false)) {
        for (uint32_t i = 0; i < model->output_count; i++) {
            print_output(&model->outputs[i]);
        }
    }
}

static void layers(void)
{
    if (model->run_layer == NULL || model->layer_cycles == NULL) {
        print("e-[This build does not time layers]\r\n");
    } else if (run_on_zeros(true)) {
        for (uint32_t layer = 0; layer < model->layer_count; layer++) {
            print_number("layer ", layer);
            print_cycles(" ", model->layer_cycles[layer]);
        }
    }
}

static void stats(void)
{
    const tinyq_link_counts counts = tinyq_link_statistics();
    print_number("overruns ", tinyq_port_rx_overruns());
    print_number("\r\ndamaged  ", counts.damaged);
    print_number("\r\nframes   ", counts.frames);
    print_number("\r\nrepeats  ", counts.repeats);
    print_number("\r\nstack    ", tinyq_port_stack_high_water());
    print_number(" of ", tinyq_port_stack_bytes());
    print_number("\r\narena    ", model->arena_bytes);
    print("\r\n");
}

static void reset(void)
{
    tinyq_port_flush();
    tinyq_port_reset();
}

static const struct {
    char name[8];
    void (*run)(void);
} commands[] = {
    {"help", help}, {"info", info}, {"run", run}, {"layers", layers}, {"stats", stats}, {"reset", reset},
};

static void unknown(char *line)
{
    for (uint32_t i = 0; line[i] != '\0' && i <= SHOWN; i++) {
        if (line[i] < 0x20 || line[i] > 0x7E || i == SHOWN) {
            line[i] = '\0';
        }
    }
    print("e-[Unknown command: ");
    print(line);
    print("]\r\n");
}

void tinyq_text_command(char *line, uint32_t size)
{
    line[size] = '\0';
    for (uint32_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(line, commands[i].name) == 0) {
            commands[i].run();
            return;
        }
    }
    unknown(line);
}

void tinyq_text_too_long(void)
{
    print("e-[Command too long]\r\n");
}
