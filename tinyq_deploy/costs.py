# SPDX-License-Identifier: Apache-2.0
"""What kernel calls cost: a shipped table of linear models, and a tuning file with what a board was measured to take.

firmware/kernels/costs.toml holds per core, `--optimize` and C function: coefficients of `work`, in instructions, and
code bytes. benchmarks/fit_costs.py fits it to QEMU's instruction counts. A tuning file is `tinyq-deploy tune`'s.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tinyq_deploy import assets
from tinyq_deploy.board import Core
from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.kernels.base import Cost, KernelCall
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.rules import window_pad
from tinyq_deploy.tuning import Tuning, call_key

# Cores whose instruction counts are those of another: measured within 3 % of it.
COUNTED_AS: Mapping[Core, Core] = {"cortex-m7": "cortex-m4", "cortex-m33": "cortex-m4"}
_WORD = 4
# Parameters that choose among a kernel's ways to compute an output.
_FORMS = ("form", "kind", "requantization")


@dataclass(frozen=True)
class Entry:
    """The model of one C function: instructions for each unit of `work`, the error that nine of ten of the `samples`
    stay within, a share of the amount, and the code bytes of one layer and of what all layers share."""

    instructions: Mapping[str, float]
    error: float
    code_bytes: int
    shared_bytes: int
    samples: int

    def predict(self, amounts: Mapping[str, int]) -> int:
        """Instructions for this much work."""
        return round(sum(factor * amounts.get(name, 0) for name, factor in self.instructions.items()))


@dataclass(frozen=True)
class Costs:
    """What is known for one core and one --optimize; `tuning` wins where it measured the very call."""

    optimize: str
    entries: Mapping[str, Entry] = field(default_factory=dict)
    tuning: Tuning | None = None

    def of(self, view: NodeView, call: KernelCall) -> Cost | None:
        """The cost of computing the node of `view` by `call`; None where nothing is known of it."""
        entry, known = self.entries.get(call.function or ""), self.measured(call)
        if known is not None or entry is None:
            return known
        code = entry.code_bytes + self._parameter_bytes(call)
        amount = entry.predict(work(view, call))
        return Cost(amount, "instructions", False, entry.error, code, entry.shared_bytes)

    def measured(self, call: KernelCall) -> Cost | None:
        """The cost of `call` where this very call was measured."""
        ticks = self.tuning.measured.get(call_key(call)) if self.tuning and call.function else None
        if ticks is None or self.tuning is None:
            return None
        entry = self.entries.get(call.function or "")
        code = entry.code_bytes + self._parameter_bytes(call) if entry else None
        return Cost(ticks, self.tuning.unit, True, 0.0, code, entry.shared_bytes if entry else None)

    def _parameter_bytes(self, call: KernelCall) -> int:
        """Parameters are literals that disappear in specialised code, and lie in flash where a function is shared."""
        return _WORD * len(call.params) if self.optimize == "size" else 0


def work(view: NodeView, call: KernelCall) -> dict[str, int]:
    """What `call` has to do for a node: amounts that kernels may take time in proportion to. What a name stands for is
    said beside it; a window's channels are those that one output sums."""
    output, weights = view.output(), view.input(1)
    width, channels = (1, 1, *output.shape)[-2:]
    pixels = output.size // channels
    rows, columns, depth = _window(view)
    taps = rows * columns
    length = taps * depth if depth > 1 else channels  # neighbours that are multiplied or compared together
    runs = output.size if depth > 1 else pixels * max(taps, 1)
    padded = pixels // width * _whole(width, 2) * _whole(channels, 8)
    macs, inside = OPERATORS[view.node.op].macs(view), _taps_inside(view, rows, columns) * channels * depth
    guarded = channels if inside < output.size * taps * depth else 0
    return {
        "macs": macs,
        "inside": inside,  # macs, or elements compared, without padding
        "guarded_rows": pixels * rows * guarded,  # where some windows reach beyond the input
        "guarded_taps": pixels * taps * guarded,
        "left_macs": pixels % 4 * channels * taps * depth,  # of output positions beyond the last four
        "outputs": output.size,
        "padded": padded,  # outputs, positions rounded up to two and channels to eight
        "inputs": sum(t.size for t in _activations(view)),
        "weights": weights.size if weights is not None and weights.data is not None else 0,
        "window": pixels * taps * depth,
        "rows": pixels * rows,
        "taps": pixels * taps,
        "channel_rows": output.size // width * rows,
        "channel_taps": output.size * taps,
        "words": runs * -(-length // 4),
        "odd_bytes": runs * (length % 4),
        "vectors": runs * -(-length // 16),
        "padded_vectors": padded * -(-length // 16),
        "pixels": pixels,
        "lines": output.size // width,
        "channels": channels,
        "layer": 1,
        **{f"{name}_{value}": output.size for name, value in call.params if name in _FORMS},
    }


def _whole(count: int, group: int) -> int:
    return -(-count // group) * group


def _activations(view: NodeView) -> list[Tensor]:
    inputs = [view.input(position) for position in range(len(view.node.inputs))]
    return [tensor for tensor in inputs if tensor is not None and tensor.data is None]


def _window(view: NodeView) -> tuple[int, int, int]:
    """(height, width, channels that one output sums) of a window; zeros where there is none."""
    if "filter_height" in view.node.options:
        return view.number("filter_height", 0), view.number("filter_width", 0), 1
    weights = view.input(1)
    if weights is None or weights.data is None or len(weights.shape) not in (2, 4):
        return 0, 0, 0
    if len(weights.shape) == 2:
        return 1, 1, weights.shape[-1]
    return weights.shape[1], weights.shape[2], 1 if weights.shape[0] == 1 else weights.shape[3]


def _taps_inside(view: NodeView, height: int, width: int) -> int:
    """Taps of all windows that lie in the input [1,H,W,C]; 1 for each output position where there is no window."""
    source, output = view.given(0).shape, view.output().shape
    if len(source) != 4 or len(output) != 4:
        return view.output().size // (1, *output)[-1]
    spans = zip(source[1:3], (height, width), ("h", "w"), output[1:3], strict=True)
    return math.prod(_inside(view, extent, taps, axis, count) for extent, taps, axis, count in spans)


def _inside(view: NodeView, extent: int, taps: int, axis: str, count: int) -> int:
    """The same along one axis. A band of rows has the option pad_top."""
    stride, dilation = view.number(f"stride_{axis}", 1), view.number(f"dilation_{axis}_factor", 1)
    padded = view.option("padding", "VALID") == "SAME"
    before = window_pad(extent, (taps - 1) * dilation + 1, stride, count) if padded else 0
    if axis == "h":
        before = view.number("pad_top", before)
    # A tap lies at n * stride - shift for the output position n: inside from `first` to `last`.
    shifts = (before - tap * dilation for tap in range(taps))
    spans = ((max(0, -(-shift // stride)), min(count - 1, (extent - 1 + shift) // stride)) for shift in shifts)
    return sum(max(0, last - first + 1) for first, last in spans)


def load(core: Core, optimize: str, tuning: Tuning | None = None) -> Costs:
    """The shipped models for `core` and `optimize` with what `tuning` measured. Raises UsageError where that was
    measured for another core or --optimize."""
    if tuning is not None:
        tuning.require(core, optimize)
    found = _table().get(COUNTED_AS.get(core, core), {}).get(optimize, {})
    return Costs(optimize, {name: _entry(row) for name, row in found.items()}, tuning)


def _entry(row: Mapping[str, float]) -> Entry:
    told = ("error", "code", "shared", "samples")
    instructions = {name: value for name, value in row.items() if name not in told}
    return Entry(instructions, row["error"], int(row["code"]), int(row["shared"]), int(row["samples"]))


def table_path() -> Path:
    """The shipped table."""
    return assets.folder("firmware") / "kernels" / "costs.toml"


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(table_path().read_text(encoding="utf-8"))
