# SPDX-License-Identifier: Apache-2.0
"""What kernel calls have to do: amounts that kernels may take time in proportion to, for the models of costs.py.

Operators with weights or windows have amounts of multiplications, taps and rows; all others are runs of elements side
by side, as the innermost loops of their kernels are. What a name stands for is said beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.kernels.base import KernelCall
from tinyq_deploy.ops import OPERATORS
from tinyq_deploy.ops.reduce import loops
from tinyq_deploy.ops.rules import window_pad

_POOLS = ("AVERAGE_POOL_2D", "MAX_POOL_2D")
_SUMS = ("MEAN", "SUM")
# Parameters that choose among a kernel's ways to compute an output.
_FORMS = ("even", "form", "kind", "requantization")
Params = Mapping[str, int | float]


def work(view: NodeView, call: KernelCall) -> dict[str, int]:
    """What `call` has to do for a node, of a fused pair the first one."""
    params = {name.rpartition(".")[2]: value for name, value in call.params}
    output = view.output()
    macs = OPERATORS[view.node.op].macs(view)
    found = _of_windows(view, macs) if macs or view.node.op in _POOLS else _of_runs(view, call, params)
    return {
        **found,
        **(_of_planes(params) if "copy_pairs" in params else {}),
        **(_of_tiles(params) if "chunk_quads" in params else {}),
        "outputs": output.size,
        "inputs": sum(t.size for t in _activations(view)),
        "layer": 1,
        **{f"{name}_{params[name]}": output.size for name in _FORMS if name in params},
    }


def _of_windows(view: NodeView, macs: int) -> dict[str, int]:
    """A window's channels are those that one output sums."""
    output, weights = view.output(), view.input(1)
    width, channels = (1, 1, *output.shape)[-2:]
    pixels = output.size // channels
    rows, columns, depth = _window(view)
    taps = rows * columns
    length = taps * depth if depth > 1 else channels  # neighbours that are multiplied or compared together
    runs = output.size if depth > 1 else pixels * taps
    padded = pixels // width * _whole(width, 2) * _whole(channels, 8)
    inside = _taps_inside(view, rows, columns) * channels * depth
    guarded = channels if inside < output.size * taps * depth else 0
    return {
        "macs": macs,
        "inside": inside,  # macs, or elements compared, without padding
        "guarded_rows": pixels * rows * guarded,  # where some windows reach beyond the input
        "guarded_taps": pixels * taps * guarded,
        "left_macs": pixels % 4 * channels * taps * depth,  # of output positions beyond the last four
        "macs_in_fours": macs // channels * _whole(channels, 4),  # with channels rounded up to four
        "padded": padded,  # outputs, positions rounded up to two and channels to eight
        "weights": weights.size if weights is not None and weights.data is not None else 0,
        "window": pixels * taps * depth,
        "rows": pixels * rows,
        "taps": pixels * taps,
        "channel_rows": output.size // width * rows,
        "channel_taps": output.size * taps,
        "words": runs * -(-length // 4),
        "odd_bytes": runs * (length % 4),
        "vectors": runs * -(-length // 16),
        "left_bytes": runs * (length % 16),  # beyond the last whole vector
        "padded_vectors": padded * -(-length // 16),
        "pixels": pixels,
        "lines": output.size // width,
        "channels": channels,
    }


def _of_planes(p: Params) -> dict[str, int]:
    """What a kernel over planes of int16 pairs (own/dsp/tinyq_planes.h) does; loads are of pairs of taps."""
    height, width, strips = p["output_height"], p["output_width"], -(-p["output_height"] // p["strip_rows"])
    depth, outputs = p["input_channels"], p["input_channels"] * p["depth_multiplier"]
    kept = (strips - 1) * max(0, p["plane_rows"] - p["strip_rows"] * p["stride_height"])
    in_fours = (width - p["phase"]) // 4 if p["stride_width"] == 1 else 0
    alone = width - 4 * in_fours
    found = {
        "plane_pairs": (depth // 4 + depth % 4) * (strips * p["plane_rows"] - kept) * p["copy_pairs"],  # spread
        "moved_pairs": kept * p["row_words"] * depth,
        "decoded": strips * outputs * p["filter_height"] * p["filter_words"],
        "pairs_in_fours": outputs * height * in_fours * p["filter_height"] * p["filter_words"],
        "rows_in_fours": outputs * height * in_fours * p["filter_height"],
        "pairs_alone": outputs * height * alone * p["filter_height"] * p["filter_words"],
        "rows_alone": outputs * height * alone * p["filter_height"],
    }
    return {name: int(value) for name, value in found.items()}


def _of_tiles(p: Params) -> dict[str, int]:
    """What a kernel over tiles of two by two outputs (own/dsp/tinyq_tiles.h) does, three tiles at a time."""
    groups = -(-(-(-int(p["output_height"]) // 2) * -(-int(p["output_width"]) // 2)) // 3)
    depth, outputs = int(p["input_channels"]), int(p["output_channels"])
    strips = -(-groups // int(p["groups"]))
    return {
        "tile_macs": 3 * groups * depth * outputs,
        "tile_inputs": 3 * groups * depth,
        "tile_outputs": 3 * groups * outputs,
        "tile_weights": strips * depth * outputs if p["transform"] else 0,  # transformed on the way
    }


def _of_runs(view: NodeView, call: KernelCall, p: Params) -> dict[str, int]:
    """Runs of elements side by side."""
    runs = _sums(view, call.kernel_set != "portable") if view.node.op in _SUMS else _runs(view, p)
    elements = sum(count * length for count, length in runs)
    count = sum(count for count, _ in runs)
    stays, apart = p.get("stays", p.get("step1", 1) * p.get("step2", 1) == 0), _apart(p)
    return {
        "elements": 0 if apart else elements,
        "runs": 0 if apart else count,
        "apart": elements if apart else 0,  # of runs whose elements do not lie side by side
        "apart_runs": count if apart else 0,
        "words": sum(count * (length // 4) for count, length in runs),
        "odd_bytes": sum(count * (length % 4) for count, length in runs),
        "unaligned": sum(count * length for count, length in runs if length % 4),
        "eights": sum(count * -(-length // 8) for count, length in runs),
        "vectors": sum(count * -(-length // 16) for count, length in runs),
        "repeated": elements if stays else 0,  # where one operand is the same along a run
        "filled": max(view.output().size - elements, 0) if p.get("filled", "fill" in p) else 0,
        "margins": _margins(p),
    }


def _runs(view: NodeView, p: Params) -> list[tuple[int, int]]:
    """(how many, elements of each) as the parameters of the kernel say; else rows of the output."""
    size = view.output().size
    if "length" in p:
        return [(size // int(p["length"]), int(p["length"]))]
    if "parts[0]" in p:
        return [(int(p["rows"]), part) for part in _array(p, "parts") if part]
    if "extent[0]" in p:
        *outer, inner = _array(p, "extent")
        return [(math.prod(outer), inner)]
    if "size" in p:
        return [(1, size)]
    channels = (1, *view.output().shape)[-1]
    return [(size // channels, channels)]


def _sums(view: NodeView, side_by_side: bool) -> list[tuple[int, int]]:
    """The runs of a SUM or MEAN: along what goes, or `side_by_side` along what stays where that is innermost."""
    found = loops(view)
    kept, gone = [size for size, _ in found.kept] or [1], [size for size, _ in found.reduced] or [1]
    if side_by_side and found.kept and found.kept[-1][1] == 1:
        return [(math.prod(kept[:-1]) * math.prod(gone), kept[-1])]
    return [(math.prod(kept) * math.prod(gone[:-1]), gone[-1])]


def _margins(p: Params) -> int:
    """How often a padding that writes each byte once fills some."""
    count, total = 1, 0
    for extent, before, after in zip(*(_array(p, name) for name in ("extent", "before", "after")), strict=False):
        total += count * ((before > 0) + (after > 0))
        count *= extent
    return total


def _apart(p: Params) -> bool:
    """Whether the elements of a copy's runs do not lie side by side in both tensors."""
    return any(_array(p, name)[-1:] not in ([], [1]) for name in ("input_step", "output_step"))


def _array(p: Params, name: str) -> list[int]:
    return [int(value) for key, value in p.items() if key.startswith(f"{name}[")]


def _activations(view: NodeView) -> list[Tensor]:
    inputs = [view.input(position) for position in range(len(view.node.inputs))]
    return [tensor for tensor in inputs if tensor is not None and tensor.data is None]


def _whole(count: int, group: int) -> int:
    return -(-count // group) * group


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
