/* SPDX-License-Identifier: Apache-2.0 */
/* COBS: Cheshire and Baker, Consistent Overhead Byte Stuffing, IEEE/ACM ToN 7(2), 1999. */
#include "link/framing.h"

#include "port/tinyq_port.h"

uint32_t tinyq_get_u32(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

uint16_t tinyq_get_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] | from[1] << 8);
}

void tinyq_put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

/* One table entry per nibble: 64 bytes instead of the usual 1 KB. Polynomial 0xEDB88320, reflected. */
uint32_t tinyq_crc32(uint32_t crc, const void *data, uint32_t size)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
        0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };
    const uint8_t *byte = data;
    crc = ~crc;
    for (; size > 0; size--) {
        crc ^= *byte++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

uint32_t tinyq_frame_decode(uint8_t *segment, uint32_t size)
{
    uint32_t in = 0, out = 0;
    while (in < size) {
        uint32_t code = segment[in];
        if (code > size - in) {
            return 0;
        }
        for (uint32_t i = 1; i < code; i++) {
            segment[out++] = segment[in + i];
        }
        in += code;
        if (code != 255 && in < size) {
            segment[out++] = 0;
        }
    }
    if (out < 2 + TINYQ_CRC_BYTES) {
        return 0;
    }
    out -= TINYQ_CRC_BYTES;
    return tinyq_crc32(0, segment, out) == tinyq_get_u32(segment + out) ? out : 0;
}

void tinyq_frame_send(uint8_t *raw, uint32_t size)
{
    static const uint8_t delimiter = 0;
    tinyq_put_u32(raw + size, tinyq_crc32(0, raw, size));
    uint32_t left = size + TINYQ_CRC_BYTES;
    tinyq_port_write(&delimiter, 1);
    for (;;) {
        uint32_t run = 0;
        while (run < left && run < 254 && raw[run] != 0) {
            run++;
        }
        const uint8_t code = (uint8_t)(run + 1);
        tinyq_port_write(&code, 1);
        tinyq_port_write(raw, run);
        raw += run;
        left -= run;
        if (left == 0) {
            break;
        }
        if (run < 254) { /* the code byte stands for this zero */
            raw++;
            left--;
        }
    }
    tinyq_port_write(&delimiter, 1);
}
