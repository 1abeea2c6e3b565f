/* SPDX-License-Identifier: Apache-2.0 */
#include "link/commands.h"
#include "link/receiver.h"
#include "port/tinyq_port.h"

int main(void)
{
    tinyq_port_init();
    tinyq_link_init(&tinyq_bound_model);
    for (;;) {
        const int byte = tinyq_port_getc();
        if (byte >= 0) {
            tinyq_receive((uint8_t)byte);
        } else if (!tinyq_link_tick()) {
            tinyq_port_idle();
        }
    }
}
