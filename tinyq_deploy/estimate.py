# SPDX-License-Identifier: Apache-2.0
"""What each layer of a built image costs, from running the model alone on an emulated core: instructions, and for the
cores that `cycles` knows modelled cycles. No peripherals take part, so it works for boards that no simulator stands
for; only a core with Helium, which unicorn does not know, needs a virtual board.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy import cycles
from tinyq_deploy.board import Board
from tinyq_deploy.connect import device_of
from tinyq_deploy.cores import extension
from tinyq_deploy.errors import FirmwareFault, UsageError
from tinyq_deploy.graph import Tensor
from tinyq_deploy.manifest import LayerEntry, Manifest

if TYPE_CHECKING:
    from tinyq_deploy.simulators.bare_core import BareCore, Block
    from tinyq_deploy.simulators.base import Running
    from tinyq_deploy.stream import Device

TAKEN = "taken branches"
ANY = "any"


@dataclass(frozen=True)
class Spent:
    """Executed instructions of one kind, and their modelled cycles; 0 where the core has no model."""

    instructions: int = 0
    cycles: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.instructions + other.instructions, self.cycles + other.cycles)


@dataclass(frozen=True)
class LayerCost:
    """One layer that runs code. `kinds` has the taken branches in a row of their own, as cycles without instructions,
    and only the row ANY where no one saw the single instructions."""

    entry: LayerEntry
    kinds: Mapping[str, Spent]

    @property
    def total(self) -> Spent:
        """All kinds together."""
        return sum(self.kinds.values(), Spent())


@dataclass(frozen=True)
class Estimate:
    """A run of every layer of the image in `manifest`'s project, in order. `timing` is None where only instructions are
    counted; `oracle` names what the outputs equal, empty until they were compared."""

    manifest: Manifest
    board: Board
    layers: tuple[LayerCost, ...]
    outputs: tuple[bytes, ...]
    timing: cycles.Timing | None = None
    oracle: str = ""

    @property
    def total(self) -> Spent:
        """All layers together."""
        return sum((layer.total for layer in self.layers), Spent())


def estimate(elf: Path, about: Manifest, board: Board, inputs: Sequence[bytes]) -> Estimate:
    """One inference of the image `elf`, after a reset where its model keeps a state. `inputs` are the bytes of the
    model's inputs, in order.

    Raises UsageError for a core that no emulator knows, or when the emulator is not installed.
    """
    if extension(board.core) == "mve":
        with device_of(elf, board, port="", baud=0, virtual=True, simulator="qemu") as (device, running):
            device.require(sha256=bytes.fromhex(about.model_sha256), build_id=about.build_id)
            assert running is not None
            return _on_virtual_board(device, running, about, board, inputs)
    core = _bare_core(elf, board)
    timing = cycles.TIMINGS.get(board.core)
    if about.states:
        core.call(f"{about.name}_reset")
    arena = core.symbol(f"{about.name}_arena")
    for io, data in zip(about.inputs, inputs, strict=True):
        core.write(arena + io.offset, data)
    code = [entry for entry in about.layers if entry.symbol]
    layers = tuple(
        LayerCost(entry, _kinds(core.call(f"{about.name}_run_layer", number), timing))
        for number, entry in enumerate(code)
    )
    outputs = tuple(core.read(arena + io.offset, io.bytes) for io in about.outputs)
    return Estimate(about, board, layers, outputs, timing)


def noise(tensor: Tensor, x: int = 12345) -> npt.NDArray[Any]:
    """The reference input of all our figures, in the tensor's shape and type: byte by byte x >> 24 of
    x = x * 1664525 + 1013904223 modulo 2^32; reals are such a byte as int8, divided by 128."""
    real = tensor.dtype == "float32"
    values = []
    for _ in range(tensor.size if real else tensor.bytes):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        values.append(x >> 24)
    data = np.array(values, np.uint8)
    if tensor.dtype == "bool":
        return (data > 127).reshape(tensor.shape)
    data = (data.view(np.int8) / 128).astype(np.float32) if real else data.view(tensor.dtype)
    return data.reshape(tensor.shape)


def _on_virtual_board(
    device: Device, running: Running, about: Manifest, board: Board, inputs: Sequence[bytes]
) -> Estimate:
    """By the virtual board's counter, which its firmware reads before and after each layer."""
    outputs = device.run(inputs, layers=True).outputs
    counted = [running.instructions(ticks, device.hello().counter_hz) for ticks in device.layers()]
    code = [entry for entry in about.layers if entry.symbol]
    layers = tuple(LayerCost(e, {ANY: Spent(count or 0)}) for e, count in zip(code, counted, strict=True))
    return Estimate(about, board, layers, outputs)


def _bare_core(elf: Path, board: Board) -> BareCore:
    try:
        from tinyq_deploy.simulators.bare_core import BareCore
    except ImportError as error:
        hint = "pip install 'tinyq-deploy[virtual]'"
        raise UsageError("an estimate runs the model on unicorn", "it is not installed", hint) from error
    return BareCore(elf, board)


def _kinds(blocks: Sequence[Block], timing: cycles.Timing | None) -> Mapping[str, Spent]:
    """What the blocks of one layer cost, by the kind of instruction, the most instructions first."""
    found: dict[str, Spent] = {}
    for block in blocks:
        code = cycles.decode(block.code, block.address)
        priced = cycles.costs(code, timing) if timing else (cycles.Cost(one.kind, 0, 0) for one in code)
        taken = 0
        for cost in priced:
            found[cost.kind] = found.get(cost.kind, Spent()) + Spent(block.count, block.count * cost.cycles)
            taken = cost.taken
        found[TAKEN] = found.get(TAKEN, Spent()) + Spent(0, block.jumped * taken)
    return dict(sorted(found.items(), key=lambda item: -item[1].instructions))


def checked(found: Estimate, expected: Sequence[bytes], oracle: str) -> Estimate:
    """`found` with the oracle's name. Raises FirmwareFault unless its outputs are the oracle's: what a wrong result
    costs is worth nothing."""
    for index, (output, right) in enumerate(zip(found.outputs, expected, strict=True)):
        if output != right:
            different = sum(a != b for a, b in zip(output, right, strict=True))
            raise FirmwareFault(
                f"the emulated model computes what {oracle} does, byte for byte",
                f"output {index}: {different} of {len(right)} bytes differ",
                "`bench --virtual` tells whether the simulator or the firmware is wrong",
            )
    return replace(found, oracle=oracle)
