# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tinyq_deploy.flashers.volumes import Volume, linux, mounted

MOUNTS = """\
/dev/sda2 / ext4 rw 0 0
/dev/sdb /media/u/NODE_F446RE vfat rw,relatime 0 0
/dev/sdc /media/u/MY\\040DISK vfat rw 0 0
tmpfs /tmp tmpfs rw 0 0
"""


def test_labels_mount_points_and_what_is_not_mounted():
    labels = {"/dev/sdb": "NODE_F446RE", "/dev/sdd": "NODE_L476RG", "/dev/sda2": "root"}
    assert linux(MOUNTS, labels)[:2] == (
        Volume("NODE_F446RE", Path("/media/u/NODE_F446RE"), "/dev/sdb"),
        Volume("MY DISK", Path("/media/u/MY DISK"), "/dev/sdc"),
    )
    assert Volume("NODE_L476RG", None, "/dev/sdd") in linux(MOUNTS, labels)


def test_without_udev_the_folder_gives_the_label():
    assert linux(MOUNTS, {})[0].label == "NODE_F446RE"


def test_this_machine_can_be_asked():
    assert isinstance(mounted(), tuple)
