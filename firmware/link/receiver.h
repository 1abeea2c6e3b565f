/* SPDX-License-Identifier: Apache-2.0 */
/* Splits the received bytes into frames of the binary dialect and text commands. */
#ifndef TINYQ_RECEIVER_H
#define TINYQ_RECEIVER_H

#include <stdint.h>

/* Takes the next received byte; carries out the frame or the command that it completes. */
void tinyq_receive(uint8_t byte);

#endif
