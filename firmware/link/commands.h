/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The binary dialect: one reply per request, and the same reply again for the same request, so a host may repeat
 * whatever stays unanswered. The layouts of all payloads are in the tool's protocol.py.
 */
#ifndef TINYQ_COMMANDS_H
#define TINYQ_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "app/tinyq_model.h"
#include "board_config.h"
#include "link/framing.h"
#include "protocol_ids.h"

#ifndef TINYQ_UART_BAUD
#define TINYQ_UART_BAUD 115200u /* a pipe has no rate */
#endif
#ifndef TINYQ_LINK_MAX_PAYLOAD
#define TINYQ_LINK_MAX_PAYLOAD TINYQ_DEFAULT_MAX_PAYLOAD
#endif
_Static_assert(TINYQ_LINK_MAX_PAYLOAD >= TINYQ_MIN_MAX_PAYLOAD, "the HELLO reply fits a frame");
_Static_assert(TINYQ_LINK_MAX_PAYLOAD <= 4096u, "the host splits frames of this size");

/* Type, seq, payload and CRC, before COBS. */
#define TINYQ_FRAME_MAX (2u + TINYQ_LINK_MAX_PAYLOAD + TINYQ_CRC_BYTES)

typedef struct {
    uint32_t damaged; /* segments that were neither a frame nor text */
    uint32_t frames;  /* valid frames */
    uint32_t repeats; /* of these, repeated requests */
} tinyq_link_counts;

/* Binds the model and checks its weights. Sends nothing. */
void tinyq_link_init(const tinyq_model *model);

/* Carries out the request of size bytes (type, seq, payload; its CRC behind them) and answers it. */
void tinyq_command(const uint8_t *frame, uint32_t size);

/* Gives a raised baud rate up when nothing valid arrives. Returns true while it has to be called on. */
bool tinyq_link_tick(void);

void tinyq_count_damaged(void);
tinyq_link_counts tinyq_link_statistics(void);

/* False when the weights are not the ones that the model was built with: then it must not run. */
bool tinyq_weights_ok(void);

/* Runs the model once, or layer by layer with the cycles of each in model->layer_cycles, for the text dialect: inputs
 * and results of a host are void then. Returns the cycles of the run, or of all layers together. */
uint64_t tinyq_timed_run(bool layers);

#endif
