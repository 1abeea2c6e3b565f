/* SPDX-License-Identifier: Apache-2.0 */
/* The USART of STM32 F1, F2, F4 and L1 (status and data registers SR and DR). RM0390 and RM0008,
 * chapter "USART". */
#include <stdint.h>

#include "board_config.h"
#include "port/cortex_m.h"
#include "port/port_internal.h"
#include "port/tinyq_port.h"

#define USART_SR TINYQ_REG(TINYQ_UART_BASE + 0x00u)
#define USART_DR TINYQ_REG(TINYQ_UART_BASE + 0x04u)
#define USART_BRR TINYQ_REG(TINYQ_UART_BASE + 0x08u)
#define USART_CR1 TINYQ_REG(TINYQ_UART_BASE + 0x0Cu)

#define USART_SR_ORE (1u << 3)
#define USART_SR_RXNE (1u << 5)
#define USART_SR_TC (1u << 6)
#define USART_SR_TXE (1u << 7)
#define USART_CR1_RE (1u << 2)
#define USART_CR1_TE (1u << 3)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_CR1_UE (1u << 13)

#define USART_CR1_ON (USART_CR1_UE | USART_CR1_TE | USART_CR1_RE | USART_CR1_RXNEIE)

/* RXNEIE raises this for ORE too. Reading SR and then DR clears both, so DR is read even without a
 * byte. */
void tinyq_uart_irq(void)
{
    uint32_t status;
    while ((status = USART_SR) & (USART_SR_RXNE | USART_SR_ORE)) {
        uint8_t byte = (uint8_t)USART_DR;
        if (status & USART_SR_RXNE) {
            tinyq_ring_put(byte);
        }
        if (status & USART_SR_ORE) {
            tinyq_ring_lost();
        }
    }
}

bool tinyq_port_set_baud(uint32_t baud)
{
    uint32_t divider = tinyq_uart_divider(tinyq_uart_hz(), 1u, baud, 16u, 0xFFFFu);
    if (divider == 0u) {
        return false;
    }
    if (USART_CR1 & USART_CR1_UE) {
        tinyq_port_flush();
    }
    USART_CR1 = 0;
    USART_BRR = divider;
    USART_CR1 = USART_CR1_ON;
    return true;
}

void tinyq_uart_init(void)
{
    (void)tinyq_port_set_baud(TINYQ_UART_BAUD);
}

void tinyq_port_write(const uint8_t *data, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        while (!(USART_SR & USART_SR_TXE)) {
        }
        USART_DR = data[i];
    }
}

void tinyq_port_flush(void)
{
    while (!(USART_SR & USART_SR_TC)) {
    }
}
