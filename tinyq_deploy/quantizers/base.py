# SPDX-License-Identifier: Apache-2.0
"""A quantizer turns a float .tflite and activation ranges into an integer .tflite.

To add one: subclass Quantizer in a file of its own, say in `name` which library does the work, return the whole file
from `quantize`, and add one line to the registry in __init__.py and one test of its constants.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal

from tinyq_deploy.calibrators.base import Range

Precision = Literal["int8", "int16x8"]


class Quantizer(ABC):
    """One back end. `name` states library and version, `reader` what read the model file where the back end did."""

    name: str
    reader: str = ""

    @abstractmethod
    def quantize(self, model: bytes, ranges: Mapping[int, Range], precision: Precision) -> bytes:
        """`model` is a float .tflite with fixed shapes, `ranges` one Range per activation tensor's index.

        int8: int8 activations and weights, int32 biases. int16x8: int16 activations, zero points 0, int8 weights,
        int64 biases, fully-connected weights with one scale. Raises ModelError where an operator has no integer form.
        """
