/* SPDX-License-Identifier: Apache-2.0 */
/* Time. SysTick always runs, in periods of 50 ms: it keeps counting while the core sleeps, gives
 * the milliseconds, and makes sure that a 32-bit DWT counter is read before it can wrap twice.
 * Cycles come from the DWT where it is there and moves, else from SysTick. */
#include <stdint.h>

#include "board_config.h"
#include "port/cortex_m.h"
#include "port/port_internal.h"
#include "port/tinyq_port.h"
#include "protocol_ids.h"

#define TINYQ_PERIOD_MS 50u
#define TINYQ_DWT_PROBE_READS 100u
/* A chip's SysTick moves at once. An emulator's starts when its host gets round to it. */
#define TINYQ_SYSTICK_PROBE_READS 300000u

static uint32_t tinyq_period;                 /* core cycles in a SysTick period, at most 2^24 */
static volatile uint64_t tinyq_periods_cycles; /* whole periods, in cycles */
static volatile uint32_t tinyq_periods_ms;
static uint64_t tinyq_last_cycles;
static uint8_t tinyq_kind = TINYQ_COUNTER_NONE;

#if TINYQ_COUNTER_TRY_DWT
static uint64_t tinyq_dwt_cycles;
static uint32_t tinyq_dwt_last;

/* With interrupts off. */
static uint64_t tinyq_read_dwt(void)
{
    uint32_t now = TINYQ_DWT_CYCCNT;
    tinyq_dwt_cycles += now - tinyq_dwt_last;
    tinyq_dwt_last = now;
    return tinyq_dwt_cycles;
}

/* An emulator or a locked-down chip may have a counter that reads 0 for ever. */
static bool tinyq_dwt_moves(void)
{
    TINYQ_DEMCR |= TINYQ_DEMCR_TRCENA;
    TINYQ_DWT_LAR = TINYQ_DWT_LAR_KEY; /* Cortex-M7 locks its DWT; ignored elsewhere */
    TINYQ_DWT_CYCCNT = 0;
    TINYQ_DWT_CTRL |= TINYQ_DWT_CTRL_CYCCNTENA;
    uint32_t start = TINYQ_DWT_CYCCNT;
    for (uint32_t i = 0; i < TINYQ_DWT_PROBE_READS; i++) {
        if (TINYQ_DWT_CYCCNT != start) {
            return true;
        }
    }
    return false;
}
#endif

/* The current value counts down from period - 1 to 0; the request for the next period is raised as
 * it reaches 0. So 0 with a request pending is the beginning of that next period, and 0 without one
 * the very end of this one. */
static uint32_t tinyq_phase(uint32_t value, bool wrapped)
{
    if (value == 0u) {
        return wrapped ? 0u : tinyq_period - 1u;
    }
    return tinyq_period - value;
}

/* With interrupts off: cycles since the current period began that the interrupt has counted. A
 * pending interrupt is a period that it has not counted; the value is read again then, because the
 * first read may precede the wrap. */
static uint32_t tinyq_systick_pending(uint32_t *phase)
{
    uint32_t value = TINYQ_SYST_CVR;
    bool wrapped = (TINYQ_SCB_ICSR & TINYQ_SCB_ICSR_PENDSTSET) != 0u;
    if (wrapped) {
        value = TINYQ_SYST_CVR;
    }
    *phase = tinyq_phase(value, wrapped);
    return wrapped ? 1u : 0u;
}

static uint64_t tinyq_read_systick(void)
{
    uint32_t phase;
    uint32_t pending = tinyq_systick_pending(&phase);
    return tinyq_periods_cycles + (pending ? tinyq_period : 0u) + phase;
}

void tinyq_systick_irq(void)
{
    tinyq_periods_cycles += tinyq_period;
    tinyq_periods_ms += TINYQ_PERIOD_MS;
#if TINYQ_COUNTER_TRY_DWT
    uint32_t primask = tinyq_irq_save();
    (void)tinyq_read_dwt();
    tinyq_irq_restore(primask);
#endif
}

static bool tinyq_systick_moves(void)
{
    tinyq_period = tinyq_port_clock_hz() / (1000u / TINYQ_PERIOD_MS);
    TINYQ_SCB_SHPR3 |= 0xC0000000u; /* below the UART: receiving never waits for it */
    TINYQ_SYST_RVR = tinyq_period - 1u;
    TINYQ_SYST_CVR = 0;
    TINYQ_SYST_CSR = TINYQ_SYST_CSR_ENABLE | TINYQ_SYST_CSR_TICKINT | TINYQ_SYST_CSR_CLKSOURCE;
    uint32_t start = TINYQ_SYST_CVR;
    for (uint32_t i = 0; i < TINYQ_SYSTICK_PROBE_READS; i++) {
        uint32_t value = TINYQ_SYST_CVR;
        if (value != 0u && value != start) {
            return true;
        }
    }
    return false;
}

void tinyq_counter_init(void)
{
    if (tinyq_systick_moves()) {
        tinyq_kind = TINYQ_COUNTER_SYSTICK;
    }
#if TINYQ_COUNTER_TRY_DWT
    if (tinyq_dwt_moves()) {
        tinyq_kind = TINYQ_COUNTER_DWT;
    }
#endif
}

uint8_t tinyq_port_counter_kind(void)
{
    return tinyq_kind;
}

uint32_t tinyq_port_counter_hz(void)
{
    return tinyq_kind == TINYQ_COUNTER_NONE ? 0u : tinyq_port_clock_hz();
}

uint64_t tinyq_port_cycles(void)
{
    uint32_t primask = tinyq_irq_save();
    uint64_t now = 0;
#if TINYQ_COUNTER_TRY_DWT
    if (tinyq_kind == TINYQ_COUNTER_DWT) {
        now = tinyq_read_dwt();
    }
#endif
    if (tinyq_kind == TINYQ_COUNTER_SYSTICK) {
        now = tinyq_read_systick();
    }
    if (now < tinyq_last_cycles) {
        now = tinyq_last_cycles; /* an emulator's SysTick can lag behind its own interrupt */
    }
    tinyq_last_cycles = now;
    tinyq_irq_restore(primask);
    return now;
}

uint32_t tinyq_port_millis(void)
{
    uint32_t phase;
    uint32_t primask = tinyq_irq_save();
    uint32_t pending = tinyq_systick_pending(&phase);
    uint32_t before = tinyq_periods_ms;
    tinyq_irq_restore(primask);
    return before + pending * TINYQ_PERIOD_MS + phase / (tinyq_period / TINYQ_PERIOD_MS);
}
