# SPDX-License-Identifier: Apache-2.0
"""Filters for tinyq_plain_dot.h, where one 32-bit multiplication makes the products of two windows.

The two sums share a word, so each has to fit int16. A filter is cut into chunks short enough that this holds for every
input: the sum of the weights' largest products with int8 stays in range. The cut is made anew for each filter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.board import Core
from tinyq_deploy.kernels.own import requantize

# Cores without DSP extension and vectors whose instruction set the loops are written for.
CORES: tuple[Core, ...] = ("cortex-m0", "cortex-m0plus", "cortex-m3")
# TINYQ_PLAIN_TAPS, TINYQ_PLAIN_TAP and TINYQ_PLAIN_LAST of the header.
_MOST_TAPS, _TAP_CODE, _LAST = 18, 11, 240
# Windows side by side, two to a word.
WINDOWS = 8
# What keeps the lower sum of a word from borrowing from the upper one.
_CENTER = 1 << 15


def chunks(filter_: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.int8]]:
    """Pieces of a filter [K], as long as the loop takes and the sum of products with any int8 fits int16."""
    weights = filter_.astype(np.int64)
    low = np.minimum(weights * -128, weights * 127).tolist()
    high = np.maximum(weights * -128, weights * 127).tolist()
    start = least = most = 0
    for end in range(len(weights)):
        least, most = least + low[end], most + high[end]
        if least < -_CENTER or most >= _CENTER or end - start == _MOST_TAPS:
            yield filter_[start:end].astype(np.int8)
            start, least, most = end, low[end], high[end]
    yield filter_[start:].astype(np.int8)


def pack(filters: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    """Filters [O, K] int8 as the loop reads them, and the number of chunks of each, [O]. The first byte is not read."""
    parts = [bytes(1)]
    counts = []
    for filter_ in filters:
        pieces = list(chunks(filter_))
        counts.append(len(pieces))
        parts += [bytes([_TAP_CODE * (_MOST_TAPS - len(piece))]) + piece.tobytes() for piece in pieces]
        parts.append(bytes([_LAST]))
    return np.frombuffer(b"".join(parts), np.int8), np.array(counts, np.int64)


def channel_rows(chosen: requantize.Requantization, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """[O, 4 or 5]: what the sums of whole words and of upper halves start from, then the requantisation. The whole
    words hold the first window's sum plus 65536 times the second's, and every chunk's center."""
    bias = chosen.bias.astype(np.int64)
    first = bias + (bias << 16) - counts * _CENTER
    wrapped = (first & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return np.concatenate([wrapped[:, None], chosen.rows()], axis=1).astype(np.int32)
