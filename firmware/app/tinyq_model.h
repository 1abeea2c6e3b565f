/* SPDX-License-Identifier: Apache-2.0 */
/* What the application and the link know of a model. src/model_binding.c defines the one that is bound. */
#ifndef TINYQ_MODEL_H
#define TINYQ_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One input or output tensor: its bytes inside the arena and its TINYQ_DTYPE_* id. */
typedef struct {
    void *data;
    uint32_t bytes;
    uint8_t dtype;
} tinyq_io;

typedef struct {
    const char *name;
    const uint8_t *sha256; /* 32 bytes: SHA-256 of the .tflite file */
    uint16_t input_count, output_count, layer_count;
    const tinyq_io *inputs, *outputs;
    void (*run)(void);                  /* all layers; may destroy the inputs */
    void (*run_layer)(uint16_t layer);  /* one layer, in order from 0; NULL: not in this build */
    void (*reset)(void);                /* the state back to its start; NULL: it keeps none */
    uint8_t *arena;
    uint32_t arena_bytes;
    const void *weights;
    uint32_t weights_bytes;
    uint32_t weights_crc32;  /* CRC-32 as zlib.crc32 of the bytes at weights */
    uint64_t *layer_cycles;  /* layer_count entries, filled by a run that times layers; NULL: none */
} tinyq_model;

extern const tinyq_model tinyq_bound_model;
extern const char tinyq_build_id[];
extern const char tinyq_kernel_set[];

#ifdef __cplusplus
}
#endif

#endif
