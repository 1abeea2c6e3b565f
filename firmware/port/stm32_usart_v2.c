/* SPDX-License-Identifier: Apache-2.0 */
/* The USART and LPUART of STM32 F0, F3, F7, G0, G4, H7, L0 and L4 (ISR, ICR, RDR, TDR). RM0351,
 * RM0432 and RM0444, chapters "USART" and "LPUART". */
#include <stdint.h>

#include "board_config.h"
#include "port/cortex_m.h"
#include "port/port_internal.h"
#include "port/tinyq_port.h"

#define USART_CR1 TINYQ_REG(TINYQ_UART_BASE + 0x00u)
#define USART_BRR TINYQ_REG(TINYQ_UART_BASE + 0x0Cu)
#define USART_ISR TINYQ_REG(TINYQ_UART_BASE + 0x1Cu)
#define USART_ICR TINYQ_REG(TINYQ_UART_BASE + 0x20u)
#define USART_RDR TINYQ_REG(TINYQ_UART_BASE + 0x24u)
#define USART_TDR TINYQ_REG(TINYQ_UART_BASE + 0x28u)

#define USART_CR1_UE (1u << 0)
#define USART_CR1_RE (1u << 2)
#define USART_CR1_TE (1u << 3)
#define USART_CR1_RXNEIE (1u << 5)
#define USART_ISR_ORE (1u << 3)
#define USART_ISR_RXNE (1u << 5)
#define USART_ISR_TC (1u << 6)
#define USART_ISR_TXE (1u << 7)
#define USART_ICR_ERRORS 0xFu /* PE, FE, NE and ORE: same places as in ISR */

#define USART_CR1_ON (USART_CR1_UE | USART_CR1_TE | USART_CR1_RE | USART_CR1_RXNEIE)

/* BRR of a USART: clock / baud, 16 bits. Of an LPUART: 256 * clock / baud, 20 bits, at least 0x300.
 * */
#if TINYQ_UART_BRR_SCALE == 256
#define USART_BRR_LEAST 0x300u
#define USART_BRR_MOST 0xFFFFFu
#else
#define USART_BRR_LEAST 16u
#define USART_BRR_MOST 0xFFFFu
#endif

/* RXNEIE raises this for ORE too. Unlike in the older USART an error flag stays until ICR clears
 * it. */
void tinyq_uart_irq(void)
{
    uint32_t status = USART_ISR;
    if (status & USART_ISR_RXNE) {
        tinyq_ring_put((uint8_t)USART_RDR);
    }
    if (status & USART_ICR_ERRORS) {
        USART_ICR = USART_ICR_ERRORS;
        if (status & USART_ISR_ORE) {
            tinyq_ring_lost();
        }
    }
}

bool tinyq_port_set_baud(uint32_t baud)
{
    uint32_t divider = tinyq_uart_divider(tinyq_uart_hz(), TINYQ_UART_BRR_SCALE, baud,
                                          USART_BRR_LEAST, USART_BRR_MOST);
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
        while (!(USART_ISR & USART_ISR_TXE)) {
        }
        USART_TDR = data[i];
    }
}

void tinyq_port_flush(void)
{
    while (!(USART_ISR & USART_ISR_TC)) {
    }
}
