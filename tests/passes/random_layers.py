# SPDX-License-Identifier: Apache-2.0
"""Random networks of every kind of layer: tables, operands that broadcast, masks and choices, movement, rows that are
normalised, beside the convolutions of random_nets."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from models import Op, T, constant, model
from random_nets import ACTIVATIONS, Net

Shape = tuple[int, ...]
COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")


class Wide(Net):
    """A Net with more kinds of layers. `extra` are tensors that are outputs of the model as well."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.extra: list[int] = []

    def _like(self, source: T, shape: Shape | None = None) -> T:
        """A tensor with the quantisation of `source`."""
        return T(source.shape if shape is None else shape, source.scale, source.zero_point)

    def _scaled(self, shape: Shape, factor: float) -> T:
        """A tensor with about `factor` times the scale of what is read."""
        return self._tensor(shape, float(np.float32(float(self._source.scale) * factor)))  # type: ignore[arg-type]

    @property
    def _source(self) -> T:
        return self.tensors[self.at]

    def _partner(self, like: bool = False, constants: bool = False) -> int:
        """The other operand: a constant of any shape that broadcasts, or this tensor, or an earlier one of its shape;
        `like` asks for its quantisation."""
        source = self._source
        fits = [
            n for n, t in enumerate(self.tensors)
            if t.shape == source.shape and t.data is None and t.dtype == "int8"
            and (not like or (t.scale, t.zero_point) == (source.scale, source.zero_point))
        ]  # fmt: skip
        if not constants and self.rng.random() < 0.4:
            return int(self.rng.choice(fits))
        shape = self.pick((), (source.shape[3],), (1, 1, 1, source.shape[3]), (1, 1, source.shape[2], 1), source.shape)
        values = np.asarray(self.rng.integers(-128, 128, shape), np.int8)
        scale, zero = (source.scale, source.zero_point) if like else (float(np.float32(0.07)), 9)
        return self.put(T(shape, scale, zero, data=values))

    def table(self) -> None:
        """A function of one value."""
        source, shape = self._source, self._source.shape
        fixed = {"LOGISTIC": T(shape, 1 / 256, -128), "TANH": T(shape, 1 / 128, 0)}
        bounded = ("LOGISTIC", "TANH") if float(source.scale) < 16 else ()  # type: ignore[arg-type]
        op = self.pick(*bounded, "RELU", "LEAKY_RELU", "QUANTIZE", "ABS")
        options = {"alpha": self.pick(0.1, -0.5)} if op == "LEAKY_RELU" else {}
        self.layer(op, [self.at], fixed.get(op) or self._scaled(shape, self.pick(0.5, 1.0, 1.7)), options)

    def binary(self) -> None:
        """Arithmetic of two."""
        op = self.pick("MUL", "MUL", "SUB", "ADD", "SQUARED_DIFFERENCE", "MAXIMUM", "MINIMUM")
        other = self._partner(like=op in ("MAXIMUM", "MINIMUM"))
        output = self._like(self._source)
        if op not in ("MAXIMUM", "MINIMUM"):
            reach = {"MUL": 4.0, "SQUARED_DIFFERENCE": 9.0}.get(op, 2.0)
            output = self._scaled(self._source.shape, reach * self.pick(0.5, 1.0, 3.0))
        fused = {"fused_activation_function": self.pick(*ACTIVATIONS)} if op in ("ADD", "MUL", "SUB") else {}
        inputs = self.pick([self.at, other], [other, self.at])
        self.layer(op, inputs, output, fused, 2)

    def quotient(self) -> None:
        """DIV by constants without a zero, shifted by 31 bits at most."""
        shape = self.pick((), (self._source.shape[3],))
        values = np.asarray(self.rng.choice([-90, -40, 3, 50, 127], shape), np.int8)
        other = self.put(T(shape, float(np.float32(0.01)), 0, data=values))
        self.layer("DIV", [self.at, other], self._scaled(self._source.shape, 1.0), {}, 2)

    def prelu(self) -> None:
        """A slope for each channel."""
        alpha = self.put(constant(self.rng.integers(-128, 128, (1, 1, self._source.shape[3])), 0.01))
        self.layer("PRELU", [self.at, alpha], self._scaled(self._source.shape, self.pick(0.5, 1.0)), {})

    def _mask(self) -> int:
        """A comparison, or two of them together."""
        shape, masks = self._source.shape, []
        for _ in range(self.pick(1, 2)):
            masks.append(self.put(T(shape, dtype="bool")))
            inputs = [self.at, self._partner()]
            if float(self.tensors[inputs[1]].scale) >= 1:  # type: ignore[arg-type]
                inputs = [self.at, self.at]
            self.ops.append(Op(self.pick(*COMPARISONS), inputs, [masks[-1]], {}, 2))
        joined = self.put(T(shape, dtype="bool"))
        op = "LOGICAL_NOT" if len(masks) == 1 else self.pick("LOGICAL_AND", "LOGICAL_OR")
        self.ops.append(Op(op, masks, [joined]))
        return joined

    def choice(self) -> None:
        """One of two tensors by a mask."""
        if float(self._source.scale) >= 1:  # type: ignore[arg-type]
            return
        mask, other = self._mask(), self._partner(like=True)
        inputs = self.pick([mask, self.at, other], [mask, other, self.at])
        self.layer("SELECT_V2", inputs, self._like(self._source), {})

    def join(self) -> None:
        """CONCATENATION with an earlier tensor of its quantisation, or itself."""
        axis = self.pick(1, 2, 3, 3)
        other = self._partner(like=True)
        while self.tensors[other].shape != self._source.shape:
            other = self._partner(like=True)
        shape = tuple(2 * size if i == axis else size for i, size in enumerate(self._source.shape))
        if int(np.prod(shape)) < 800:
            self.layer("CONCATENATION", [self.at, other], self._like(self._source, shape), {"axis": axis})

    def cut(self) -> None:
        """SLICE of rows, columns and channels."""
        begin = [0, *(int(self.rng.integers(0, (size + 1) // 2)) for size in self._source.shape[1:])]
        size = [
            1,
            *(int(self.rng.integers(1, n - b + 1)) for n, b in zip(self._source.shape[1:], begin[1:], strict=True)),
        ]
        numbers = [self.put(constant(values, dtype="int32")) for values in (begin, size)]
        self.layer("SLICE", [self.at, *numbers], self._like(self._source, tuple(size)), {})

    def transpose(self) -> None:
        """Another order of the axes."""
        order = self.pick((0, 2, 1, 3), (0, 2, 1, 3), (0, 3, 1, 2), (0, 1, 3, 2))
        shape = tuple(self._source.shape[axis] for axis in order)
        numbers = self.put(constant(order, dtype="int32"))
        self.layer("TRANSPOSE", [self.at, numbers], self._like(self._source, shape), {})

    def rows(self) -> None:
        """Rows of channels normalised."""
        op = self.pick("L2_NORMALIZATION", "LOG_SOFTMAX")
        shape = self._source.shape
        self.layer(op, [self.at], T(shape, 1 / 128, 0) if op == "L2_NORMALIZATION" else T(shape, 1 / 16, 127), {}, 2)

    def positions(self) -> None:
        """Where the largest or smallest of each pixel is, an output of the model."""
        shape, axis = self._source.shape, self.put(constant(-1, dtype="int32"))
        out = self.put(T(shape[:3], dtype="int32"))
        self.ops.append(Op(self.pick("ARG_MAX", "ARG_MIN"), [self.at, axis], [out], {"output_type": 2}, 2))
        self.extra.append(out)

    def bytes(self) -> bytes:
        """The .tflite."""
        return model(self.tensors, self.ops, [0], [*self.extra, self.at])


def wide_network(seed: int) -> bytes:
    """A random network of 3 to 9 layers of every kind, and a head one time out of three."""
    net = Wide(seed)
    kinds: tuple[Callable[[], Any], ...] = (
        net.convolution, net.depthwise, net.pool, net.pad, net.reduce, net.table, net.table, net.binary, net.binary,
        net.quotient, net.prelu, net.choice, net.choice, net.join, net.cut, net.transpose, net.rows, net.positions,
    )  # fmt: skip
    for _ in itertools.repeat(None, int(net.rng.integers(3, 10))):
        net.pick(*kinds)()
    if not net.ops or net.at == 0 or net.rng.random() < 0.33:
        net.head()
    return net.bytes()
