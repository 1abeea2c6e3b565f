/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one portable kernel per request, for shapes that no compiler saw. Every array is an allocation of exactly its
 * size, so that the address sanitizer sees each access outside one. See host_c.py for the requests.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portable/add.h"
#include "portable/average_pool_2d.h"
#include "portable/conv_2d.h"
#include "portable/depthwise_conv_2d.h"
#include "portable/fully_connected.h"
#include "portable/max_pool_2d.h"
#include "portable/maximum.h"
#include "portable/minimum.h"
#include "portable/mul.h"
#include "portable/softmax.h"
#include "portable/sub.h"
#include "portable/table.h"

#define MOST_ARRAYS 8
enum { GIVEN, OUTPUT, OUTPUT_OVER_FIRST, OUTPUT_OVER_SECOND };

typedef struct {
    const char *name;
    uint32_t params_bytes;
    void (*run)(const void *params, void **a);
} kernel;

static void add(const void *p, void **a) { tinyq_portable_add(p, a[0], a[1], a[2]); }
static void average_pool_2d(const void *p, void **a) { tinyq_portable_average_pool_2d(p, a[0], a[1]); }
static void conv_2d(const void *p, void **a) { tinyq_portable_conv_2d(p, a[0], a[1], a[2], a[3], a[4], a[5]); }
static void depthwise_conv_2d(const void *p, void **a)
{
    tinyq_portable_depthwise_conv_2d(p, a[0], a[1], a[2], a[3], a[4], a[5]);
}
static void fully_connected(const void *p, void **a)
{
    tinyq_portable_fully_connected(p, a[0], a[1], a[2], a[3], a[4], a[5]);
}
static void max_pool_2d(const void *p, void **a) { tinyq_portable_max_pool_2d(p, a[0], a[1]); }
static void softmax(const void *p, void **a) { tinyq_portable_softmax(p, a[0], a[1], a[2]); }
static void table(const void *p, void **a) { tinyq_portable_table(p, a[0], a[1], a[2]); }
static void add_rows(const void *p, void **a) { tinyq_portable_add_rows(p, a[0], a[1], a[2]); }
static void maximum(const void *p, void **a) { tinyq_portable_maximum(p, a[0], a[1], a[2]); }
static void maximum_rows(const void *p, void **a) { tinyq_portable_maximum_rows(p, a[0], a[1], a[2]); }
static void minimum(const void *p, void **a) { tinyq_portable_minimum(p, a[0], a[1], a[2]); }
static void minimum_rows(const void *p, void **a) { tinyq_portable_minimum_rows(p, a[0], a[1], a[2]); }
static void mul(const void *p, void **a) { tinyq_portable_mul(p, a[0], a[1], a[2]); }
static void mul_rows(const void *p, void **a) { tinyq_portable_mul_rows(p, a[0], a[1], a[2]); }
static void sub(const void *p, void **a) { tinyq_portable_sub(p, a[0], a[1], a[2]); }
static void sub_rows(const void *p, void **a) { tinyq_portable_sub_rows(p, a[0], a[1], a[2]); }

static const kernel kernels[] = {
    {"tinyq_portable_add", sizeof(tinyq_add_params), add},
    {"tinyq_portable_average_pool_2d", sizeof(tinyq_pool_2d_params), average_pool_2d},
    {"tinyq_portable_conv_2d", sizeof(tinyq_conv_2d_params), conv_2d},
    {"tinyq_portable_depthwise_conv_2d", sizeof(tinyq_depthwise_conv_2d_params), depthwise_conv_2d},
    {"tinyq_portable_fully_connected", sizeof(tinyq_fully_connected_params), fully_connected},
    {"tinyq_portable_max_pool_2d", sizeof(tinyq_pool_2d_params), max_pool_2d},
    {"tinyq_portable_softmax", sizeof(tinyq_softmax_params), softmax},
    {"tinyq_portable_table", sizeof(tinyq_table_params), table},
    {"tinyq_portable_add_rows", sizeof(tinyq_add_rows_params), add_rows},
    {"tinyq_portable_maximum", sizeof(tinyq_maximum_params), maximum},
    {"tinyq_portable_maximum_rows", sizeof(tinyq_maximum_rows_params), maximum_rows},
    {"tinyq_portable_minimum", sizeof(tinyq_maximum_params), minimum},
    {"tinyq_portable_minimum_rows", sizeof(tinyq_minimum_rows_params), minimum_rows},
    {"tinyq_portable_mul", sizeof(tinyq_mul_params), mul},
    {"tinyq_portable_mul_rows", sizeof(tinyq_mul_rows_params), mul_rows},
    {"tinyq_portable_sub", sizeof(tinyq_add_params), sub},
    {"tinyq_portable_sub_rows", sizeof(tinyq_sub_rows_params), sub_rows},
};

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
    void *output = NULL;
    uint32_t output_bytes = 0;

    if (number() != k->params_bytes) {
        fail("the parameters are not those of the C struct\n");
    }
    take(params, k->params_bytes);
    const uint32_t count = number();
    for (uint32_t i = 0; i < count && i < MOST_ARRAYS; ++i) {
        const uint32_t kind = number();
        const uint32_t size = number();
        if (kind == GIVEN) {
            arrays[i] = owned[i] = malloc(size);
            take(arrays[i], size);
            continue;
        }
        arrays[i] = kind == OUTPUT ? (owned[i] = malloc(size)) : arrays[kind == OUTPUT_OVER_FIRST ? 0 : 1];
        output = arrays[i];
        output_bytes = size;
    }
    k->run(params, arrays);
    fwrite(output, 1, output_bytes, stdout);
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
