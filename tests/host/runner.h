/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdint.h>

#define MOST_IOS 64

/* One rendered model. run copies in and out; run_in_arena uses the input and output inside the arena. */
typedef struct {
    uint8_t *arena;
    uint32_t arena_bytes, state_bytes; /* the state is the arena's beginning */
    const uint8_t *guards[2]; /* GUARD_BYTES each, before and behind the arena; null where it has none */
    uint32_t input_count, output_count;
    uint32_t input_bytes[MOST_IOS], output_bytes[MOST_IOS];
    void *(*input[MOST_IOS])(void);
    void *(*output[MOST_IOS])(void);
    void (*run)(void **inputs, void **outputs);
    void (*reset)(void); /* null where there is no state */
} rendered_model;

#define GUARD_BYTES 256
#define GUARD_VALUE 0xA5

extern const rendered_model models[];
extern const uint32_t model_count;

#endif
