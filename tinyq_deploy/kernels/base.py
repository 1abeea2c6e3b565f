# SPDX-License-Identifier: Apache-2.0
"""A kernel: which nodes it takes on which core, and the call that the generated layer makes.

To add one: a C header in firmware/kernels/<set>/<name>.h, a Kernel subclass in kernels/<set>/<name>.py, a line in
kernels/__init__.py. The C function takes a pointer to its parameter struct first, then `arguments` in order.

A kernel sees no node of a kind that it does not name in `kinds`: int8 alone, unless it says so; int4 weights it sees as
int8, where flash does not count most (lower.py). C code that serves int8 and int16 alike is one inline body with `wide`
as a constant (tinyq_element.h) and an entry for each type.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from tinyq_deploy.board import Core
from tinyq_deploy.graph import Kind, NodeView, Tensor

if TYPE_CHECKING:
    from tinyq_deploy.kernels.cmsis_nn.library import Library

KernelSet = Literal["own", "cmsis-nn", "portable"]


@dataclass(frozen=True)
class Target:
    """What kernels are chosen for: the core, CMSIS-NN where the user has it, whether flash counts most, and whether
    scratch does."""

    core: Core
    cmsis_nn: Library | None = None
    small: bool = False
    least_scratch: bool = False


@dataclass(frozen=True)
class Read:
    """An activation the kernel reads, by tensor index."""

    tensor: int


@dataclass(frozen=True)
class Write:
    """An activation the kernel writes, by tensor index."""

    tensor: int


@dataclass(frozen=True, eq=False)
class Constant:
    """An array in flash, int8, (u)int16, int32 or int64, in the order the kernel reads it. Equal ones are stored
    once."""

    name: str
    values: npt.NDArray[Any]


@dataclass(frozen=True)
class Scratch:
    """Working memory that lives only during the call, bytes. The kernel gets a null pointer where it needs none."""

    bytes: int


Argument = Read | Write | Constant | Scratch


@dataclass(frozen=True)
class Cost:
    """What a call costs: `amount` in `unit` per inference, modelled or measured; the model's amount is within `error`,
    a share of it, for nine layers in ten. `code_bytes` is the modelled flash of this layer's own code and parameters,
    `shared_bytes` that of the code which all layers with the same function share; None where there is no model."""

    amount: int
    unit: str
    measured: bool = False
    error: float = 0.0
    code_bytes: int | None = None
    shared_bytes: int | None = None

    @property
    def source(self) -> str:
        """How reports label the amount."""
        return "measured" if self.measured else "modelled"


@dataclass(frozen=True)
class KernelCall:
    """One way to compute one node. `function` is None for a view: its output is its input's memory.

    `in_place` lists the inputs (tensor indices) whose memory the output may take, because each element is read before
    the element at its place is written. `lead` allows the output over the only activation that is read: each byte of
    it is read before that is written, if the input starts at least `lead` bytes after the output (`row_lead`).
    `batches` calls follow each other, each on the next of so many equal parts of what is read and written.
    From argument `pointers` on, all are passed as one array of pointers, the last parameter of the C function.
    `library_functions` are the CMSIS-NN functions that the adapter calls. `cost` is None where no table knows it.
    """

    kernel_set: KernelSet
    function: str | None
    header: str = ""
    params_type: str = ""
    params: tuple[tuple[str, int | float], ...] = ()
    arguments: tuple[Argument, ...] = ()
    in_place: tuple[int, ...] = ()
    library_functions: tuple[str, ...] = ()
    lead: int | None = None
    batches: int = 1
    cost: Cost | None = None
    pointers: int | None = None

    @property
    def constant_bytes(self) -> int:
        """Bytes of the arrays in flash, whether or not other layers share them."""
        return sum(constant.values.nbytes for constant in self.constants)

    @property
    def scratch_bytes(self) -> int:
        """Bytes of working memory."""
        return sum(argument.bytes for argument in self.arguments if isinstance(argument, Scratch))

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The arrays in flash that the call reads."""
        return tuple(argument for argument in self.arguments if isinstance(argument, Constant))


