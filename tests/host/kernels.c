/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one portable kernel per request, for shapes that no compiler saw. Every array is an allocation of exactly its
 * size, so that the address sanitizer sees each access outside one. See host_c.py for the requests.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ARRAYS 80
enum { GIVEN, OUTPUT, ABSENT, OUTPUT_OVER_FIRST };

typedef struct {
    const char *name;
    uint32_t params_bytes;
    void (*run)(const void *params, void **a);
} kernel;

/* A function and a row of `kernels` for every header in portable/, made by host_c.py. */
#include "kernel_table.h"

static void take(void *data, size_t size)
{
    if (fread(data, 1, size, stdin) != size) {
        exit(EXIT_FAILURE);
    }
}

static uint32_t number(void)
{
    uint32_t value;
    take(&value, sizeof value);
    return value;
}

static void fail(const char *text)
{
    fputs(text, stderr);
    exit(EXIT_FAILURE);
}

static const kernel *find(const char *name)
{
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; ++i) {
        if (strcmp(kernels[i].name, name) == 0) {
            return &kernels[i];
        }
    }
    fail("no such kernel\n");
    return NULL;
}

static void request(const kernel *k)
{
    void *params = malloc(k->params_bytes);
    void *arrays[MOST_ARRAYS] = {0};
    void *owned[MOST_ARRAYS] = {0};
    uint32_t output_bytes[MOST_ARRAYS] = {0};

    if (number() != k->params_bytes) {
        fail("the parameters are not those of the C struct\n");
    }
    take(params, k->params_bytes);
    const uint32_t count = number();
    for (uint32_t i = 0; i < count && i < MOST_ARRAYS; ++i) {
        const uint32_t kind = number();
        const uint32_t size = number();
        if (kind == ABSENT) {
            continue;
        }
        if (kind == GIVEN) {
            arrays[i] = owned[i] = malloc(size);
            take(arrays[i], size);
            continue;
        }
        arrays[i] = kind == OUTPUT ? (owned[i] = malloc(size)) : arrays[kind - OUTPUT_OVER_FIRST];
        output_bytes[i] = size;
    }
    k->run(params, arrays);
    for (int i = 0; i < MOST_ARRAYS; ++i) {
        if (output_bytes[i] > 0) {
            fwrite(arrays[i], 1, output_bytes[i], stdout);
        }
    }
    fflush(stdout);
    for (int i = 0; i < MOST_ARRAYS; ++i) {
        free(owned[i]);
    }
    free(params);
}

int main(void)
{
    char name[64];
    while (fread(name, 1, sizeof name, stdin) == sizeof name) {
        name[sizeof name - 1] = '\0';
        request(find(name));
    }
    return EXIT_SUCCESS;
}
