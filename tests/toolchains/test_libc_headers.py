# SPDX-License-Identifier: Apache-2.0
"""firmware/port/libc stands in for a C library: no compiler needs one, and the types are the compiler's own."""

from __future__ import annotations

import pytest

from tinyq_deploy import assets, process
from tinyq_deploy.toolchains import Gcc, Recipe, Source, Zig

CODE = """
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __ARM_FEATURE_MVE
#include <arm_mve.h>
#endif
_Static_assert(sizeof(int8_t) == 1 && sizeof(int16_t) == 2 && sizeof(int32_t) == 4 && sizeof(int64_t) == 8, "");
_Static_assert(sizeof(uintptr_t) == sizeof(void *) && SIZE_MAX == UINTPTR_MAX, "");
_Static_assert(INT32_MIN == -2147483647 - 1 && UINT32_MAX == 4294967295u, "");
_Static_assert(INT64_MAX == INT64_C(9223372036854775807), "");
_Static_assert(CHAR_BIT == 8 && INT_MIN == INT32_MIN && UCHAR_MAX == 255 && LLONG_MAX == INT64_MAX, "");
uint32_t word(const void *from);
uint32_t word(const void *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}
"""


def without_library(toolchain):
    """Flags that leave only the compiler's own headers; zig has no others."""
    if not isinstance(toolchain, Gcc):
        return ()
    argv = (*toolchain.command, "-print-file-name=include")
    folder = process.run(argv, timeout=60).stdout.strip()
    return ("-nostdinc", "-isystem", folder, "-isystem", f"{folder}-fixed")


@pytest.mark.parametrize("kind", [Gcc, Zig])
@pytest.mark.parametrize(("core", "fpu"), [("cortex-m0", ""), ("cortex-m4", "fpv4-sp-d16"), ("cortex-m55", "")])
def test_the_headers_suffice_without_a_c_library(make_board, tmp_path, kind, core, fpu):
    toolchain = kind.find() or pytest.skip(f"{kind.name} is not installed")
    (tmp_path / "a.c").write_text(CODE)
    source = Source("a.c")
    recipe = Recipe((source,), include_dirs=(str(assets.folder("firmware") / "port" / "libc"),))
    argv = toolchain.compile_argv(source, "a.o", recipe, make_board(core, fpu), "balanced")
    result = process.run((*argv, *without_library(toolchain)), cwd=tmp_path, timeout=120)
    assert result.ok, result.output
    if core != "cortex-m0":
        assert b"memcpy" not in (tmp_path / "a.o").read_bytes()
