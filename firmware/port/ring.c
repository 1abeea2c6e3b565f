/* SPDX-License-Identifier: Apache-2.0 */
/* Received bytes, from the UART interrupt (which moves the head only) to the application (the tail
 * only). */
#include <stdint.h>

#include "board_config.h"
#include "port/port_internal.h"
#include "port/tinyq_port.h"

_Static_assert((TINYQ_RX_BYTES & (TINYQ_RX_BYTES - 1u)) == 0u, "the ring's size is a power of two");

static volatile uint8_t tinyq_ring[TINYQ_RX_BYTES];
static volatile uint32_t tinyq_head, tinyq_tail; /* run freely; the difference is what is waiting */
static volatile uint32_t tinyq_overruns;

void tinyq_ring_put(uint8_t byte)
{
    uint32_t head = tinyq_head;
    if (head - tinyq_tail >= TINYQ_RX_BYTES) {
        tinyq_overruns++;
        return;
    }
    tinyq_ring[head & (TINYQ_RX_BYTES - 1u)] = byte;
    tinyq_head = head + 1u;
}

void tinyq_ring_lost(void)
{
    tinyq_overruns++;
}

int tinyq_port_getc(void)
{
    uint32_t tail = tinyq_tail;
    if (tinyq_head == tail) {
        return -1;
    }
    int byte = tinyq_ring[tail & (TINYQ_RX_BYTES - 1u)];
    tinyq_tail = tail + 1u;
    return byte;
}

uint32_t tinyq_port_rx_overruns(void)
{
    return tinyq_overruns;
}

/* With interrupts masked a WFI still wakes up for one, and the interrupt runs behind the cpsie. So
 * a byte that comes between the question and the WFI ends the WFI at once. */
void tinyq_port_idle(void)
{
    __asm volatile("cpsid i" ::: "memory");
    if (tinyq_head == tinyq_tail) {
        __asm volatile("dsb\n\twfi" ::: "memory");
    }
    __asm volatile("cpsie i\n\tisb" ::: "memory");
}
