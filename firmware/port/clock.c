/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the clock stages of board_config.h. A wait that runs out ends its stage: the next one is
 * tried, and behind the last one the core stays on its reset clock. What was reached is what
 * tinyq_port_clock_hz tells. */
#include <stdint.h>

#include "board_config.h"
#include "port/cortex_m.h"
#include "port/port_internal.h"
#include "port/tinyq_port.h"

static uint32_t tinyq_core_hz = TINYQ_RESET_HZ;
static uint32_t tinyq_uart_clock = TINYQ_UART_RESET_HZ;

#if TINYQ_STEP_COUNT > 0
enum { TINYQ_WRITE, TINYQ_SET, TINYQ_WAIT, TINYQ_DELAY };

static const struct {
    uint32_t op, address, mask, value, most;
} tinyq_steps[TINYQ_STEP_COUNT] = TINYQ_STEPS;

static bool tinyq_run_step(uint32_t i)
{
    volatile uint32_t *reg = &TINYQ_REG(tinyq_steps[i].address);
    uint32_t value = tinyq_steps[i].value;
    uint32_t mask = tinyq_steps[i].mask;
    switch (tinyq_steps[i].op) {
    case TINYQ_WRITE:
        *reg = value;
        (void)*reg; /* the bus has taken it, and a clock enable has had its time to act */
        return true;
    case TINYQ_SET:
        *reg = (*reg & ~mask) | value;
        (void)*reg;
        return true;
    case TINYQ_DELAY:
        for (uint32_t n = tinyq_steps[i].most; n > 0u; n--) {
            (void)*reg;
        }
        return true;
    default:
        for (uint32_t n = tinyq_steps[i].most; n > 0u; n--) {
            if ((*reg & mask) == value) {
                return true;
            }
        }
        return false;
    }
}

bool tinyq_run_steps(uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        if (!tinyq_run_step(i)) {
            return false;
        }
    }
    return true;
}
#else
bool tinyq_run_steps(uint32_t first, uint32_t count)
{
    (void)first;
    (void)count;
    return true;
}
#endif

static const struct {
    uint32_t core_hz, uart_hz, first, count;
} tinyq_stages[TINYQ_STAGE_COUNT] = TINYQ_STAGES;

void tinyq_clock_init(void)
{
    for (uint32_t i = 0; i < TINYQ_STAGE_COUNT; i++) {
        if (tinyq_run_steps(tinyq_stages[i].first, tinyq_stages[i].count)) {
            tinyq_core_hz = tinyq_stages[i].core_hz;
            tinyq_uart_clock = tinyq_stages[i].uart_hz;
            return;
        }
    }
}

uint32_t tinyq_port_clock_hz(void)
{
    return tinyq_core_hz;
}

uint32_t tinyq_uart_hz(void)
{
    return tinyq_uart_clock;
}

void tinyq_port_init(void)
{
    tinyq_clock_init();
    tinyq_counter_init();
    (void)tinyq_run_steps(TINYQ_UART_SETUP_FIRST, TINYQ_UART_SETUP_COUNT);
    tinyq_uart_init();
    TINYQ_NVIC_ISER(TINYQ_UART_IRQ / 32u) = 1u << (TINYQ_UART_IRQ % 32u);
    __asm volatile("cpsie i" ::: "memory");
}
