# SPDX-License-Identifier: Apache-2.0
"""A file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinyq_deploy.errors import UsageError
from tinyq_deploy.files import write_bytes, write_text


def test_writes_and_makes_folders(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "é.txt", "ä\r\n")
    assert (tmp_path / "a" / "b" / "é.txt").read_bytes() == "ä\r\n".encode()


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UsageError, match="No space left"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(UsageError, match="can be written"):
        write_bytes(tmp_path / "a", b"new")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="can be written"):
        write_bytes(tmp_path / "file" / "b", b"new")


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_bytes(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644 or os.name == "nt"
