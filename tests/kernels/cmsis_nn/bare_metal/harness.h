/* SPDX-License-Identifier: Apache-2.0 */
/* What the generated test programs share; it stands at their top. */
#include <stdint.h>
#include <string.h>

#define GUARD 16
#define GUARD_BYTE 0xA5

#if defined(__arm__)
int semihosting(int operation, const void *argument);
static void print(const char *text)
{
    semihosting(4 /* SYS_WRITE0 */, text);
}
#else
#include <stdio.h>
static void print(const char *text)
{
    fputs(text, stdout);
}
#endif

__attribute__((unused)) static void print_number(int32_t value)
{
    char text[12];
    char *p = text + sizeof text - 1;
    uint32_t rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    *p = '\0';
    do {
        *--p = (char)('0' + rest % 10u);
        rest /= 10u;
    } while (rest != 0u);
    if (value < 0) {
        *--p = '-';
    }
    print(p);
}

/* Marks the bytes on both sides of a piece of memory. */
__attribute__((unused)) static void guard_set(void *memory, int size)
{
    memset((uint8_t *)memory - GUARD, GUARD_BYTE, GUARD);
    memset((uint8_t *)memory + size, GUARD_BYTE, GUARD);
}

__attribute__((unused)) static int guard_check(int number, const void *memory, int size)
{
    const uint8_t *before = (const uint8_t *)memory - GUARD, *behind = (const uint8_t *)memory + size;
    for (int i = 0; i < GUARD; ++i) {
        if (before[i] != GUARD_BYTE || behind[i] != GUARD_BYTE) {
            print("FAIL case ");
            print_number(number);
            print(before[i] != GUARD_BYTE ? ": wrote before its memory\n" : ": wrote behind its memory\n");
            return 1;
        }
    }
    return 0;
}

__attribute__((unused)) static int compare(int number, const char *name, const int8_t *a,
                                           const int8_t *b, int size)
{
    int different = 0, first = 0;
    for (int i = size - 1; i >= 0; --i) {
        if (a[i] != b[i]) {
            ++different;
            first = i;
        }
    }
    if (different != 0) {
        print("FAIL case ");
        print_number(number);
        print(" ");
        print(name);
        print(": different ");
        print_number(different);
        print(" of ");
        print_number(size);
        print(", first at ");
        print_number(first);
        print(": ");
        print_number(a[first]);
        print(" and ");
        print_number(b[first]);
        print("\n");
    }
    return different != 0;
}

__attribute__((unused)) static int finish(int failed)
{
    print(failed ? "FAILED\n" : "all equal\n");
    return failed;
}
