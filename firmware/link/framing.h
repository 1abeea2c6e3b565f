/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the binary dialect: 00 COBS(type, seq, payload, crc32 little-endian) 00. */
#ifndef TINYQ_FRAMING_H
#define TINYQ_FRAMING_H

#include <stdint.h>

#define TINYQ_CRC_BYTES 4u

/* CRC-32 of size bytes as zlib.crc32(data, crc) computes it; crc is 0 for the first piece. */
uint32_t tinyq_crc32(uint32_t crc, const void *data, uint32_t size);

/* Undoes COBS and the CRC in place. Returns the bytes left (type, seq, payload), 0 when the segment is no frame. */
uint32_t tinyq_frame_decode(uint8_t *segment, uint32_t size);

/* Appends the CRC to the size bytes of raw, which has room for it, and sends the frame. */
void tinyq_frame_send(uint8_t *raw, uint32_t size);

uint32_t tinyq_get_u32(const uint8_t *from);
uint16_t tinyq_get_u16(const uint8_t *from);
void tinyq_put_u32(uint8_t *to, uint32_t value);

#endif
