# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tinyq_deploy.flashers.probes import connected
from tinyq_deploy.ports import Candidate

PORTS = (
    Candidate("/dev/ttyACM1", "ST-LINK/V3 (USB 0483:374e)", "0B"),
    Candidate("/dev/ttyACM0", "ST-LINK/V2-1 (USB 0483:374b)", "0A"),
    Candidate("/dev/ttyACM2", "ST-LINK/V3 (USB 0483:374e)", "0B"),
    Candidate("/dev/ttyUSB0", "FTDI FT232R (USB 0403:6001)", "FT1"),
    Candidate("/dev/ttyACM3", "SEGGER J-Link (USB 1366:0105)", ""),
)


def test_a_probe_with_two_ports_counts_once_and_a_serial_adapter_does_not():
    found = [(probe.serial, probe.port) for probe in connected(PORTS)]
    assert found == [("0A", "/dev/ttyACM0"), ("0B", "/dev/ttyACM1")]
