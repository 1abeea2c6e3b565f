/* SPDX-License-Identifier: Apache-2.0 */
/* What port/libc.c has of string.h, for toolchains that come without a C library. */
#ifndef TINYQ_STRING_H
#define TINYQ_STRING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *__restrict to, const void *__restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);
size_t strlen(const char *text);

#ifdef __cplusplus
}
#endif

#endif
