# SPDX-License-Identifier: Apache-2.0
"""Chains of layers that run in bands of rows, so that what lies between them is never whole in memory.

In NHWC a band of rows is contiguous: a layer on a band is the same layer on a lower input, with the padding that its
band sees. Between two layers of a chain lies a window of rows. For each band of the chain's output the rows that the
last band left and this one needs too move to the window's front, the layer before computes the rows that are new, and
the layer behind reads the window. No row is computed twice, and none that nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from tinyq_deploy.arena import ALIGNMENT, aligned
from tinyq_deploy.chain import Band, Chain, Move, Part, Place, Run, flash_of, total
from tinyq_deploy.costs import Costs
from tinyq_deploy.graph import Graph, Node, NodeView
from tinyq_deploy.kernels.base import Cost, KernelCall, Read, Scratch, Target, Write
from tinyq_deploy.lower import LoweredNode, lower_node
from tinyq_deploy.ops.conv_2d import BAND_PAD_TOP, Conv2D, window
from tinyq_deploy.ops.depthwise_conv_2d import DepthwiseConv2D
from tinyq_deploy.ops.pool_2d import AveragePool2D, MaxPool2D

ROW_WISE = {operator.name: operator for operator in (Conv2D, DepthwiseConv2D, AveragePool2D, MaxPool2D)}


@dataclass(frozen=True)
class Rows:
    """Rows from `first` up to `end`, exclusive."""

    first: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.first)


@dataclass(frozen=True)
class _Geometry:
    """How one node's output rows depend on its input rows; bytes are per row."""

    stride: int
    extent: int
    pad_top: int
    input_height: int
    output_height: int
    input_bytes: int
    output_bytes: int

    def reads(self, rows: Rows) -> Rows:
        """The input rows under the windows of `rows`."""
        first, last = rows.first * self.stride - self.pad_top, (rows.end - 1) * self.stride - self.pad_top
        return Rows(min(max(0, first), self.input_height), min(self.input_height, last + self.extent))


def _geometry(view: NodeView) -> _Geometry:
    params = ROW_WISE[view.node.op].params(view)
    kernel, source, output = (params.filter_height, params.filter_width), view.given(0), view.output()
    w = window(view, kernel)
    height = output.shape[1]
    return _Geometry(
        w.stride_height, (kernel[0] - 1) * w.dilation_height + 1, w.pad_top, source.shape[1], height,
        source.bytes // source.shape[1], output.bytes // height,
    )  # fmt: skip


@dataclass(frozen=True)
class _Task:
    """What one node does for one band: the rows it computes, and before that the rows in its output's window and those
    of them that stay."""

    computes: Rows
    before: Rows
    holds: Rows

    @property
    def kept(self) -> Rows:
        """Rows that the window holds already."""
        return Rows(max(self.holds.first, self.before.first), self.before.end)


def schedule(nodes: Sequence[_Geometry], rows: int) -> list[list[_Task]]:
    """[band][node]: which rows each node computes so that the last one gives `rows` output rows a band."""
    held = [Rows(0, 0)] * len(nodes)
    bands = []
    for first in range(0, nodes[-1].output_height, rows):
        wanted = Rows(first, min(first + rows, nodes[-1].output_height))
        tasks: list[_Task] = []
        for n in range(len(nodes) - 1, -1, -1):
            before = held[n]
            computes = Rows(max(before.end, wanted.first), max(before.end, wanted.end))
            held[n] = wanted if len(computes) else before
            tasks.insert(0, _Task(computes, before, held[n]))
            wanted = nodes[n].reads(computes) if len(computes) else Rows(0, 0)
        bands.append(tasks)
    return bands


