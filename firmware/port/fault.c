/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes and restarts. What must outlive a reset lies in .noinit, which nothing clears and no ELF
 * segment covers. */
#include <stdint.h>

#include "board_config.h"
#include "port/cortex_m.h"
#include "port/port_internal.h"
#include "port/tinyq_port.h"
#include "protocol_ids.h"

#define TINYQ_NOINIT __attribute__((section(".noinit")))
#define TINYQ_FAULT_MAGIC 0x544C4146u /* "FALT" */
#define TINYQ_BOOT_MAGIC 0x544F4F42u  /* "BOOT" */
#define TINYQ_FAULT_STACK_WORDS 64u
/* r0-r3, r12, lr, pc, xpsr: Armv6-M and up, "Exception entry behavior" */
#define TINYQ_FRAME_WORDS 8u

typedef struct {
    uint32_t magic, boots, reset_requested, check;
} tinyq_boot;

typedef struct {
    uint32_t magic;
    tinyq_fault fault;
    uint32_t check;
} tinyq_fault_box;

static tinyq_boot tinyq_boot_box TINYQ_NOINIT;
static tinyq_fault_box tinyq_fault_kept TINYQ_NOINIT;
__attribute__((used, aligned(8))) uint64_t tinyq_fault_stack[TINYQ_FAULT_STACK_WORDS / 2u];

volatile uint32_t tinyq_port_layer = TINYQ_NO_LAYER;
static uint8_t tinyq_cause;

/* FNV-1a over words: tells a record from the random contents of RAM after power-on. Never 0. */
static uint32_t tinyq_check(const uint32_t *words, uint32_t count)
{
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < count; i++) {
        hash = (hash ^ words[i]) * 16777619u;
    }
    return hash | 1u;
}

static uint32_t tinyq_boot_check(void)
{
    return tinyq_check(&tinyq_boot_box.magic, 3u);
}

static uint32_t tinyq_fault_check(void)
{
    return tinyq_check(&tinyq_fault_kept.magic, 1u + sizeof(tinyq_fault) / 4u);
}

static void tinyq_system_reset(void)
{
    __asm volatile("dsb" ::: "memory");
    TINYQ_SCB_AIRCR = TINYQ_SCB_AIRCR_SYSRESETREQ;
    __asm volatile("dsb" ::: "memory");
    for (;;) {
    }
}

static uint8_t tinyq_chip_cause(void)
{
#ifdef TINYQ_RESET_STATUS
    /* Bits 31..26 of RCC_CSR are the same in STM32 F1, F4, L4 and G0; a reset by power sets the
     * pin's flag too. */
    uint32_t flags = TINYQ_REG(TINYQ_RESET_STATUS);
    TINYQ_REG(TINYQ_RESET_STATUS) = flags | TINYQ_RESET_CLEAR;
    TINYQ_REG(TINYQ_RESET_STATUS) = flags & ~TINYQ_RESET_CLEAR;
    static const struct {
        uint32_t bit;
        uint8_t cause;
    } causes[] = {
        {31, TINYQ_RESET_LOW_POWER}, {30, TINYQ_RESET_WATCHDOG}, {29, TINYQ_RESET_WATCHDOG},
        {28, TINYQ_RESET_SOFTWARE},  {27, TINYQ_RESET_POWER_ON}, {26, TINYQ_RESET_PIN},
    };
    for (uint32_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if ((flags >> causes[i].bit) & 1u) {
            return causes[i].cause;
        }
    }
#endif
    return TINYQ_RESET_UNKNOWN;
}

/* Runs once, at the start, before main. */
void tinyq_boot_init(void)
{
    bool warm = tinyq_boot_box.magic == TINYQ_BOOT_MAGIC;
    warm = warm && tinyq_boot_box.check == tinyq_boot_check();
    tinyq_cause = tinyq_chip_cause();
    if (tinyq_port_fault_record(0)) {
        tinyq_cause = TINYQ_RESET_FAULT;
    } else if (warm && tinyq_boot_box.reset_requested) {
        tinyq_cause = TINYQ_RESET_SOFTWARE;
    } else if (!warm && tinyq_cause == TINYQ_RESET_UNKNOWN) {
        tinyq_cause = TINYQ_RESET_POWER_ON;
    }
    tinyq_boot_box.boots = warm ? tinyq_boot_box.boots + 1u : 1u;
    tinyq_boot_box.magic = TINYQ_BOOT_MAGIC;
    tinyq_boot_box.reset_requested = 0;
    tinyq_boot_box.check = tinyq_boot_check();
}

uint8_t tinyq_port_reset_cause(void)
{
    return tinyq_cause;
}

uint32_t tinyq_port_boot_count(void)
{
    return tinyq_boot_box.boots;
}

void tinyq_port_reset(void)
{
    (void)tinyq_irq_save();
    tinyq_boot_box.reset_requested = 1u;
    tinyq_boot_box.check = tinyq_boot_check();
    tinyq_system_reset();
}

bool tinyq_port_fault_record(tinyq_fault *out)
{
    if (tinyq_fault_kept.magic != TINYQ_FAULT_MAGIC ||
        tinyq_fault_kept.check != tinyq_fault_check()) {
        return false;
    }
    if (out) {
        *out = tinyq_fault_kept.fault;
    }
    return true;
}

void tinyq_port_fault_clear(void)
{
    tinyq_fault_kept.magic = 0;
}

/* On the fault stack. `frame` is the stack pointer at the time of the fault. */
__attribute__((noreturn, used)) void tinyq_fault_main(const uint32_t *frame)
{
    tinyq_fault *fault = &tinyq_fault_kept.fault;
    uintptr_t low = (uintptr_t)__stack_limit, high = (uintptr_t)__stack_top;
    uintptr_t at = (uintptr_t)frame;
    bool readable = at >= low && at + 4u * TINYQ_FRAME_WORDS <= high && (at & 3u) == 0u;
    fault->sp = (uint32_t)at;
    fault->lr = readable ? frame[5] : 0u;
    fault->pc = readable ? frame[6] : 0u;
    fault->xpsr = readable ? frame[7] : 0u;
#if __ARM_ARCH_ISA_THUMB >= 2
    fault->cfsr = TINYQ_SCB_CFSR;
    fault->hfsr = TINYQ_SCB_HFSR;
    fault->mmfar = TINYQ_SCB_MMFAR;
    fault->bfar = TINYQ_SCB_BFAR;
#else
    fault->cfsr = fault->hfsr = fault->mmfar = fault->bfar = 0;
#endif
    fault->layer = tinyq_port_layer;
    tinyq_fault_kept.magic = TINYQ_FAULT_MAGIC;
    tinyq_fault_kept.check = tinyq_fault_check();
    tinyq_system_reset();
    for (;;) {
    }
}

/* The main stack may be what is broken, so the first thing is to leave it. No instruction beyond
 * Armv6-M. */
__attribute__((naked)) void tinyq_fault_entry(void)
{
    __asm volatile("cpsid i\n\t"
                   "mrs r0, msp\n\t"
                   "ldr r1, 1f\n\t"
                   "mov sp, r1\n\t"
                   "ldr r1, 2f\n\t"
                   "bx r1\n\t"
                   ".align 2\n"
                   "1: .word tinyq_fault_stack + %c0\n"
                   "2: .word tinyq_fault_main\n" ::"i"(TINYQ_FAULT_STACK_WORDS * 4u));
}
