/* SPDX-License-Identifier: Apache-2.0 */
/* One image that asks a virtual NUCLEO-F446RE for everything that firmware relies on. It does what one-letter commands
 * on USART2 say and answers with a line. Register addresses: ST RM0390; core registers: Armv7-M ARM (DDI 0403). */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define RCC 0x40023800u
#define USART2 0x40004400u
#define SR REG(USART2)
#define DR REG(USART2 + 4u)
#define SYST_CSR REG(0xE000E010u)
#define SYST_RVR REG(0xE000E014u)
#define SYST_CVR REG(0xE000E018u)
#define CYCCNT REG(0xE0001004u)
#define ICSR REG(0xE000ED04u)
#define USART2_IRQ 38u
#define LOW_IRQ 41u
#define HIGH_IRQ 42u
#define RING 256u /* holds several of the simulator's bursts of 64 bytes */
#define LONGEST_WAIT 10000u

extern uint32_t __stack_top[], __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];
int main(void);

static volatile uint8_t ring[RING];
static volatile uint32_t ring_head, ring_tail, ring_lost;
static volatile uint32_t ticks, order, float_ticks;
static volatile float float_from_tick = 1.0f;
static volatile uint32_t faults_seen __attribute__((section(".noinit")));
static volatile uint32_t boots __attribute__((section(".noinit")));
static volatile uint32_t initialised = 0x12345678u; /* .data arrives only if the image is loaded where it says */

/* ---- start-up ---- */

static __attribute__((noinline)) void second_stage(void)
{
    uint32_t *from = __data_load;
    for (uint32_t *to = __data_start; to < __data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = __bss_start; to < __bss_end;) {
        *to++ = 0;
    }
    (void)main();
}

void reset_handler(void);
void reset_handler(void)
{
    REG(0xE000ED88u) |= 0xFu << 20; /* CPACR: the FPU */
    __asm volatile("dsb\n isb" ::: "memory");
    second_stage();
}

static void hard_fault(void)
{
    faults_seen = REG(0xE000ED28u); /* CFSR */
    REG(0xE000ED0Cu) = 0x05FA0004u;
    for (;;) {
    }
}

static void usart2_irq(void)
{
    while (SR & (1u << 5)) {
        uint8_t byte = (uint8_t)DR;
        if (ring_head - ring_tail == RING) {
            ring_lost++;
        } else {
            ring[ring_head % RING] = byte;
            ring_head++;
        }
    }
}

static void systick_irq(void)
{
    ticks++;
    if (float_ticks) {
        /* Fills every caller-saved FPU register and FPSCR (by the divide's inexact flag) with something else. */
        __asm volatile("vmov.f32 s0, #3.0\n vmov.f32 s1, #7.0\n vdiv.f32 s2, s0, s1\n vmov.f32 s3, s2\n"
                       "vmov.f32 s4, s2\n vmov.f32 s5, s2\n vmov.f32 s6, s2\n vmov.f32 s7, s2\n vmov.f32 s8, s2\n"
                       "vmov.f32 s9, s2\n vmov.f32 s10, s2\n vmov.f32 s11, s2\n vmov.f32 s12, s2\n"
                       "vmov.f32 s13, s2\n vmov.f32 s14, s2\n vmov.f32 s15, s2"
                       ::: "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13",
                       "s14", "s15");
        float_from_tick = float_from_tick * 1.5f > 100.0f ? 1.0f : float_from_tick * 1.5f;
    }
}

static void note(uint32_t what)
{
    order = order << 4 | what;
}

static void low_irq(void)
{
    volatile float kept = 2.5f;
    note(1);
    REG(0xE000E204u) = 1u << (HIGH_IRQ - 32u); /* ISPR: the urgent one interrupts this one */
    __asm volatile("dsb\n isb" ::: "memory");
    note(kept * 2.0f == 5.0f ? 3 : 0xF);
}

static void high_irq(void)
{
    volatile float other = 9.0f;
    note(other / 2.0f == 4.5f ? 2 : 0xF);
}

typedef void (*vector)(void);

const vector vectors[16 + 64] __attribute__((section(".isr_vector"), used)) = {
    (vector)(uintptr_t)__stack_top, reset_handler, hard_fault, hard_fault, hard_fault, hard_fault, hard_fault,
    [15] = systick_irq, [16 + USART2_IRQ] = usart2_irq, [16 + LOW_IRQ] = low_irq, [16 + HIGH_IRQ] = high_irq,
};

/* ---- set-up ---- */

