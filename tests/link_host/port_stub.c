/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port of the link tests: stdin and stdout of a POSIX process. Ends at the end of stdin. A reset runs the program
 * anew. The line carries nothing at 460800 baud, and faster rates than 921600 are refused.
 */
#define _DEFAULT_SOURCE
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "port/tinyq_port.h"
#include "protocol_ids.h"

#define DEAD_BAUD 460800u

volatile uint32_t tinyq_port_layer = TINYQ_NO_LAYER;

static uint8_t rx[4096], tx[4096];
static ssize_t rx_used, rx_at;
static uint32_t tx_used;
static bool dead;

static bool readable(int timeout_ms)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    return rx_at < rx_used || poll(&in, 1, timeout_ms) > 0;
}

void tinyq_port_flush(void)
{
    for (uint32_t at = 0; at < tx_used && !dead;) {
        const ssize_t sent = write(STDOUT_FILENO, tx + at, tx_used - at);
        if (sent <= 0) {
            exit(0);
        }
        at += (uint32_t)sent;
    }
    tx_used = 0;
}

void tinyq_port_write(const uint8_t *data, uint32_t size)
{
    while (size-- > 0) {
        if (tx_used == sizeof tx) {
            tinyq_port_flush();
        }
        tx[tx_used++] = *data++;
    }
}

int tinyq_port_getc(void)
{
    if (rx_at == rx_used) {
        tinyq_port_flush();
        if (!readable(0)) {
            return -1;
        }
        rx_used = read(STDIN_FILENO, rx, sizeof rx);
        rx_at = 0;
        if (rx_used <= 0) {
            exit(0);
        }
    }
    const int byte = rx[rx_at++];
    return dead ? -1 : byte;
}

void tinyq_port_init(void)
{
}

void tinyq_port_idle(void)
{
    tinyq_port_flush();
    (void)readable(1000);
}

bool tinyq_port_set_baud(uint32_t baud)
{
    if (baud < 9600 || baud > 921600) {
        return false;
    }
    tinyq_port_flush();
    dead = baud == DEAD_BAUD;
    return true;
}

uint32_t tinyq_port_rx_overruns(void)
{
    return 0;
}

uint64_t tinyq_port_cycles(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint8_t tinyq_port_counter_kind(void)
{
    return TINYQ_COUNTER_HOST;
}

uint32_t tinyq_port_counter_hz(void)
{
    return 1000000000u;
}

uint32_t tinyq_port_clock_hz(void)
{
    return 1000000000u;
}

uint32_t tinyq_port_millis(void)
{
    return (uint32_t)(tinyq_port_cycles() / 1000000u);
}

uint32_t tinyq_port_boot_count(void)
{
    const char *boots = getenv("TINYQ_BOOTS");
    return boots == NULL ? 1 : (uint32_t)atoi(boots);
}

uint8_t tinyq_port_reset_cause(void)
{
    return tinyq_port_boot_count() > 1 ? TINYQ_RESET_SOFTWARE : TINYQ_RESET_POWER_ON;
}

void tinyq_port_reset(void)
{
    char boots[] = {(char)('1' + tinyq_port_boot_count()), '\0'};
    (void)setenv("TINYQ_BOOTS", boots, 1);
    (void)execl("/proc/self/exe", "device", (char *)NULL);
    exit(1);
}

uint32_t tinyq_port_stack_high_water(void)
{
    return 100;
}

uint32_t tinyq_port_stack_bytes(void)
{
    return 4096;
}

bool tinyq_port_fault_record(tinyq_fault *out)
{
    *out = (tinyq_fault){.pc = 0x08001234u, .lr = 1, .xpsr = 2, .sp = 3, .cfsr = 0x00010000u, .layer = 7};
    return getenv("TINYQ_FAULT") != NULL;
}

void tinyq_port_fault_clear(void)
{
    (void)unsetenv("TINYQ_FAULT");
}