class Kernel(ABC):
    """One kernel for one operator."""

    op: str
    kernel_set: ClassVar[KernelSet]
    kinds: tuple[Kind, ...] = ("int8",)

    @abstractmethod
    def call(self, view: NodeView, target: Target) -> KernelCall | None:
        """The call that computes a checked node of one of its kinds on `target`, None where this kernel does not take
        it."""


class FusedKernel(ABC):
    """One kernel for two int8 nodes, of which the second alone reads the first's output: it reads the activations of
    both but that one, and writes the second's output."""

    ops: ClassVar[tuple[str, str]]
    kernel_set: ClassVar[KernelSet]

    @abstractmethod
    def call(self, first: NodeView, second: NodeView, target: Target) -> KernelCall | None:
        """The call that computes both checked nodes on `target`, None where this kernel does not take them."""


def params_of(struct: Any) -> tuple[tuple[str, int | float], ...]:
    """The fields of a parameter dataclass, in the order of the C struct: int32, float32, or arrays of int32."""
    found: list[tuple[str, int | float]] = []
    for field in fields(struct):
        value = getattr(struct, field.name)
        if isinstance(value, tuple):
            found += [(f"{field.name}[{i}]", int(entry)) for i, entry in enumerate(value)]
        else:
            found.append((field.name, value if isinstance(value, float) else int(value)))
    return tuple(found)


def row_lead(view: NodeView, stride: int, pad: int, rows: int = 1) -> int:
    """The `lead` of a window kernel that computes the output's rows in order, `rows` of them at a time, and from each
    such group on reads no input row above the group's first window. Input and output are [1,H,W,C] int8; `stride` and
    `pad` are the vertical ones."""
    source, output = view.given(0), view.output()
    read, written = source.bytes // source.shape[1], output.bytes // output.shape[1]
    height = output.shape[1]
    first = np.arange(0, height, rows, dtype=np.int64)
    return int((np.minimum(first + rows, height) * written - np.maximum(0, first * stride - pad) * read).max())


def pixel_lead(view: NodeView, stride: tuple[int, int], pad: tuple[int, int], pixels: int) -> int:
    """The `lead` of a window kernel that reads the whole windows of `pixels` neighbouring output pixels, across the
    ends of rows, before it writes any of these; the last group may start early, to be whole, and compute pixels again.
    `stride` and `pad` are (vertical, horizontal); input and output [1,H,W,C] int8."""
    _, _, width, channels = view.given(0).shape
    _, height, columns, outputs = view.output().shape
    rows = np.maximum(0, np.arange(height) * stride[0] - pad[0]) * width * channels
    lowest = (rows[:, None] + np.maximum(0, np.arange(columns) * stride[1] - pad[1]) * channels).reshape(-1)
    still_read = np.minimum.accumulate(lowest[::-1])[::-1]
    written = np.arange(pixels, height * columns, pixels)
    starts = np.minimum(written, height * columns - pixels)
    return max(0, int((written * outputs - still_read[starts]).max(initial=0)))


def operand(tensor: Tensor, name: str) -> Read | Constant:
    """An input that may be an activation or a constant; bool becomes bytes."""
    if tensor.data is None:
        return Read(tensor.index)
    values = np.ascontiguousarray(tensor.data)
    return Constant(name, values.view(np.int8) if tensor.dtype == "bool" else values)


def weights(view: NodeView, position: int) -> npt.NDArray[Any]:
    """The values of a constant input."""
    data = view.given(position).data
    assert data is not None
    return np.ascontiguousarray(data)


def packed_int4(values: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """Numbers in -8..7, two a byte, the first in the lower four bits, as TFLite stores them."""
    flat = values.reshape(-1).view(np.uint8) & 15
    pairs = np.append(flat, np.zeros(flat.size % 2, np.uint8)).reshape(-1, 2)
    packed: npt.NDArray[np.int8] = (pairs[:, 0] | pairs[:, 1] << 4).view(np.int8)
    return packed


def bias_or_zeros(view: NodeView, position: int, channels: int) -> npt.NDArray[np.int32]:
    """The bias [channels], zeros where the node has none."""
    tensor = view.input(position)
    if tensor is None or tensor.data is None:
        return np.zeros(channels, np.int32)
    return np.ascontiguousarray(tensor.data, np.int32).reshape(channels)