class Banding:
    """Makes chains of a graph's nodes for a target. The kernels are from the set that the whole node's first candidate
    is from, if that takes a band of rows; where `tight`, they are those with the least scratch."""

    def __init__(self, graph: Graph, target: Target, kernels: str, costs: Costs | None = None) -> None:
        self._graph, self._target, self._kernels, self._costs = graph, target, kernels, costs
        self._calls: dict[tuple[object, ...], list[KernelCall]] = {}
        self._chains: dict[tuple[tuple[int, ...], int, bool], Chain | None] = {}

    def chain(self, items: Sequence[LoweredNode], rows: int, tight: bool = False) -> Chain | None:
        """`items`, each reading what the one before it writes, in bands of `rows` rows of the last one's output. None
        where a kernel takes no bands, a band would not start at a whole word, or the output has no more rows."""
        key = (tuple(item.node.index for item in items), rows, tight)
        if key not in self._chains:
            takes = all(self.takes(item.node) for item in items)
            self._chains[key] = self._chain(items, rows, tight) if takes else None
        return self._chains[key]

    def _chain(self, items: Sequence[LoweredNode], rows: int, tight: bool) -> Chain | None:
        geometries = [_geometry(NodeView(self._graph, item.node)) for item in items]
        if rows >= geometries[-1].output_height:
            return None
        maker = _Maker(self, items, geometries, schedule(geometries, rows), tight)
        bands = tuple(maker.bands())
        if not maker.sound(bands):
            return None
        cost = total([step.part.call for step in _runs(bands)])
        return maker.finish(shared(bands) if self._target.small else apart(bands), rows, cost)

    def takes(self, node: Node) -> bool:
        """Whether a node works row by row."""
        view = NodeView(self._graph, node)
        return node.op in ROW_WISE and len(view.output().shape) == 4 and view.given(0).shape[:1] == (1,)

    def call(self, item: LoweredNode, reads: int, rows: int, pad_top: int, tight: bool) -> KernelCall:
        """The call that computes `rows` output rows of a node from `reads` input rows."""
        key = (item.node.index, reads, rows, pad_top)
        if key not in self._calls:
            view, wanted = self._band(item.node, reads, rows, pad_top), item.candidates[0].kernel_set
            calls = lower_node(view, self._target, self._kernels, self._costs).candidates
            self._calls[key] = [call for call in calls if call.kernel_set == wanted] or list(calls)
        first, *others = self._calls[key]
        alike = [first, *(call for call in others if call.function == first.function)]
        return min(alike, key=lambda call: call.scratch_bytes) if tight else first

    def _band(self, node: Node, reads: int, rows: int, pad_top: int) -> NodeView:
        tensors = list(self._graph.tensors)
        for index, height in ((node.inputs[0], reads), (node.outputs[0], rows)):
            tensor = tensors[index]
            tensors[index] = replace(tensor, shape=(tensor.shape[0], height, *tensor.shape[2:]))
        banded = replace(node, options=MappingProxyType({**node.options, BAND_PAD_TOP: pad_top}))
        return NodeView(replace(self._graph, tensors=tuple(tensors)), banded)


class _Maker:
    """Turns the schedule of a chain into calls and addresses."""

    def __init__(
        self, banding: Banding, items: Sequence[LoweredNode], geometries: Sequence[_Geometry],
        tasks: Sequence[Sequence[_Task]], tight: bool,
    ) -> None:  # fmt: skip
        self.banding, self.items, self.geometries, self.tasks, self.tight = banding, items, geometries, tasks, tight
        self.nodes = tuple(item.node for item in items)
        self.parts: dict[tuple[int, int, int, int], Part] = {}
        self.windows = [0]
        for n, geometry in enumerate(geometries[:-1]):
            most = max(len(band[n].holds) for band in tasks)
            self.windows.append(self.windows[-1] + aligned(most * geometry.output_bytes))

    def bands(self) -> Iterator[Band]:
        """Every band with its steps."""
        for tasks in self.tasks:
            steps = [step for n, task in enumerate(tasks) if len(task.computes) for step in self._steps(n, tasks)]
            yield Band(tasks[-1].computes.first, tasks[-1].computes.end - 1, tuple(steps))

    def _steps(self, n: int, tasks: Sequence[_Task]) -> Iterator[Run | Move]:
        task, geometry, last = tasks[n], self.geometries[n], n == len(self.nodes) - 1
        shift = (task.kept.first - task.before.first) * geometry.output_bytes
        if not last and len(task.kept) and shift:
            front = Place("scratch", self.windows[n])
            yield Move(front, replace(front, offset=front.offset + shift), len(task.kept) * geometry.output_bytes)
        reads = geometry.reads(task.computes)
        begin = tasks[n - 1].holds.first if n else 0
        read = Place("input" if n == 0 else "scratch", (self.windows[n - 1] if n else 0)
                     + (reads.first - begin) * geometry.input_bytes)  # fmt: skip
        row = task.computes.first - (0 if last else task.holds.first)
        write = Place("output" if last else "scratch", (0 if last else self.windows[n]) + row * geometry.output_bytes)
        pad_top = max(0, geometry.pad_top - task.computes.first * geometry.stride)
        part = self._part(n, len(reads), len(task.computes), pad_top)
        yield Run(part, task.computes.first, len(task.computes), len(reads), read, write)

    def _part(self, n: int, reads: int, rows: int, pad_top: int) -> Part:
        key = (n, reads, rows, pad_top)
        if key not in self.parts:
            call = self.banding.call(self.items[n], reads, rows, pad_top, self.tight)
            self.parts[key] = Part(
                self.nodes[n], f"layer_{self.nodes[n].index:02d}_{self.nodes[n].op.lower()}_rows", call
            )
        return self.parts[key]

    def sound(self, bands: Sequence[Band]) -> bool:
        """Whether every kernel has one input and one output, and every address is a whole word."""
        for part in self.parts.values():
            kinds = [type(a) for a in part.call.arguments if isinstance(a, Read | Write)]
            if part.call.function is None or sorted(kinds, key=str) != [Read, Write]:
                return False
        return all(number % ALIGNMENT == 0 for band in bands for step in band.steps for number in _offsets(step))

    def finish(self, bands: tuple[Band, ...], rows: int, cost: Cost | None) -> Chain:
        """The chain of these bands; `cost` is that of all their calls."""
        parts = tuple(sorted(_parts(bands), key=lambda part: part.symbol))
        kernel_scratch = max(part.call.scratch_bytes for part in self.parts.values())
        functions = dict.fromkeys(part.call.function for part in parts if part.call.function)
        library = dict.fromkeys(name for part in parts for name in part.call.library_functions)
        call = KernelCall(
            parts[0].call.kernel_set, " + ".join(functions),
            arguments=(Read(self.nodes[0].inputs[0]), Scratch(self.windows[-1] + kernel_scratch),
                       Write(self.nodes[-1].outputs[0])),
            library_functions=tuple(library), lead=self._lead(), cost=cost and flash_of(cost, parts),
        )  # fmt: skip
        moved = sum(step.bytes for band in bands for step in band.steps if isinstance(step, Move))
        return Chain(self.nodes, rows, bands, parts, call, self.windows[-1], moved)

    def _lead(self) -> int:
        """How far the output has to start below the input: each band ends below what later bands still read."""
        first, last = self.geometries[0], self.geometries[-1]
        lead, still_read = 0, None
        for tasks in reversed(self.tasks):
            if still_read is not None:
                lead = max(lead, tasks[-1].computes.end * last.output_bytes - still_read * first.input_bytes)
            if len(tasks[0].computes):
                still_read = first.reads(tasks[0].computes).first
        return lead


