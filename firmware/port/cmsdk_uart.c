/* SPDX-License-Identifier: Apache-2.0 */
/* The UART of Arm's CMSDK, in the MPS2 and MPS3 FPGA images. CMSDK Technical Reference Manual,
 * chapter "APB UART". */
#include <stdint.h>

#include "board_config.h"
#include "port/cortex_m.h"
#include "port/port_internal.h"
#include "port/tinyq_port.h"

#define UART_DATA TINYQ_REG(TINYQ_UART_BASE + 0x00u)
#define UART_STATE TINYQ_REG(TINYQ_UART_BASE + 0x04u)
#define UART_CTRL TINYQ_REG(TINYQ_UART_BASE + 0x08u)
#define UART_INTCLEAR TINYQ_REG(TINYQ_UART_BASE + 0x0Cu)
#define UART_BAUDDIV TINYQ_REG(TINYQ_UART_BASE + 0x10u)

#define UART_STATE_TXFULL (1u << 0)
#define UART_STATE_RXFULL (1u << 1)
#define UART_STATE_RXOVERRUN (1u << 3) /* write 1 to clear */
#define UART_CTRL_TXEN (1u << 0)
#define UART_CTRL_RXEN (1u << 1)
#define UART_CTRL_RXIE (1u << 3)
#define UART_INT_RX (1u << 1)

#define UART_FRAME_BITS 10u

void tinyq_uart_irq(void)
{
    UART_INTCLEAR = UART_INT_RX;
    uint32_t state = UART_STATE;
    if (state & UART_STATE_RXOVERRUN) {
        UART_STATE = UART_STATE_RXOVERRUN;
        tinyq_ring_lost();
    }
    while (UART_STATE & UART_STATE_RXFULL) {
        tinyq_ring_put((uint8_t)UART_DATA);
    }
}

bool tinyq_port_set_baud(uint32_t baud)
{
    uint32_t divider = tinyq_uart_divider(tinyq_uart_hz(), 1u, baud, 16u, 0xFFFFFu);
    if (divider == 0u) {
        return false;
    }
    if (UART_CTRL & UART_CTRL_TXEN) {
        tinyq_port_flush();
    }
    UART_CTRL = 0;
    UART_BAUDDIV = divider;
    UART_CTRL = UART_CTRL_TXEN | UART_CTRL_RXEN | UART_CTRL_RXIE;
    return true;
}

void tinyq_uart_init(void)
{
    (void)tinyq_port_set_baud(TINYQ_UART_BAUD);
}

void tinyq_port_write(const uint8_t *data, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        while (UART_STATE & UART_STATE_TXFULL) {
        }
        UART_DATA = data[i];
    }
}

/* Nothing tells that the shift register is empty, so one frame of time passes: read, count and
 * branch take 4 cycles at least. */
void tinyq_port_flush(void)
{
    while (UART_STATE & UART_STATE_TXFULL) {
    }
    for (uint32_t n = UART_FRAME_BITS * UART_BAUDDIV / 4u; n > 0u; n--) {
        (void)UART_STATE;
    }
}
