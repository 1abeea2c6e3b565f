/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the port; not for the application. */
#ifndef TINYQ_PORT_INTERNAL_H
#define TINYQ_PORT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

/* startup.c */
extern uint32_t __stack_limit[], __stack_top[];
void tinyq_uart_irq(void);    /* the vector of the link UART; in the driver */
void tinyq_systick_irq(void); /* in counter.c */
void tinyq_fault_entry(void); /* in fault.c */

/* clock.c */
void tinyq_clock_init(void);
/* rows of TINYQ_STEPS; false: a wait ran out */
bool tinyq_run_steps(uint32_t first, uint32_t count);
uint32_t tinyq_uart_hz(void);                         /* what feeds the baud generator now */

/* counter.c */
void tinyq_counter_init(void);

/* fault.c */
void tinyq_boot_init(void); /* reset cause and boot counter */

/* ring.c */
void tinyq_ring_put(uint8_t byte); /* from the UART interrupt only */
void tinyq_ring_lost(void);        /* the UART says that it lost a byte */

/* one UART driver */
void tinyq_uart_init(void);

/* Divider for a UART whose divider register counts scale * clock / baud; 0 when it is out of
 * [least, most] or more than 2 % off. 32 bits suffice: scale is 1 or 256, and beyond 25 the
 * rounding is below 2 % by itself. */
static inline uint32_t tinyq_uart_divider(uint32_t clock, uint32_t scale, uint32_t baud,
                                          uint32_t least, uint32_t most)
{
    if (baud < 300u || baud > 16000000u) {
        return 0;
    }
    uint32_t scaled_rest = scale * (clock % baud);
    uint32_t divider = scale * (clock / baud) + scaled_rest / baud;
    uint32_t rest = scaled_rest % baud; /* of the division by baud */
    if (rest >= baud - rest) {
        divider++;
        rest = baud - rest;
    }
    if (divider < least || divider > most || (divider < 25u && rest * 50u > divider * baud)) {
        return 0;
    }
    return divider;
}

#endif
