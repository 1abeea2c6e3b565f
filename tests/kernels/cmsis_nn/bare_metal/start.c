/* SPDX-License-Identifier: Apache-2.0 */
/* Start of a test program on a Cortex-M in QEMU; it prints and ends through semihosting. */
#include <stdint.h>

extern uint32_t stack_top[], data_load[], data_start[], data_end[], bss_start[], bss_end[];
int main(void);
void Reset_Handler(void);
int semihosting(int operation, const void *argument);

__attribute__((noinline)) int semihosting(int operation, const void *argument)
{
    register int r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(uint32_t status)
{
    const uint32_t block[2] = {0x20026u /* ADP_Stopped_ApplicationExit */, status};
    semihosting(0x20 /* SYS_EXIT_EXTENDED */, block);
    for (;;) {
    }
}

static void fault(void)
{
    semihosting(4, "FAULT\n");
    leave(99);
}

__attribute__((noinline)) static void start(void)
{
    volatile uint32_t *to = data_start;
    for (const volatile uint32_t *from = data_load; to < data_end;) {
        *to++ = *from++;
    }
    for (to = bss_start; to < bss_end;) {
        *to++ = 0;
    }
    leave((uint32_t)main());
}

void Reset_Handler(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: coprocessors 10 and 11 */
    __asm volatile("dsb\n isb" ::: "memory");
#endif
    start();
}

typedef void (*vector)(void);
__attribute__((section(".isr_vector"), used)) static const vector vectors[16] = {
    (vector)(uintptr_t)stack_top, Reset_Handler, fault, fault, fault, fault, fault, fault,
};
