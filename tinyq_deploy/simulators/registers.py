# SPDX-License-Identifier: Apache-2.0
"""Memory-mapped registers as words: plain storage, handlers where a register does something, clock gates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

Reader = Callable[[], int]
Writer = Callable[[int], None]


class Registers:
    """Every register of the chip by address. A word without a handler keeps what is written."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}
        self.readers: dict[int, Reader] = {}
        self.writers: dict[int, Writer] = {}
        self.unclocked: dict[int, int] = {}
        """Accesses to a block whose clock is off: address -> how many."""
        self._gates: dict[int, dict[int, int]] = {}
        self._closed: set[int] = set()

    def reset(self, values: Mapping[int, int]) -> None:
        """Every plain word to its reset value: `values`, else 0."""
        self.words = dict(values)
        for enable in self._gates:
            self._switch(enable, self.words.get(enable, 0))

    def gate(self, block: int, enable: int, bit: int) -> None:
        """The block of 1 KiB at `block` works only while `bit` of the register at `enable` is set.

        Without it writes are lost and reads give 0, as on the chip.
        """
        self._gates.setdefault(enable, {})[block >> 10] = 1 << bit
        self.writers[enable] = partial(self._switch, enable)

    def byte(self, address: int) -> int:
        """One byte of a plain word."""
        return self.words.get(address & ~3, 0) >> (8 * (address & 3)) & 0xFF

    def read(self, address: int, size: int) -> int:
        """What a load of `size` bytes (1, 2, 4) gives."""
        if address >> 10 in self._closed:
            return self._refuse(address)
        word = address & ~3
        reader = self.readers.get(word)
        value = reader() if reader else self.words.get(word, 0)
        return value if size == 4 else value >> (8 * (address & 3)) & ((1 << 8 * size) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        """A store of `size` bytes; the other bytes of the word keep what is stored for them."""
        if address >> 10 in self._closed:
            self._refuse(address)
            return
        word = address & ~3
        if size != 4:
            shift, mask = 8 * (address & 3), (1 << 8 * size) - 1
            value = self.words.get(word, 0) & ~(mask << shift) | (value & mask) << shift
        writer = self.writers.get(word)
        if writer:
            writer(value)
        else:
            self.words[word] = value

    def _switch(self, enable: int, value: int) -> None:
        self.words[enable] = value
        for block, mask in self._gates[enable].items():
            if value & mask:
                self._closed.discard(block)
            else:
                self._closed.add(block)

    def _refuse(self, address: int) -> int:
        self.unclocked[address] = self.unclocked.get(address, 0) + 1
        return 0
