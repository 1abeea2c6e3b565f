/* SPDX-License-Identifier: Apache-2.0 */
/* The text dialect, for people. */
#ifndef TINYQ_TEXT_H
#define TINYQ_TEXT_H

#include <stdint.h>

/* Carries out the command of size characters, terminator not included; line[size] may be overwritten. */
void tinyq_text_command(char *line, uint32_t size);

/* Answers a command that was longer than the receive buffer. */
void tinyq_text_too_long(void);

#endif
