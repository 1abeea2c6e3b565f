/* SPDX-License-Identifier: Apache-2.0 */
/* What the application and the link need of a board. Startup, clock, counter and one UART driver
 * implement it. */
#ifndef TINYQ_PORT_H
#define TINYQ_PORT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TINYQ_NO_LAYER 0xFFFFFFFFu

/* What a crash left behind. Registers as the exception stacked them; cfsr .. bfar are 0 on Armv6-M.
 * pc, lr and xpsr are 0 when the stack pointer no longer pointed into the stack. */
typedef struct {
    uint32_t pc, lr, xpsr, sp;
    uint32_t cfsr, hfsr, mmfar, bfar;
    uint32_t layer; /* tinyq_port_layer at the time of the crash, or TINYQ_NO_LAYER */
} tinyq_fault;

/* The layer in progress, for the fault record; whoever runs layers one by one keeps it. */
extern volatile uint32_t tinyq_port_layer;

void tinyq_port_init(void); /* clock, UART and counter; call once, before anything else here */

int tinyq_port_getc(void);  /* the next received byte, or -1 */
/* returns when the last byte is handed over */
void tinyq_port_write(const uint8_t *data, uint32_t size);
void tinyq_port_flush(void);                 /* returns when the last bit has left the wire */
bool tinyq_port_set_baud(uint32_t baud);     /* false, and no change: not reachable within 2 % */
void tinyq_port_idle(void);                  /* sleeps until an interrupt if no byte is waiting */
uint32_t tinyq_port_rx_overruns(void);       /* bytes lost since the start, as far as can be told */

uint64_t tinyq_port_cycles(void);            /* never runs backwards */
uint8_t tinyq_port_counter_kind(void);       /* TINYQ_COUNTER_* */
uint32_t tinyq_port_counter_hz(void);
uint32_t tinyq_port_clock_hz(void);          /* the core clock that was really reached */
uint32_t tinyq_port_millis(void);            /* wraps; keeps counting in tinyq_port_idle */

uint8_t tinyq_port_reset_cause(void);        /* TINYQ_RESET_* */
uint32_t tinyq_port_boot_count(void);        /* starts since power-on, this one included */
void tinyq_port_reset(void);                 /* does not return */

uint32_t tinyq_port_stack_high_water(void);  /* bytes of stack used so far */
uint32_t tinyq_port_stack_bytes(void);

bool tinyq_port_fault_record(tinyq_fault *out); /* false: no crash is pending */
void tinyq_port_fault_clear(void);

#ifdef __cplusplus
}
#endif

#endif
