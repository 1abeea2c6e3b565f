# SPDX-License-Identifier: Apache-2.0
"""A convolution and the ADD that alone reads it, on cores with the DSP extension: the sum is formed from the
convolution's int8 output while that is in a register."""

from __future__ import annotations

from dataclasses import replace

from tinyq_deploy.graph import NodeView, Tensor
from tinyq_deploy.kernels.base import FusedKernel, KernelCall, Read, Target, Write, params_of
from tinyq_deploy.kernels.own.dsp_conv_2d import OwnDspConv2D
from tinyq_deploy.kernels.own.dsp_conv_2d_3x3 import tiled
from tinyq_deploy.kernels.own.plain_add import OwnAddParams, affine
from tinyq_deploy.ops.add import Add


class OwnDspConv2DAdd(FusedKernel):
    """The convolution's kernel with an ADD behind its requantisation."""

    ops = ("CONV_2D", "ADD")
    kernel_set = "own"

    def call(self, first: NodeView, second: NodeView, target: Target) -> KernelCall | None:
        """Takes what the convolution's kernel takes, where the ADD has an affine form. Small builds keep the two apart:
        one ADD is shorter than a second convolution."""
        add = None if target.small else operands(first, second)
        call = None if add is None else self.convolution(first, second, target)
        return None if add is None or call is None else _with_add(call, *add, second)

    def convolution(self, first: NodeView, second: NodeView, target: Target) -> KernelCall | None:
        """The call for `first` alone, made where `second` stands."""
        return OwnDspConv2D().call(first, target)


class OwnDspConv2D3x3Add(OwnDspConv2DAdd):
    """The same for 3x3 convolutions by tiles."""

    def convolution(self, first: NodeView, second: NodeView, target: Target) -> KernelCall | None:
        """With the working memory that the arena has left where `second` stands."""
        return tiled(first, target, second.node)


def _with_add(call: KernelCall, params: OwnAddParams, other: Tensor, second: NodeView) -> KernelCall:
    """The convolution's `call` with the ADD `second` of `other`."""
    *arguments, _ = call.arguments
    return replace(
        call,
        function=f"{call.function}_add",
        header=call.header.replace(".h", "_add.h"),
        params_type=call.params_type.replace("_params", "_add_params"),
        params=(*_named("conv", call.params), *_named("add", params_of(params))),
        arguments=(*arguments, Read(other.index), Write(second.output().index)),
        in_place=(other.index,),
        lead=None,
    )


def operands(first: NodeView, second: NodeView) -> tuple[OwnAddParams, Tensor] | None:
    """The constants of the ADD with the output of `first` as its input 1, and its other input, an activation of the
    same shape; None where there is no affine form."""
    result = first.output().index
    position = 1 if second.given(0).index == result else 0
    other, params = second.given(position), affine(Add.params(second))
    if params is None or other.index == result or other.data is not None or other.shape != first.output().shape:
        return None
    if position == 0:
        params = replace(params, slope1=params.slope2, slope2=params.slope1)
    return params, other


def _named(prefix: str, params: tuple[tuple[str, int | float], ...]) -> tuple[tuple[str, int | float], ...]:
    """Parameters of a member struct."""
    return tuple((f"{prefix}.{name}", value) for name, value in params)