def apart(bands: Sequence[Band]) -> tuple[Band, ...]:
    """The same bands with a part for each set of numbers, all of them constants: the fastest."""
    return _renamed(bands, [[part] for part in _parts(bands)])


def shared(bands: Sequence[Band]) -> tuple[Band, ...]:
    """The same bands with one part for all calls of a node that differ only in numbers, which become its arguments."""
    groups: dict[tuple[object, ...], list[Part]] = {}
    for part in _parts(bands):
        groups.setdefault(_code(part), []).append(part)
    return _renamed(bands, list(groups.values()))


def _runs(bands: Sequence[Band]) -> list[Run]:
    return [step for band in bands for step in band.steps if isinstance(step, Run)]


def _parts(bands: Sequence[Band]) -> list[Part]:
    return list(dict.fromkeys(step.part for step in _runs(bands)))


def _renamed(bands: Sequence[Band], groups: Sequence[Sequence[Part]]) -> tuple[Band, ...]:
    """`bands` with one part for each group, each with a name of its own."""
    merged: dict[Part, Part] = {}
    for number, group in enumerate(groups):
        before = sum(other[0].node == group[0].node for other in groups[:number])
        symbol = group[0].symbol + (f"_{before + 1}" if before else "")
        merged.update(dict.fromkeys(group, replace(group[0], symbol=symbol, varying=_varying(group))))
    return tuple(replace(band, steps=tuple(_with_numbers(step, merged) for step in band.steps)) for band in bands)


def _varying(parts: Sequence[Part]) -> Mapping[str, str]:
    """The argument for each parameter that is not the same in all `parts`."""
    columns = {name: tuple(dict(part.call.params)[name] for part in parts) for name, _ in parts[0].call.params}
    arguments = {column: name for name, column in reversed(columns.items()) if len(set(column)) > 1}
    return MappingProxyType({name: arguments[column] for name, column in columns.items() if column in arguments})


def _with_numbers(step: Run | Move, merged: Mapping[Part, Part]) -> Run | Move:
    if isinstance(step, Move):
        return step
    numbers, part = dict(step.part.call.params), merged[step.part]
    return replace(step, part=part, numbers=tuple(int(numbers[name]) for name in part.arguments))


def _code(part: Part) -> tuple[object, ...]:
    """What parts have in common that can be one function: all but the numbers."""
    constants = tuple((c.name, c.values.dtype.name, c.values.tobytes()) for c in part.call.constants)
    return part.node.index, part.call.function, constants, tuple(map(type, part.call.arguments))


def _offsets(step: Run | Move) -> tuple[int, int]:
    if isinstance(step, Move):
        return (step.to.offset, step.source.offset)
    return (step.read.offset, step.write.offset)
