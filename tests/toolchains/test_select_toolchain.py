# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from tinyq_deploy import toolchains
from tinyq_deploy.errors import BuildError, UsageError
from tinyq_deploy.toolchains import Gcc, Host, Zig, select


@pytest.fixture
def installed(monkeypatch):
    """Sets which compilers `find` sees."""

    def choose(*kinds):
        for kind in (Gcc, Zig, Host):
            found = kind((kind.name,)) if kind in kinds else None
            monkeypatch.setattr(kind, "find", classmethod(lambda cls, found=found: found))

    return choose


def test_gcc_is_preferred_and_zig_is_the_fallback(installed, make_board):
    board = make_board("cortex-m4")
    installed(Gcc, Zig, Host)
    assert isinstance(select(board), Gcc)
    installed(Zig, Host)
    assert isinstance(select(board), Zig)


def test_without_a_compiler_the_error_says_what_to_install(installed, make_board):
    installed(Host)
    with pytest.raises(BuildError, match=r"no gcc or zig found[\s\S]*apt install[\s\S]*brew[\s\S]*winget") as caught:
        select(make_board("cortex-m4"))
    assert caught.value.exit_code == 4


def test_a_named_compiler_that_is_missing_is_not_replaced(installed, make_board):
    installed(Gcc)
    with pytest.raises(BuildError, match="no zig found"):
        select(make_board("cortex-m4"), "zig")


def test_the_host_gets_the_pcs_compiler(installed, make_board):
    installed(Gcc, Zig, Host)
    assert isinstance(select(make_board("host")), Host)


def test_an_unknown_name_lists_the_known(make_board):
    with pytest.raises(UsageError, match="one of gcc, zig"):
        select(make_board("cortex-m4"), "armcc")


def test_a_path_is_taken_as_it_is(make_board, tmp_path):
    path = str(tmp_path / "bin" / "arm-none-eabi-gcc")
    assert select(make_board("cortex-m4"), path).command == (path,)
    zig = str(tmp_path / "zig")
    assert isinstance(select(make_board("cortex-m4"), zig), Zig)
    assert select(make_board("cortex-m4"), zig).command == (zig, "cc")


def test_the_host_by_name(make_board, monkeypatch):
    monkeypatch.setattr(toolchains.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert select(make_board("host"), "clang").command == ("/usr/bin/clang",)
    monkeypatch.setattr(toolchains.shutil, "which", lambda name: None)
    with pytest.raises(BuildError, match="no clang on PATH"):
        select(make_board("host"), "clang")
