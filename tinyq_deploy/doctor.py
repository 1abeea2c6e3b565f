# SPDX-License-Identifier: Apache-2.0
"""What this machine has for each step, and the exact command for what it lacks. Starts nothing but `--version`."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Literal

from tinyq_deploy import __version__, ports, runtimes
from tinyq_deploy.errors import TinyqError
from tinyq_deploy.flashers import REGISTRY as FLASHERS
from tinyq_deploy.flashers.base import ToolFlasher
from tinyq_deploy.flashers.volumes import mounted
from tinyq_deploy.kernels.cmsis_nn import library as cmsis_nn
from tinyq_deploy.simulators import SIMULATORS
from tinyq_deploy.toolchains import REGISTRY as TOOLCHAINS

Group = Literal["python", "packages", "models", "build", "virtual boards", "boards", "kernels"]
_DISTRIBUTION = "tinyq-deploy"
_LEAST_PYTHON = (3, 11)
# Package -> the extra that brings it and what it is for; what the distribution requires always is read from it.
_EXTRAS = {
    "tensorflow": ("tensorflow", "quantizes Keras models and SavedModels"),
    "tf-keras": ("tensorflow", "reads Keras models that Keras 3 does not"),
    "tflite-micro": ("oracle", "the reference that results are compared with"),
    "capstone": ("virtual", "estimates of cycles"),
    "unicorn": ("virtual", "the virtual STM32F4 board"),
    "ziglang": ("virtual", "a compiler for every board"),
    "bakenn": ("cmsis-nn", "a copy of CMSIS-NN"),
    "pyocd": ("flash", "flashes through most debug probes"),
    "pillow": ("images", "reads image folders"),
}
_ALWAYS = ("ai-edge-litert", "flatbuffers", "jinja2", "litert-quantizer", "numpy", "pydantic", "pyelftools", "pyserial")


@dataclass(frozen=True)
class Check:
    """One thing that was looked for. `found` is a version, place or reason; `next` is the step when it is missing.

    A missing thing that is `required` keeps tinyq-deploy from working; any other only closes one way among several.
    """

    group: Group
    name: str
    ok: bool
    found: str
    next: str = ""
    required: bool = False


def examine() -> list[Check]:
    """Every check, in the order of the flow. Never raises for what is missing."""
    return [
        *_python(),
        *_packages(),
        *_models(),
        *_toolchains(),
        *_simulators(),
        *_cmsis_nn(),
        *_serial_ports(),
        *_flashers(),
    ]


def _python() -> Iterator[Check]:
    running = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    ok = sys.version_info[:2] >= _LEAST_PYTHON
    yield Check("python", "python", ok, running, "" if ok else "install Python 3.11 or newer", required=True)
    yield Check("python", _DISTRIBUTION, True, __version__, required=True)


def _packages() -> Iterator[Check]:
    for name in _required():
        found = _version(name)
        yield Check("packages", name, found is not None, found or "missing", _install(name, found), required=True)
    for name, (extra, purpose) in _EXTRAS.items():
        found = _version(name)
        step = "" if found else f"pip install '{_DISTRIBUTION}[{extra}]'"
        yield Check("packages", name, found is not None, found or f"missing: {purpose}", step)


def _required() -> tuple[str, ...]:
    """Names of the packages that the installed distribution requires without an extra."""
    try:
        lines = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        return _ALWAYS
    plain = [line.partition(";")[0] for line in lines if "extra ==" not in line]
    return tuple("".join(c if c.isalnum() or c in "-_." else " " for c in line).split()[0] for line in plain)


def _install(name: str, found: str | None) -> str:
    return "" if found else f"pip install {name}"


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _models() -> Iterator[Check]:
    found = runtimes.installed()
    step = "" if found else "pip install ai-edge-litert"
    yield Check("models", "TFLite runtime", bool(found), ", ".join(found) or "missing", step, required=True)
    exact = _version("tflite-micro")
    told = f"tflite-micro {exact}" if exact else "LiteRT, which rounds some fully-connected outputs differently"
    step = "" if exact else f"pip install '{_DISTRIBUTION}[oracle]' (Linux x86-64)"
    yield Check("models", "oracle", exact is not None, told, step)


def _toolchains() -> Iterator[Check]:
    for kind in TOOLCHAINS:
        toolchain = kind.find()
        if toolchain is None:
            yield Check("build", kind.name, False, "missing", kind.install)
            continue
        try:
            yield Check("build", kind.name, True, f"{toolchain.version()} ({' '.join(toolchain.command)})")
        except TinyqError as error:
            yield Check("build", kind.name, False, error.faults[0].found, error.faults[0].hint)


def _simulators() -> Iterator[Check]:
    for simulator in SIMULATORS:
        reason = simulator.available()
        told = "available" if reason is None else "missing"
        yield Check("virtual boards", simulator.name, reason is None, told, reason or "")


def _cmsis_nn() -> Iterator[Check]:
    """The copy that a build would take, by the build's own search."""
    step = f"pip install '{_DISTRIBUTION}[cmsis-nn]', or set TINYQ_CMSIS_NN to your copy"
    try:
        library = cmsis_nn.find(None, os.environ)
    except TinyqError as error:
        yield Check("kernels", "CMSIS-NN", False, error.faults[0].found, error.faults[0].hint or step)
        return
    told = library.describe() if library else "missing"
    yield Check("kernels", "CMSIS-NN", library is not None, told, "" if library else step)


def _serial_ports() -> Iterator[Check]:
    found = ports.list_ports()
    if not found:
        yield Check("boards", "serial port", False, "none of a known board", "plug the board in by its debug USB port")
    for port in found:
        told = f"{port.why} {port.serial_number}".rstrip()
        ok = sys.platform == "win32" or os.access(port.device, os.R_OK | os.W_OK)
        step = "" if ok else "sudo usermod -a -G dialout $USER, then log in again"
        yield Check("boards", port.device, ok, told, step)


def _flashers() -> Iterator[Check]:
    volumes = ", ".join(volume.label for volume in mounted()) or "no volume of a board"
    for flasher in FLASHERS.values():
        if not isinstance(flasher, ToolFlasher):
            yield Check("boards", f"flash by {flasher.name}", True, f"needs no tool; volumes: {volumes}")
            continue
        command = flasher.command()
        told = " ".join(command) if command else "missing"
        yield Check("boards", f"flash by {flasher.name}", command is not None, told, "" if command else flasher.install)
