# SPDX-License-Identifier: Apache-2.0
"""What the kernels for Helium share: packing in vectors of 16 bytes, and the requantisation in four instructions.

NARROW: result = saturate((VQRDMULH(sum << left, multiplier) + offset) >> (16 + fraction)), rounded, with the bias and
the zero point in the offset. Like TFLite's, it is a step function of the sum that never falls; the offset is chosen so
that both step at the same sums, and the more bits the fraction has, the surer such an offset exists. It rarely does
where results are negative and positive, as TFLite rounds halves away from zero. Then TFLite's two roundings are taken
as they are: SIGNED where all shifts are to the right, GENERAL where one is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.cores import extension
from tinyq_deploy.fixed_point import INT32_MAX, INT32_MIN, Multipliers, wrap
from tinyq_deploy.kernels.base import Argument, KernelCall, Read, Target, params_of

VECTOR, QUAD = 16, 4
NARROW, SIGNED, GENERAL = range(3)
# Bits below the result, but for 16: those that the C has constants for, the surest first.
FRACTIONS = (6, 4, 2, 0)
# Multipliers that are tried, next to the ideal one.
_TRIALS = (0, 1, -1, 2, -2, 3, -3, 5, -5, 8, -8, 13, -13, 21, -21, 34, -34, 55, -55)
Ints = npt.NDArray[Any]


def takes(target: Target) -> bool:
    """Whether the core has Helium."""
    return extension(target.core) == "mve"


def mve_call(name: str, struct: Any, *arguments: Argument, in_place: tuple[int, ...] = (),
             lead: int | None = None) -> KernelCall:  # fmt: skip
    """A call of tinyq_own_mve_<name> in firmware/kernels/own/mve/<name>.h. A `lead` of 0 is an output in place."""
    reads = tuple(argument.tensor for argument in arguments if isinstance(argument, Read))
    return KernelCall(
        kernel_set="own",
        function=f"tinyq_own_mve_{name}",
        header=f"own/mve/{name}.h",
        params_type=f"tinyq_own_mve_{name}_params",
        params=() if struct is None else params_of(struct),
        arguments=arguments,
        in_place=reads if lead == 0 else in_place,
        lead=lead,
    )


def reading_lead(reads: Ints, output_channels: int, pixels: int = 1) -> int:
    """The `lead` of a kernel that writes `pixels` neighbours of an output row while it reads their windows, which begin
    at the input bytes `reads` [OH, OW]."""
    height, width = reads.shape
    still_read = np.minimum.accumulate(reads.reshape(-1)[::-1])[::-1].reshape(reads.shape)
    first = np.arange(0, width, pixels)
    written = (np.arange(height)[:, None] * width + np.minimum(first + pixels, width)) * output_channels
    return max(0, int((written - still_read[:, first]).max()))


def copying_lead(rows: tuple[int, int], heights: tuple[int, int], stride: int, pad: int, window: int) -> int:
    """The `lead` of a kernel that has copied the `window` of input rows before it writes an output row; sizes in bytes
    of `rows` and `heights` are (input, output), `stride` and `pad` vertical."""
    y = np.arange(heights[1])
    copied = np.maximum(y * stride - pad + window, 0)
    return max(0, int(((y + 1) * rows[1] - copied * rows[0])[copied < heights[0]].max(initial=0)))


@dataclass(frozen=True, eq=False)
class Requantization:
    """Constants of one layer, `columns`. NARROW: the multiplier and the offset, [O]; SIGNED and GENERAL:
    bias, multiplier and shift, [O]. `left` is the shift of the sums before the multiplication, `fraction` how many
    bits more than 16 are dropped after it."""

    kind: int
    left: int
    fraction: int
    columns: tuple[npt.NDArray[np.int32], ...]

    def quads(self, order: Ints) -> npt.NDArray[np.int32]:
        """[Q, 2 or 3, 4]: the columns of the channels `order` [Q, 4]; -1 stands for no channel."""
        wide = [np.append(column, np.int32(0)) for column in self.columns]
        return np.stack([column[order] for column in wide], axis=1).astype(np.int32)


def requantization(
    weights: Ints, bias: Ints, factors: Multipliers, input_zero_point: int, output_zero_point: int,
    activation: tuple[int, int], lefts: tuple[int, ...] = (),
) -> Requantization:  # fmt: skip
    """For `weights` [O, K], `bias` [O] and sums of int8 inputs, zero point not subtracted. NARROW takes the first of
    `lefts` that cannot overflow; without them any, and a shift that saturates."""
    w, count = weights.astype(np.int64), len(weights)
    folded = bias.astype(np.int64) - input_zero_point * w.sum(axis=1)
    multiplier = np.broadcast_to(factors.multiplier, count).astype(np.int64)
    # A factor of 0 gives 0 with every shift.
    shift = np.where(multiplier == 0, -1, np.broadcast_to(factors.shift, count).astype(np.int64))
    high = np.maximum(127 * w, -128 * w).sum(axis=1)
    low = np.minimum(127 * w, -128 * w).sum(axis=1)
    plain = (folded + low).min() > INT32_MIN and (folded + high).max() < INT32_MAX and shift.max() <= 0
    fitting = [left for left in lefts if max(high.max(), -low.min()) << left <= INT32_MAX]
    if plain and (fitting or not lefts):
        left = fitting[0] if fitting else None
        made = narrow(low, high, folded, multiplier, shift, output_zero_point, activation, left)
        if made is not None:
            return made
    wrapped = np.array([wrap(int(v)) for v in folded], np.int32)
    kind = SIGNED if shift.max() < 0 else GENERAL
    return Requantization(kind, 0, 0, (wrapped, multiplier.astype(np.int32), shift.astype(np.int32)))


def narrow(low: Ints, high: Ints, bias: Ints, multiplier: Ints, shift: Ints, zero_point: int,
           activation: tuple[int, int], left: int | None) -> Requantization | None:  # fmt: skip
    """NARROW for sums between `low` and `high`, to which TFLite adds `bias`; all int64 [O], shifts 0 or to the right.
    `left` shifts them without overflow; None: any, and it may saturate. None where no constants are found."""
    steps, values = _steps(low, high, bias, multiplier, shift, zero_point, activation)
    if left is None:
        # Sums beyond the outermost steps may saturate when they are shifted.
        inner = np.where((steps > low[:, None]) & (steps <= high[:, None]), steps, 0)
        left = 31 - int(np.abs(inner).max() + 1).bit_length()
    for fraction in FRACTIONS:
        exponent = (shift + 16 + fraction - left).astype(int)
        ideal = np.round(np.ldexp(multiplier.astype(np.float64), exponent))
        if ideal.max() + max(_TRIALS) >= INT32_MAX:
            continue
        chosen, offset = np.zeros(len(low), np.int64), np.zeros(len(low), np.int64)
        open_ = np.arange(len(low))
        for trial in _TRIALS:
            candidate = np.maximum(ideal[open_] + trial, 0).astype(np.int64)
            least, most = _offsets(steps[open_], values, low[open_], high[open_], candidate, left, fraction)
            good = least <= most
            chosen[open_[good]], offset[open_[good]] = candidate[good], ((least + most) // 2)[good]
            open_ = open_[~good]
            if not open_.size:
                return Requantization(NARROW, left, fraction, (chosen.astype(np.int32), offset.astype(np.int32)))
    return None


def _steps(low: Ints, high: Ints, bias: Ints, multiplier: Ints, shift: Ints, zero_point: int,
           activation: tuple[int, int]) -> tuple[Ints, Ints]:  # fmt: skip
    """[O, V] least sums, `high` + 1 where there is none, at which TFLite's result reaches each of the values [V]."""
    # Outside the activation's range the kernel clamps.
    values = np.arange(min(activation[0] + 1, 127), max(activation[1], activation[0] + 1) + 1, dtype=np.int64)[None, :]
    columns = [np.broadcast_to(a[:, None], (len(low), values.size)) for a in (low, high, bias, multiplier, shift)]
    below, above = columns[0] - 1, columns[1] + 1
    while (above - below > 1).any():
        middle = (below + above) // 2
        reached = requantize(middle + columns[2], columns[3], columns[4]) + zero_point >= values
        reached = np.where(above - below > 1, reached, True)
        middle = np.where(above - below > 1, middle, above)
        below, above = np.where(reached, below, middle), np.where(reached, middle, above)
    return above, values


def _offsets(steps: Ints, values: Ints, low: Ints, high: Ints, candidate: Ints, left: int,
             fraction: int) -> tuple[Ints, Ints]:  # fmt: skip
    """[O] least and greatest offset with which the narrow form steps where TFLite does; least > most: none does."""

    def product(sums: Ints) -> Ints:
        shifted: Ints = np.clip(sums << left, INT32_MIN, INT32_MAX)
        return (shifted * candidate[:, None] + (1 << 30)) >> 31

    reached = (values << (16 + fraction)) - (1 << (15 + fraction) if fraction else 0)
    least = np.where(steps <= high[:, None], reached - product(steps), INT32_MIN).max(axis=1)
    most = np.where(steps > low[:, None], reached - product(steps - 1) - 1, INT32_MAX).min(axis=1)
    return least, most


def requantize(value: Ints, multiplier: Ints, shift: Ints) -> Ints:
    """fixed_point.requantize on int64 arrays for shifts to the right."""
    high = (value * multiplier + (1 << 30)) >> 31
    right = -shift
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    return (high + half - ((high < 0) & (right > 0))) >> right
