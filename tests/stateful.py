# SPDX-License-Identifier: Apache-2.0
"""Small models that remember: a description of variables and layers, and random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from models import Op, T, constant, model

SCALE, ZERO_POINT = 0.05, 7
READ, ASSIGN = "READ_VARIABLE", "ASSIGN_VARIABLE"


@dataclass
class Net:
    """A model while it is built: `tensors` and `ops` of the main graph, variables by name with what CALL_ONCE gives
    them, None where it gives them nothing."""

    initial: Mapping[str, Sequence[int] | None]
    shape: tuple[int, ...] = (1, 4)
    tensors: list[T] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    handles: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(values is not None for values in self.initial.values()):
            self.ops.append(Op("CALL_ONCE", (), (), {"init_subgraph_index": 1}))
        for name in self.initial:
            self.handles[name] = self.tensor(T((), dtype="resource"))
            self.ops.append(Op("VAR_HANDLE", (), (self.handles[name],), {"shared_name": name}))

    def tensor(self, tensor: T) -> int:
        """The number of a new tensor."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def value(self, shape: tuple[int, ...] | None = None) -> int:
        """A new int8 activation."""
        return self.tensor(T(self.shape if shape is None else shape, SCALE, ZERO_POINT))

    def read(self, name: str, shape: tuple[int, ...] | None = None) -> int:
        """The value of a variable here."""
        found = self.value(shape)
        self.ops.append(Op(READ, (self.handles[name],), (found,)))
        return found

    def assign(self, name: str, value: int) -> None:
        """A new value for a variable."""
        self.ops.append(Op(ASSIGN, (self.handles[name], value), ()))

    def op(self, name: str, *inputs: int, shape: tuple[int, ...] | None = None, **options: int | str) -> int:
        """The output of one more layer."""
        found = self.value(shape)
        self.ops.append(Op(name, inputs, (found,), options))
        return found

    def build(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file."""
        called = any(op.name == "CALL_ONCE" for op in self.ops)
        return model(self.tensors, self.ops, inputs, outputs, [self.initialiser()] if called else [])

    def initialiser(self) -> tuple[list[T], list[Op]]:
        """The subgraph that CALL_ONCE names."""
        tensors: list[T] = []
        ops: list[Op] = []
        for name, values in self.initial.items():
            if values is not None:
                tensors += [
                    T((), dtype="resource"),
                    constant(np.reshape(values, self.shape), SCALE, zero_point=ZERO_POINT),
                ]
                handle = len(tensors) - 2
                ops += [
                    Op("VAR_HANDLE", (), (handle,), {"shared_name": name}),
                    Op(ASSIGN, (handle, handle + 1), ()),
                ]
        return tensors, ops


def random_net(seed: int) -> bytes:
    """Up to three variables that are read, assigned and passed on in any order; reads before and after assignments, of
    one another's values, under other shapes, as outputs of the model."""
    rng = np.random.default_rng(seed)
    names = ["a", "b", "c"][: rng.integers(1, 4)]
    starts = {name: rng.integers(-128, 128, 4).tolist() if rng.random() < 0.5 else None for name in names}
    net = Net(starts)
    given = net.value()
    pool = [given, *(net.read(name) for name in names)]
    for _ in range(rng.integers(4, 12)):
        kind = rng.integers(0, 5)
        some = [pool[i] for i in rng.integers(0, len(pool), 2)]
        if kind == 0:
            pool.append(net.read(names[rng.integers(len(names))]))
        elif kind <= 2:
            net.assign(names[rng.integers(len(names))], some[0])
        elif kind == 3:
            pool.append(net.op("MAXIMUM" if rng.random() < 0.5 else "ADD", *some))
        else:
            flat = net.op("RESHAPE", some[0], shape=(4, 1))
            pool.append(net.op("RESHAPE", flat))
    for name in names:
        net.assign(name, pool[rng.integers(len(pool))])
    outputs = {net.op("ADD", pool[-1], given), *(pool[i] for i in rng.integers(1, len(pool), 2))}
    return net.build([given], sorted(outputs - {given}))


def sequence(shape: tuple[int, ...], count: int = 12, seed: int = 3) -> list[list[np.ndarray]]:
    """Inputs of one int8 tensor, one after the other."""
    rng = np.random.default_rng(seed)
    return [[rng.integers(-128, 128, shape).astype(np.int8)] for _ in range(count)]
