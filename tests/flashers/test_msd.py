# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno

import pytest

from tinyq_deploy.errors import FlashError
from tinyq_deploy.flashers import msd
from tinyq_deploy.flashers.msd import Msd
from tinyq_deploy.flashers.volumes import Volume


@pytest.fixture
def volume(tmp_path):
    path = tmp_path / "NODE_F446RE"
    path.mkdir()
    (path / "MBED.HTM").write_text("<html>")
    (path / "DETAILS.TXT").write_text("Version: 0221\r\n")
    return path


class Link:
    """Does what an ST-Link does some polls after the copy: takes the file away, and may leave FAIL.TXT."""

    def __init__(self, volume, told=None, after=3):
        self.volume, self.told, self.left, self.received = volume, told, after, b""

    def __call__(self, seconds):
        self.left -= 1
        if self.left == 0:
            self.received = (self.volume / "tinyq.bin").read_bytes()
            (self.volume / "tinyq.bin").unlink()
            if self.told:
                (self.volume / "FAIL.TXT").write_text(self.told)
            else:
                (self.volume / "FAIL.TXT").unlink(missing_ok=True)


def flasher(volume, sleep=lambda seconds: None, label="NODE_F446RE"):
    return Msd(lambda: (Volume("BOOT", volume.parent), Volume(label, volume)), sleep)


def test_the_image_arrives(board, firmware, volume):
    link = Link(volume)
    flasher(volume, link).flash(firmware, board, None)
    assert link.received == firmware.bin.read_bytes()
    assert link.left == 0


def test_fail_txt_is_told(board, firmware, volume):
    link = Link(volume, "The interface firmware FAILED to reset/halt the target MCU")
    with pytest.raises(FlashError, match=r"FAIL\.TXT: The interface firmware FAILED[\s\S]*jumpers"):
        flasher(volume, link).flash(firmware, board, None)


def test_an_old_fail_txt_that_goes_away_is_no_failure(board, firmware, volume):
    (volume / "FAIL.TXT").write_text("old")
    flasher(volume, Link(volume)).flash(firmware, board, None)


def test_the_wait_ends_when_the_link_never_answers(board, firmware, volume):
    waits = []
    flasher(volume, waits.append).flash(firmware, board, None)
    assert sum(waits) == pytest.approx(msd.WAIT_SECONDS, abs=0.3)


def test_a_stick_of_the_same_label_is_left_alone(board, firmware, volume):
    (volume / "MBED.HTM").unlink()
    (volume / "DETAILS.TXT").unlink()
    assert flasher(volume).missing(board) == "no volume NODE_F446RE is plugged in"
    with pytest.raises(FlashError, match="no volume NODE_F446RE"):
        flasher(volume).flash(firmware, board, None)
    assert not (volume / "tinyq.bin").exists()


@pytest.mark.parametrize("label", ["NODE_F446RE", "node_f446re", "NODE_F446RE1", "NODE_F446RE 1"])
def test_labels_that_match(board, volume, label):
    assert flasher(volume, label=label).missing(board) is None


@pytest.mark.parametrize("label", ["NODE_F401RE", "NODE_F446REX", "XNODE_F446RE"])
def test_labels_that_do_not(board, volume, label):
    assert flasher(volume, label=label).missing(board) is not None


def test_two_boards_are_listed_and_one_is_chosen_by_its_path(board, firmware, volume):
    second = volume.with_name("NODE_F446RE1")
    second.mkdir()
    (second / "DETAILS.TXT").write_text("x")
    both = Msd(lambda: (Volume("NODE_F446RE", volume), Volume("NODE_F446RE", second)), Link(second))
    with pytest.raises(FlashError, match=f"2 volumes: {volume}, {second}"):
        both.flash(firmware, board, None)
    both.flash(firmware, board, str(second))
    assert not (volume / "tinyq.bin").exists()


def test_a_volume_that_is_not_mounted_gets_the_command(board):
    unmounted = Msd(lambda: (Volume("NODE_F446RE", None, "/dev/sdb"),))
    assert unmounted.missing(board) == "volume NODE_F446RE is not mounted: udisksctl mount -b /dev/sdb"


@pytest.mark.parametrize(
    ("number", "hint"), [(errno.ENOSPC, "jumpers"), (errno.EROFS, "replug"), (errno.EIO, "half a program")]
)
def test_a_copy_that_fails(board, firmware, volume, monkeypatch, number, hint):
    def fail(descriptor):
        raise OSError(number, "told by the system")

    monkeypatch.setattr(msd.os, "fsync", fail)
    with pytest.raises(FlashError, match=rf"told by the system[\s\S]*{hint}"):
        flasher(volume).flash(firmware, board, None)


def test_steps(board, firmware, volume):
    step = ("copy", str(firmware.bin), str(volume / "tinyq.bin"))
    assert flasher(volume).steps(firmware, board, None) == (step,)
    nothing = Msd(lambda: ())
    assert nothing.steps(firmware, board, None)[0][2].startswith("NODE_F446RE")
