/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs rendered models: requests are model number, input bytes; the answer is the outputs' bytes. Each inference runs
 * twice from the same state, over an arena full of other values and once with buffers of the caller's own: the outputs and
 * the state afterwards must be the same.
 */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *text)
{
    fputs(text, stderr);
    exit(EXIT_FAILURE);
}

static void check_guards(const rendered_model *m)
{
    for (int side = 0; side < 2; ++side) {
        for (int i = 0; m->guards[side] != NULL && i < GUARD_BYTES; ++i) {
            if (m->guards[side][i] != GUARD_VALUE) {
                fail(side == 0 ? "a byte before the arena was written\n" : "a byte behind the arena was written\n");
            }
        }
    }
}

static void infer(const rendered_model *m)
{
    void *in[MOST_IOS], *out[MOST_IOS], *before[MOST_IOS], *inside[MOST_IOS], *outside[MOST_IOS];

    for (uint32_t i = 0; i < m->input_count; ++i) {
        in[i] = malloc(m->input_bytes[i]);
        before[i] = malloc(m->input_bytes[i]);
        if (fread(in[i], 1, m->input_bytes[i], stdin) != m->input_bytes[i]) {
            fail("half a request\n");
        }
        memcpy(before[i], in[i], m->input_bytes[i]);
    }
    for (uint32_t i = 0; i < m->output_count; ++i) {
        out[i] = malloc(m->output_bytes[i]);
    }
    uint8_t *const state = malloc(m->state_bytes + 1), *const after = malloc(m->state_bytes + 1);
    memcpy(state, m->arena, m->state_bytes);
    memset(m->arena + m->state_bytes, 0x55, m->arena_bytes - m->state_bytes);
    m->run(in, out);
    memcpy(after, m->arena, m->state_bytes);
    for (uint32_t i = 0; i < m->input_count; ++i) {
        if (memcmp(before[i], in[i], m->input_bytes[i]) != 0) {
            fail("the caller's input was written\n");
        }
    }
    memcpy(m->arena, state, m->state_bytes);
    for (uint32_t i = m->state_bytes; i < m->arena_bytes; ++i) {
        m->arena[i] = (uint8_t)(i * 37u + 11u);
    }
    for (uint32_t i = 0; i < m->input_count; ++i) {
        inside[i] = m->input[i]();
        memcpy(inside[i], in[i], m->input_bytes[i]);
    }
    for (uint32_t i = 0; i < m->output_count; ++i) {
        outside[i] = m->output[i]();
    }
    m->run(inside, outside);
    for (uint32_t i = 0; i < m->output_count; ++i) {
        if (memcmp(out[i], outside[i], m->output_bytes[i]) != 0) {
            fail("the outputs depend on what the arena held before\n");
        }
        fwrite(out[i], 1, m->output_bytes[i], stdout);
        free(out[i]);
    }
    for (uint32_t i = 0; i < m->input_count; ++i) {
        free(in[i]);
        free(before[i]);
    }
    if (memcmp(m->arena, after, m->state_bytes) != 0) {
        fail("the state depends on what the arena held before\n");
    }
    free(state);
    free(after);
    check_guards(m);
}

int main(void)
{
    uint32_t number;
    for (uint32_t i = 0; i < model_count; ++i) {
        if (models[i].reset != NULL) {
            models[i].reset();
        }
    }
    while (fread(&number, sizeof number, 1, stdin) == 1) {
        if (number >= model_count) {
            fail("no such model\n");
        }
        infer(&models[number]);
    }
    return EXIT_SUCCESS;
}
