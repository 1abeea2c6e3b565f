# SPDX-License-Identifier: Apache-2.0
"""Small random networks full of constant and dead channels: saturated clamps, zero filters, zero points at the ends,
biases near the ends of int32, padding, strides, dilation, groups, depth multipliers, branches."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from models import Op, T, constant, model

from tinyq_deploy.ops.rules import window_output

ZEROS = (-128, -128, -1, 0, 5, 127)
ACTIVATIONS = ("NONE", "RELU", "RELU", "RELU6", "RELU_N1_TO_1")


class Net:
    """A network that grows layer by layer; `at` is the tensor that the next layer reads."""

    def __init__(self, seed: int, wrapping: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.wrapping = wrapping
        shape = (1, int(self.rng.integers(1, 7)), int(self.rng.integers(1, 7)), int(self.rng.integers(1, 6)))
        self.tensors = [self._tensor(shape)]
        self.ops: list[Op] = []
        self.at = 0

    def pick(self, *choices: Any) -> Any:
        """One of `choices`."""
        return choices[self.rng.integers(len(choices))]

    def _tensor(self, shape: tuple[int, ...], scale: float = 0.0) -> T:
        value = scale or float(np.float32(10 ** self.rng.uniform(-2, 0)))
        return T(shape, value, int(self.rng.choice(ZEROS)))

    def put(self, tensor: T) -> int:
        """The number of a new tensor."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def layer(self, op: str, inputs: Sequence[int], output: T, options: dict[str, Any], version: int = 1) -> None:
        """A layer whose output is read next."""
        out = self.put(output)
        self.ops.append(Op(op, list(inputs), [out], options, version))
        self.at = out

    def _weights(self, shape: tuple[int, ...], axis: int, inputs_axis: int | None) -> np.ndarray:
        """Random weights; some outputs and inputs all zero, some tiny."""
        values = self.rng.integers(-127, 128, shape)
        values[self.rng.random(shape) < self.pick(0.0, 0.0, 0.5)] = 0
        for which, share in ((axis, 0.35), (inputs_axis, 0.3)):
            if which is not None:
                gone = self.rng.random(shape[which]) < share
                values[(slice(None),) * which + (gone,)] = self.pick(0, 0, 1)
        return values

    def _linear(self, op: str, weights: np.ndarray, axis: int, shape: tuple[int, ...], options: dict[str, Any]) -> None:
        count, source = weights.shape[axis], self.tensors[self.at]
        fan = max(1, weights.size // count)
        per_channel = self.rng.random() < 0.7
        scales = [float(np.float32(s)) for s in 0.01 * 30 ** self.rng.uniform(-1, 1, count if per_channel else 1)]
        reach = float(np.max(scales)) * float(source.scale) * 127 * np.sqrt(fan)  # type: ignore[arg-type]
        output = self._tensor(shape, float(np.float32(reach * 10 ** self.rng.uniform(-1, 0.7))))
        inputs = [self.at, self.put(constant(weights, scales if per_channel else scales[0], axis=axis))]
        if self.rng.random() < 0.8:
            products = [float(source.scale) * scale for scale in scales]  # type: ignore[arg-type]
            inputs.append(self.put(constant(self._bias(count, fan), products, dtype="int32")))
        self.layer(op, inputs, output, {**options, "fused_activation_function": self.pick(*ACTIVATIONS)}, 4)

    def _bias(self, count: int, fan: int) -> np.ndarray:
        """Small, saturating, or near the ends of int32: within what the sum can stand, or with `wrapping` beyond."""
        ends = (1 << 31) - 1 if self.wrapping else (1 << 31) - 1 - 255 * 128 * fan
        kinds = self.rng.choice([1000, 127 * 128 * fan, ends], count, p=[0.5, 0.35, 0.15])
        signs = self.rng.choice([-1, 1], count)
        return signs * (kinds if self.wrapping else self.rng.integers(kinds // 2, kinds + 1))

    def _window(self, kernel: tuple[int, int]) -> tuple[dict[str, Any], tuple[int, int]] | None:
        _, height, width, _ = self.tensors[self.at].shape
        padding, stride = self.pick("SAME", "SAME", "VALID"), (self.pick(1, 1, 2), self.pick(1, 1, 2))
        dilation = self.pick((1, 1), (1, 1), (2, 1), (1, 2)) if stride == (1, 1) else (1, 1)
        extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        out = [window_output(s, k, t, padding) for s, k, t in zip((height, width), extent, stride, strict=True)]
        options = {"padding": padding, "stride_h": stride[0], "stride_w": stride[1],
                   "dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1]}  # fmt: skip
        return (options, (out[0], out[1])) if min(out) > 0 else None

    def convolution(self) -> None:
        """A CONV_2D, mostly 1x1, sometimes in groups."""
        channels, kernel = self.tensors[self.at].shape[3], self.pick((1, 1), (1, 1), (3, 3), (2, 1))
        window = self._window(kernel)
        if window is not None:
            groups = self.pick(1, 1, 1, *(n for n in (2, 3) if channels % n == 0))
            outputs = groups * int(self.rng.integers(1, 6))
            weights = self._weights((outputs, *kernel, channels // groups), 0, 3)
            self._linear("CONV_2D", weights, 0, (1, *window[1], outputs), window[0])

    def depthwise(self) -> None:
        """A DEPTHWISE_CONV_2D with a multiplier of 1 to 3."""
        channels, kernel = self.tensors[self.at].shape[3], self.pick((3, 3), (3, 3), (1, 2), (1, 1))
        window = self._window(kernel)
        if window is not None:
            multiplier = self.pick(1, 1, 1, 2, 3)
            weights = self._weights((1, *kernel, channels * multiplier), 3, None)
            options = {**window[0], "depth_multiplier": multiplier}
            self._linear("DEPTHWISE_CONV_2D", weights, 3, (1, *window[1], channels * multiplier), options)

    def pool(self) -> None:
        """A pool of either kind."""
        kernel = self.pick((2, 2), (1, 2), (3, 3))
        window = self._window(kernel)
        source = self.tensors[self.at]
        if window is not None and window[0]["dilation_h_factor"] == window[0]["dilation_w_factor"] == 1:
            options = {key: value for key, value in window[0].items() if not key.startswith("dilation")}
            options |= {"filter_height": kernel[0], "filter_width": kernel[1]}
            out = T((1, *window[1], source.shape[3]), source.scale, source.zero_point)
            self.layer(self.pick("AVERAGE_POOL_2D", "MAX_POOL_2D"), [self.at], out, options, 2)

    def pad(self) -> None:
        """Rows, columns and sometimes channels of zeros, or of another value."""
        source = self.tensors[self.at]
        channels = self.pick((0, 0), (0, 0), (1, 0), (0, 2))
        around = [(0, 0), *((self.pick(0, 1, 2), self.pick(0, 1)) for _ in range(2)), channels]
        shape = tuple(before + size + after for size, (before, after) in zip(source.shape, around, strict=True))
        inputs = [self.at, self.put(constant(around, dtype="int32"))]
        value = self.pick(None, None, -128, 4)
        if value is not None:
            inputs.append(self.put(constant([value], source.scale, zero_point=source.zero_point)))
        output = T(shape, source.scale, source.zero_point)
        self.layer("PAD" if value is None else "PADV2", inputs, output, {}, 1 if value is None else 2)

    def reduce(self) -> None:
        """Mean, sum or extreme over rows, columns or channels, which stay as axes."""
        source, op = self.tensors[self.at], self.pick("MEAN", "MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
        axes = self.pick((1, 2), (1, 2), (1,), (2,), (3,))
        shape = tuple(1 if axis in axes else size for axis, size in enumerate(source.shape))
        output = T(shape, source.scale, source.zero_point)
        if op in ("MEAN", "SUM"):
            output = self._tensor(shape, float(source.scale) * self.pick(0.3, 1.0, 2.0))  # type: ignore[arg-type]
        self.layer(op, [self.at, self.put(constant(axes, dtype="int32"))], output, {"keep_dims": True}, 2)

    def add(self) -> None:
        """The sum of this tensor and a constant, itself, or an earlier one of its shape."""
        source = self.tensors[self.at]
        same = [
            n for n, t in enumerate(self.tensors) if t.shape == source.shape and t.data is None and t.dtype == "int8"
        ]
        if self.rng.random() < 0.3:
            data = self.rng.integers(-128, 128, source.shape).astype(np.int8)
            other = self.put(T(source.shape, float(np.float32(0.1)), 3, data=data))
        else:
            other = int(self.rng.choice(same))
        inputs = self.pick([self.at, other], [other, self.at])
        output = self._tensor(source.shape, float(source.scale) * self.pick(0.5, 1.0, 3.0))  # type: ignore[arg-type]
        self.layer("ADD", inputs, output, {"fused_activation_function": self.pick(*ACTIVATIONS)}, 2)

    def head(self) -> None:
        """RESHAPE to a matrix or not, FULLY_CONNECTED, sometimes SOFTMAX."""
        source = self.tensors[self.at]
        size = int(np.prod(source.shape))
        if self.rng.random() < 0.7:
            shape = self.put(constant([1, size], dtype="int32"))
            self.layer("RESHAPE", [self.at, shape], T((1, size), source.scale, source.zero_point), {})
        outputs = int(self.rng.integers(1, 5))
        self._linear("FULLY_CONNECTED", self._weights((outputs, size), 0, 1), 0, (1, outputs), {})
        if self.rng.random() < 0.5:
            self.layer("SOFTMAX", [self.at], T((1, outputs), 1 / 256, -128), {"beta": 1.0}, 2)

    def bytes(self) -> bytes:
        """The .tflite; sometimes an inner tensor is an output too."""
        inner = [op.outputs[0] for op in self.ops[:-1]]
        also = [int(self.rng.choice(inner))] if inner and self.rng.random() < 0.15 else []
        return model(self.tensors, self.ops, [0], [*also, self.at])


def network(seed: int, *, wrapping: bool = False) -> bytes:
    """A random network of 2 to 7 layers, and a head two times out of three."""
    net = Net(seed, wrapping)
    kinds = (net.convolution, net.convolution, net.convolution, net.depthwise, net.depthwise, net.add, net.pool)
    more = (*kinds, *kinds, net.pad, net.pad, net.reduce) if seed % 2 else kinds
    for _ in itertools.repeat(None, int(net.rng.integers(2, 7))):
        net.pick(*more)()
    if not net.ops or net.rng.random() < 0.66:
        net.head()
    return net.bytes()
