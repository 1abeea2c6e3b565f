/* SPDX-License-Identifier: Apache-2.0 */
/* The PC as a board: the link runs over stdin and stdout. POSIX and Windows; ends when stdin ends.
 * */
#if !defined(_WIN32) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <windows.h>
#else
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>
#endif

#include "board_config.h"
#include "port/tinyq_port.h"
#include "protocol_ids.h"

#define TINYQ_NS 1000000000u
#define TINYQ_IDLE_MS 20

volatile uint32_t tinyq_port_layer = TINYQ_NO_LAYER;

static uint8_t tinyq_in[TINYQ_RX_BYTES];
static uint32_t tinyq_in_next, tinyq_in_size;

#ifdef _WIN32
static void tinyq_os_init(void)
{
    (void)_setmode(_fileno(stdin), _O_BINARY);
    (void)_setmode(_fileno(stdout), _O_BINARY);
}

/* True when a read would not block: bytes are there, or the other side is gone. */
static bool tinyq_os_ready(int wait_ms)
{
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE);
    for (int waited = 0;; waited++) {
        DWORD available = 0;
        if (!PeekNamedPipe(in, NULL, 0, NULL, &available, NULL) || available > 0) {
            return true;
        }
        if (waited >= wait_ms) {
            return false;
        }
        Sleep(1);
    }
}

static long tinyq_os_read(uint8_t *to, uint32_t size)
{
    return _read(_fileno(stdin), to, size);
}

static long tinyq_os_write(const uint8_t *from, uint32_t size)
{
    return _write(_fileno(stdout), from, size);
}

uint64_t tinyq_port_cycles(void)
{
    LARGE_INTEGER now, hz;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&hz);
    uint64_t ticks = (uint64_t)now.QuadPart, rate = (uint64_t)hz.QuadPart;
    return ticks / rate * TINYQ_NS + ticks % rate * TINYQ_NS / rate;
}
#else
static void tinyq_os_init(void)
{
}

/* True when a read would not block: bytes are there, or the other side is gone. */
static bool tinyq_os_ready(int wait_ms)
{
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    return poll(&in, 1, wait_ms) > 0;
}

static long tinyq_os_read(uint8_t *to, uint32_t size)
{
    long count;
    do {
        count = (long)read(STDIN_FILENO, to, size);
    } while (count < 0 && errno == EINTR);
    return count;
}

static long tinyq_os_write(const uint8_t *from, uint32_t size)
{
    long count;
    do {
        count = (long)write(STDOUT_FILENO, from, size);
    } while (count < 0 && errno == EINTR);
    return count;
}

uint64_t tinyq_port_cycles(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * TINYQ_NS + (uint64_t)now.tv_nsec;
}
#endif

void tinyq_port_init(void)
{
    tinyq_os_init();
}

int tinyq_port_getc(void)
{
    if (tinyq_in_next == tinyq_in_size) {
        if (!tinyq_os_ready(0)) {
            return -1;
        }
        long count = tinyq_os_read(tinyq_in, sizeof tinyq_in);
        if (count <= 0) {
            exit(EXIT_SUCCESS);
        }
        tinyq_in_size = (uint32_t)count;
        tinyq_in_next = 0;
    }
    return tinyq_in[tinyq_in_next++];
}

void tinyq_port_write(const uint8_t *data, uint32_t size)
{
    while (size > 0u) {
        long count = tinyq_os_write(data, size);
        if (count <= 0) {
            exit(EXIT_SUCCESS);
        }
        data += count;
        size -= (uint32_t)count;
    }
}

void tinyq_port_flush(void)
{
}

bool tinyq_port_set_baud(uint32_t baud)
{
    return baud > 0u; /* a pipe has no rate */
}

void tinyq_port_idle(void)
{
    if (tinyq_in_next == tinyq_in_size) {
        (void)tinyq_os_ready(TINYQ_IDLE_MS);
    }
}

uint32_t tinyq_port_rx_overruns(void)
{
    return 0;
}

uint8_t tinyq_port_counter_kind(void)
{
    return TINYQ_COUNTER_HOST;
}

uint32_t tinyq_port_counter_hz(void)
{
    return TINYQ_NS;
}

uint32_t tinyq_port_clock_hz(void)
{
    return TINYQ_NS; /* what the counter counts; a PC's core clock says nothing */
}

uint32_t tinyq_port_millis(void)
{
    return (uint32_t)(tinyq_port_cycles() / (TINYQ_NS / 1000u));
}

uint8_t tinyq_port_reset_cause(void)
{
    return TINYQ_RESET_POWER_ON;
}

uint32_t tinyq_port_boot_count(void)
{
    return 1;
}

/* A process cannot start again on the same pipes on every system, so it ends; its parent starts
 * another. */
void tinyq_port_reset(void)
{
    exit(EXIT_SUCCESS);
}

uint32_t tinyq_port_stack_high_water(void)
{
    return 0;
}

uint32_t tinyq_port_stack_bytes(void)
{
    return 0;
}

bool tinyq_port_fault_record(tinyq_fault *out)
{
    (void)out;
    return false;
}

void tinyq_port_fault_clear(void)
{
}
