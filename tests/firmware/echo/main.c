/* SPDX-License-Identifier: Apache-2.0 */
/* Test application of the port: echoes bytes, answers a few control characters with one line each.
 * */
#include "port/tinyq_port.h"

static void put_text(const char *text)
{
    while (*text) {
        tinyq_port_write((const uint8_t *)text++, 1);
    }
}

static void put_hex(const char *name, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";
    put_text(name);
    for (int shift = 60; shift >= 0; shift -= 4) {
        tinyq_port_write((const uint8_t *)&digits[(value >> shift) & 15u], 1);
    }
}

static void put_info(void)
{
    tinyq_fault fault;
    bool crashed = tinyq_port_fault_record(&fault);
    put_hex("clock=", tinyq_port_clock_hz());
    put_hex(" counter=", tinyq_port_counter_kind());
    put_hex(" counter_hz=", tinyq_port_counter_hz());
    put_hex(" cause=", tinyq_port_reset_cause());
    put_hex(" boots=", tinyq_port_boot_count());
    put_hex(" stack=", tinyq_port_stack_bytes());
    put_hex(" used=", tinyq_port_stack_high_water());
    put_hex(" lost=", tinyq_port_rx_overruns());
    put_hex(" fault=", crashed);
    put_hex(" pc=", crashed ? fault.pc : 0);
    put_hex(" cfsr=", crashed ? fault.cfsr : 0);
    put_hex(" layer=", crashed ? fault.layer : 0);
    put_text("\n");
    tinyq_port_fault_clear();
}

/* Reads the counter many times, over several periods of SysTick; backwards must stay 0. */
static void put_counter_test(void)
{
    uint32_t backwards = 0, start_ms = tinyq_port_millis(), reads = 0;
    uint64_t start = tinyq_port_cycles(), last = start, jump = 0;
    while (tinyq_port_millis() - start_ms < 200u && reads < 2000000u) {
        uint64_t now = tinyq_port_cycles();
        backwards += now < last;
        jump = now - last > jump ? now - last : jump;
        last = now;
        reads++;
    }
    put_hex("backwards=", backwards);
    put_hex(" cycles=", last - start);
    put_hex(" ms=", tinyq_port_millis() - start_ms);
    put_hex(" jump=", jump);
    put_hex(" reads=", reads);
    put_text("\n");
}

static void put_sleep_test(void)
{
    uint32_t start = tinyq_port_millis(), wakes = 0;
    while (tinyq_port_millis() - start < 100u && wakes < 1000000u) {
        tinyq_port_idle();
        wakes++;
    }
    put_hex("slept=", tinyq_port_millis() - start);
    put_hex(" wakes=", wakes);
    put_text("\n");
}

static volatile uint32_t sink;

#ifdef __arm__
__attribute__((noinline)) static uint32_t use_stack(uint32_t depth)
{
    volatile uint32_t frame[32];
    frame[depth % 32u] = depth;
    sink = frame[depth % 32u];
    return depth == 0u ? 0u : use_stack(depth - 1u) + frame[depth % 32u];
}
#endif

static double half(double x)
{
    return x * 0.5;
}

static void command(int byte)
{
    switch (byte) {
    case 1:
        put_info();
        break;
    case 2:
        put_counter_test();
        break;
    case 3:
        put_sleep_test();
        break;
    case 4: /* the FPU is on, where there is one */
        sink = 5;
        put_hex("half=", (uint32_t)half(2.0 * (double)sink));
        put_text("\n");
        break;
    case 5:
        put_hex("baud=", tinyq_port_set_baud(230400u) && !tinyq_port_set_baud(1u));
        put_text("\n");
        break;
#ifdef __arm__
    case 6: /* an undefined instruction */
        tinyq_port_layer = 7;
        __asm volatile(".global crash_here\ncrash_here: udf #0" ::: "memory");
        break;
    case 7:
        tinyq_port_layer = 8;
        sink = use_stack(1000000u);
        break;
#endif
    case 8:
        tinyq_port_flush();
        tinyq_port_reset();
        break;
    default: {
        uint8_t echo = (uint8_t)byte;
        tinyq_port_write(&echo, 1);
    }
    }
}

int main(void)
{
    tinyq_port_init();
    for (;;) {
        int byte = tinyq_port_getc();
        if (byte < 0) {
            tinyq_port_idle();
        } else {
            command(byte);
        }
    }
}
