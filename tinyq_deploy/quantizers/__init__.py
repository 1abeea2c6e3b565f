# SPDX-License-Identifier: Apache-2.0
"""The back ends that turn a float .tflite and ranges into an integer .tflite."""

from __future__ import annotations

from tinyq_deploy.quantizers.base import Precision, Quantizer

__all__ = ["Precision", "Quantizer"]
