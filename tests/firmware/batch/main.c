/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the inputs that a debugger or an emulator put at TINYQ_BATCH_ADDRESS: a word with their number, then the inputs
 * one after the other. Writes every output to the UART, then a last byte 0x55. */
#include <string.h>

#include "app/tinyq_model.h"
#include "port/tinyq_port.h"

int main(void)
{
    const tinyq_model *model = &tinyq_bound_model;
    const uint8_t *next = (const uint8_t *)TINYQ_BATCH_ADDRESS + sizeof(uint32_t);
    uint32_t count;
    memcpy(&count, (const void *)TINYQ_BATCH_ADDRESS, sizeof count);
    tinyq_port_init();
    for (; count > 0; --count) {
        for (uint16_t i = 0; i < model->input_count; ++i) {
            memcpy(model->inputs[i].data, next, model->inputs[i].bytes);
            next += model->inputs[i].bytes;
        }
        model->run();
        for (uint16_t i = 0; i < model->output_count; ++i) {
            tinyq_port_write(model->outputs[i].data, model->outputs[i].bytes);
        }
    }
    tinyq_port_write((const uint8_t *)"\x55", 1);
    tinyq_port_flush();
    for (;;) {
        tinyq_port_idle();
    }
}
