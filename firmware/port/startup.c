/* SPDX-License-Identifier: Apache-2.0 */
/* Vector table and start of a Cortex-M, Armv6-M to Armv8.1-M. The linker script gives the symbols.
 * */
#include <stdint.h>

#include "board_config.h"
#include "port/cortex_m.h"
#include "port/port_internal.h"
#include "port/tinyq_port.h"

extern uint32_t __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[];
int main(void);
void Reset_Handler(void);

typedef void (*tinyq_vector)(void);

#define TINYQ_FIRST_IRQ 16

/* Every exception that nobody expects is a fault and leaves a record. The stack pointer is entry 0.
 * */
__attribute__((section(".isr_vector"), used)) static const tinyq_vector
    tinyq_vectors[TINYQ_FIRST_IRQ + TINYQ_UART_IRQ + 1] = {
        (tinyq_vector)(uintptr_t)__stack_top,
        Reset_Handler,
        tinyq_fault_entry, /* NMI */
        tinyq_fault_entry, /* HardFault */
        tinyq_fault_entry, /* MemManage */
        tinyq_fault_entry, /* BusFault */
        tinyq_fault_entry, /* UsageFault */
        tinyq_fault_entry, /* SecureFault */
        0,
        0,
        0,
        tinyq_fault_entry, /* SVCall */
        tinyq_fault_entry, /* DebugMonitor */
        0,
        tinyq_fault_entry, /* PendSV */
        tinyq_systick_irq,
#if TINYQ_UART_IRQ > 0
        [TINYQ_FIRST_IRQ ... TINYQ_FIRST_IRQ + TINYQ_UART_IRQ - 1] = tinyq_fault_entry,
#endif
        [TINYQ_FIRST_IRQ + TINYQ_UART_IRQ] = tinyq_uart_irq,
};

#define TINYQ_PAINT 0xA5C35A3Cu

/* From the bottom of the stack to just below the frame of the caller. */
static void tinyq_paint_stack(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0) - 64u;
    for (volatile uint32_t *word = __stack_limit; (uintptr_t)word < here; word++) {
        *word = TINYQ_PAINT;
    }
}

uint32_t tinyq_port_stack_high_water(void)
{
    const volatile uint32_t *word = __stack_limit;
    while (word < __stack_top && *word == TINYQ_PAINT) {
        word++;
    }
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word);
}

uint32_t tinyq_port_stack_bytes(void)
{
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)__stack_limit);
}

/* A function of its own that is never inlined: a compiler may vectorise its loops for MVE, which
 * must not happen before Reset_Handler has switched the coprocessors on. The volatile accesses keep
 * the loops loops. */
__attribute__((noinline, used)) static void tinyq_start(void)
{
    volatile uint32_t *to = __data_start;
    for (const volatile uint32_t *from = __data_load; to < __data_end;) {
        *to++ = *from++;
    }
    for (to = __bss_start; to < __bss_end;) {
        *to++ = 0;
    }
    tinyq_paint_stack();
    tinyq_boot_init();
    (void)main();
    tinyq_port_reset();
}

__attribute__((noreturn)) void Reset_Handler(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    TINYQ_SCB_CPACR |= TINYQ_SCB_CPACR_FPU;
#endif
#if __ARM_ARCH >= 8 && defined(__ARM_FEATURE_MVE)
    TINYQ_SCB_CCR |= TINYQ_SCB_CCR_LOB;
#endif
#ifndef TINYQ_NO_VTOR
    TINYQ_SCB_VTOR = (uint32_t)(uintptr_t)tinyq_vectors;
#endif
    __asm volatile("dsb\n\tisb" ::: "memory");
    tinyq_start();
    for (;;) {
    }
}
