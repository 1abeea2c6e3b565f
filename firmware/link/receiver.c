/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 0x00 ends every segment. A segment that begins right behind a 0x00 may be a frame: its first byte (the COBS code)
 * can be anything, its second (the type of a request) is never printable and never ends a command. So LF, CR and %
 * end a text command only while every byte before them was printable.
 */
#include "link/receiver.h"

#include <stdbool.h>

#include "link/commands.h"
#include "link/framing.h"
#include "link/text.h"
#include "port/tinyq_port.h"

#define STALE_MS 1000u /* a frame arrives in one go: what stopped in its middle will not go on */

static uint8_t segment[TINYQ_FRAME_MAX + TINYQ_FRAME_MAX / 254u + 1u];
static uint32_t used;
static uint32_t last_ms;
static bool behind_zero;  /* the byte before the segment was 0x00 */
static bool binary;       /* the segment holds a byte that no text command has */
static bool overflowed;

static void begin(bool after_zero)
{
    used = 0;
    behind_zero = after_zero;
    binary = overflowed = false;
}

static bool ends_command(uint8_t byte)
{
    return byte == '\n' || byte == '\r' || byte == '%';
}

static void end_segment(void)
{
    if (used > 0) {
        const uint32_t size = overflowed ? 0 : tinyq_frame_decode(segment, used);
        if (size > 0) {
            tinyq_command(segment, size);
        } else {
            tinyq_count_damaged();
        }
    }
    begin(true);
}

/* segment[used - 1] is a terminator and nothing before it rules out a text command. */
static void end_command(void)
{
    uint32_t start = 0;
    while (start < used && ends_command(segment[start])) {
        start++;
    }
    if (start == used && behind_zero && used == 1) {
        return; /* may be the code byte of a frame */
    }
    if (overflowed) {
        tinyq_text_too_long();
    } else if (start < used) {
        tinyq_text_command((char *)segment + start, used - 1 - start);
    } else if (segment[used - 1] == '%') {
        tinyq_text_command((char *)segment, 0);
    }
    begin(false);
}

void tinyq_receive(uint8_t byte)
{
    const uint32_t now = tinyq_port_millis();
    if (binary && now - last_ms > STALE_MS) {
        tinyq_count_damaged();
        begin(false);
    }
    last_ms = now;
    if (byte == 0) {
        end_segment();
        return;
    }
    if (used < sizeof segment) {
        segment[used++] = byte;
    } else {
        overflowed = true;
        segment[used - 1] = byte;
    }
    if (ends_command(byte)) {
        if (!binary) {
            end_command();
        }
    } else if (behind_zero && used > 1 && (byte < 0x20 || byte > 0x7E)) {
        binary = true;
    }
}