static void wait_for(uint32_t address, uint32_t mask, uint32_t value)
{
    for (uint32_t turn = 0; turn < LONGEST_WAIT && (REG(address) & mask) != value; turn++) {
    }
}

/* HSI / 16 * 336 / 2 = 168 MHz, APB1 a quarter of it. A machine without RCC stays at its own clock. */
static void set_up(void)
{
    REG(RCC + 0x40u) |= 1u << 28 | 1u << 17; /* PWR, USART2 */
    REG(RCC + 0x30u) |= 1u;                  /* GPIOA */
    REG(0x40007000u) |= 3u << 14;
    REG(0x40023C00u) = 0x705u;
    REG(RCC + 4u) = 16u | 336u << 6 | 7u << 24;
    REG(RCC) |= 1u << 24;
    wait_for(RCC, 1u << 25, 1u << 25);
    REG(RCC + 8u) = 5u << 10 | 4u << 13 | 2u;
    wait_for(RCC + 8u, 0xCu, 0x8u);
    REG(0x40020000u) = (REG(0x40020000u) & ~0xF0u) | 0xA0u; /* PA2 and PA3: alternate function 7 */
    REG(0x40020020u) |= 0x7700u;
    REG(USART2 + 8u) = 42000000u / 115200u;
    REG(USART2 + 12u) = 1u << 13 | 1u << 5 | 1u << 3 | 1u << 2;
    REG(0xE000E104u) = 1u << (USART2_IRQ - 32u) | 1u << (LOW_IRQ - 32u) | 1u << (HIGH_IRQ - 32u);
    *(volatile uint8_t *)(0xE000E400u + LOW_IRQ) = 0xC0;
    *(volatile uint8_t *)(0xE000E400u + HIGH_IRQ) = 0x40;
    REG(0xE000EDFCu) |= 1u << 24;
    REG(0xE0001000u) |= 1u;
}

static void idle(void)
{
    __asm volatile("cpsid i" ::: "memory");
    if (ring_head == ring_tail) {
        __asm volatile("wfi" ::: "memory");
    }
    __asm volatile("cpsie i" ::: "memory");
}

static uint8_t get(void)
{
    while (ring_head == ring_tail) {
        idle();
    }
    uint8_t byte = ring[ring_tail % RING];
    ring_tail++;
    return byte;
}

static void put(uint8_t byte)
{
    while (!(SR & (1u << 7))) {
    }
    DR = byte;
}

static void text(const char *string)
{
    while (*string) {
        put((uint8_t)*string++);
    }
}

static void hex(const char *name, uint32_t value)
{
    text(name);
    put('=');
    for (int shift = 28; shift >= 0; shift -= 4) {
        put((uint8_t)"0123456789abcdef"[value >> shift & 15u]);
    }
    put(' ');
}

/* ---- commands ---- */

static void echo(void)
{
    uint32_t left = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        left |= (uint32_t)get() << shift;
    }
    while (left--) {
        put(get());
    }
    hex("lost", ring_lost);
}

/* 1,000,000 turns of 4 instructions, plus the 2 between the reads and the closing read itself. */
static void count_loop(void)
{
    uint32_t first, second, turns = 1000000u;
    __asm volatile("ldr %0, [%3]\n"
                   "mov r0, %2\n"
                   "1: nop\n nop\n subs r0, r0, #1\n bne 1b\n"
                   "nop\n"
                   "ldr %1, [%3]\n"
                   : "=&r"(first), "=&r"(second) : "r"(turns), "r"(0xE0001004u) : "r0", "cc", "memory");
    hex("loop", second - first);
}

/* The same loop by SysTick, which every machine has. 24 bits hold it at the ticks of 168 MHz and 8 ns an instruction. */
static void count_by_systick(void)
{
    uint32_t first, second;
    SYST_CSR = 0;
    SYST_RVR = 0xFFFFFFu;
    SYST_CVR = 0;
    SYST_CSR = 5u;
    __asm volatile("ldr %0, [%3]\n"
                   "mov r0, %2\n"
                   "1: nop\n nop\n subs r0, r0, #1\n bne 1b\n"
                   "nop\n"
                   "ldr %1, [%3]\n"
                   : "=&r"(first), "=&r"(second) : "r"(1000000u), "r"(0xE000E018u) : "r0", "cc", "memory");
    SYST_CSR = 0;
    hex("ticks", (first - second) & 0xFFFFFFu);
}

