# SPDX-License-Identifier: Apache-2.0
"""What to write instead of operators that no TFLite runtime computes on int8, so that there are no bytes to equal."""

from __future__ import annotations

_NONE = "no TFLite runtime computes {} on int8: "
_OTHERS = {
    "SQUARE": "multiply the tensor by itself (MUL)",
    "POW": "multiply the tensor by itself (MUL) for whole powers, SQRT or RSQRT for halves",
    "SIGN": "compare with 0 (GREATER, LESS) and choose (SELECT_V2)",
    "REDUCE_PROD": "multiply the parts (UNPACK, MUL)",
    "FLOOR": "leave the rounding to the int8 that follows",
    "CEIL": "leave the rounding to the int8 that follows",
    "ROUND": "leave the rounding to the int8 that follows",
}
INSTEAD: dict[str, str] = {op: _NONE.format(op) + text for op, text in _OTHERS.items()}
