# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tinyq_deploy.toolchains import Host, Recipe, Source
from tinyq_deploy.toolchains import host as module

SOURCE = Source("src/main.c")
RECIPE = Recipe((SOURCE,), linker_script="", flags=("-fsanitize=address",))


def test_compile_argv(make_board):
    argv = Host(("cc",)).compile_argv(SOURCE, "m.o", RECIPE, make_board("host"), "balanced")
    assert argv == (
        "cc", "-O2", "-std=c11", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address", "-Isrc", "-Imodel",
        "-c", "src/main.c", "-o", "m.o",
    )  # fmt: skip


def test_link_argv(make_board):
    argv = Host(("cc",)).link_argv(["m.o"], "fw", RECIPE, make_board("host"), "speed")
    assert argv == ("cc", "-O3", "-fsanitize=address", "m.o", "-lm", "-o", "fw")


def test_zig_stands_in_when_there_is_no_compiler(make_board, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "zig_command", lambda: ("python", "-m", "ziglang", "cc"))
    found = Host.find()
    assert found is not None
    assert found.command == ("python", "-m", "ziglang", "cc")
    assert found.version_argv == ("python", "-m", "ziglang", "version")
    assert "-fno-sanitize=undefined" in found.compile_flags(SOURCE, RECIPE, make_board("host"), "speed")