/* IT counts, what it skips does not: CMP, IT, two MOVs, SUBS and BNE are 6 a turn. */
static void count_it(void)
{
    uint32_t first, second;
    __asm volatile("ldr %0, [%3]\n"
                   "mov r0, %2\n"
                   "1: cmp r0, #0\n itte ne\n movne r1, #1\n movne r1, #2\n moveq r1, #3\n subs r0, r0, #1\n bne 1b\n"
                   "nop\n"
                   "ldr %1, [%3]\n"
                   : "=&r"(first), "=&r"(second) : "r"(1000u), "r"(0xE0001004u) : "r0", "r1", "cc", "memory");
    hex("it", second - first);
}

static void primask(void)
{
    uint32_t before = ticks, masked, after;
    __asm volatile("cpsid i" ::: "memory");
    ICSR = 1u << 26; /* SysTick pends */
    __asm volatile("dsb\n isb\n wfi" ::: "memory"); /* returns at once, handler not run */
    masked = ticks - before;
    __asm volatile("cpsie i\n isb" ::: "memory");
    after = ticks - before;
    hex("masked", masked);
    hex("after", after);
}

/* s16..s31 and the caller-saved half, the flags and FPSCR rounding mode, under a storm of interrupts that use the FPU. */
static volatile float first_step = 0.1f; /* volatile: the work is really done twice */

static uint32_t float_work(void)
{
    float sum = 0.0f, step = first_step;
    for (uint32_t turn = 1; turn < 3000u; turn++) {
        sum += step / (float)turn * 1.25f - sum * 0.001f;
        step = sum * 0.5f + 0.3f;
    }
    union { float real; uint32_t bits; } result = {sum};
    return result.bits;
}

static void floats(void)
{
    uint32_t quiet = float_work(), stormy;
    SYST_RVR = 97u;
    SYST_CVR = 0;
    float_ticks = 1;
    ticks = 0;
    SYST_CSR = 7u;
    stormy = float_work();
    SYST_CSR = 0;
    float_ticks = 0;
    hex("quiet", quiet);
    hex("stormy", stormy);
    hex("many", ticks > 100u);
}

static void nested(void)
{
    order = 0;
    REG(0xE000E204u) = 1u << (LOW_IRQ - 32u);
    __asm volatile("dsb\n isb" ::: "memory");
    note(4);
    hex("order", order);
}

static void dsp(void)
{
    uint32_t sum = 1, a = 0x7FFF8001u, b = 0x12345678u, out;
    for (uint32_t turn = 0; turn < 1000u; turn++) {
        __asm("smlad %0, %1, %2, %3" : "=r"(out) : "r"(a), "r"(b), "r"(sum));
        sum = out;
        __asm("sxtb16 %0, %1, ror #8" : "=r"(out) : "r"(a ^ sum));
        a += out;
        __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(out) : "r"(a), "r"(b));
        __asm("qadd %0, %1, %2" : "=r"(b) : "r"(out), "r"(sum));
        __asm("ssat %0, #12, %1, asr #3" : "=r"(out) : "r"(sum));
        sum += out;
    }
    hex("dsp", sum);
}

static void sleep_ten(void)
{
    uint32_t before;
    SYST_RVR = 168000u - 1u;
    SYST_CVR = 0;
    ticks = 0;
    SYST_CSR = 7u;
    while (ticks < 1u) {
        idle();
    }
    before = CYCCNT;
    while (ticks < 11u) {
        idle();
    }
    hex("slept", CYCCNT - before);
    SYST_CSR = 0;
}

static void state(void)
{
    hex("boots", boots);
    hex("cause", REG(RCC + 0x74u) & 0xFE000000u);
    hex("faults", faults_seen);
    hex("data", initialised);
}

static void reset(void)
{
    boots++;
    REG(0xE000ED0Cu) = 0x05FA0004u;
    for (;;) {
    }
}

static __attribute__((noinline)) void read_nothing(void)
{
    (void)REG(0x50000000u);
}

static void command(uint8_t name)
{
    switch (name) {
    case 'E': echo(); break;
    case 'L': count_loop(); break;
    case 'S': count_by_systick(); break;
    case 'C': count_it(); break;
    case 'P': primask(); break;
    case 'F': floats(); break;
    case 'N': nested(); break;
    case 'D': dsp(); break;
    case 'T': sleep_ten(); break;
    case '?': state(); break;
    case '0': boots = faults_seen = 0; break;
    case 'R': reset(); break;
    case 'U': read_nothing(); break;
    case 'I': __asm volatile("udf #1"); break;
    case 'J': ((vector)0x30000001u)(); break;
    case 'W': for (;;) { } break;
    default: break;
    }
    text(".\n");
}

int main(void)
{
    set_up();
    text("ready\n");
    for (;;) {
        command(get());
    }
}
