# SPDX-License-Identifier: Apache-2.0
"""Cuts channels out of a graph: smaller tensors, smaller filters, biases that take in what constants contributed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tinyq_deploy.fixed_point import wrap
from tinyq_deploy.graph import INT4, NO_TENSOR, Graph, Node, NodeView, Quantization, Tensor
from tinyq_deploy.ops.conv_2d import BIAS, FILTER, INPUT
from tinyq_deploy.ops.reshape import VIEWS
from tinyq_deploy.passes.intervals import Analysis
from tinyq_deploy.passes.linear import Linear, Mask, Numbers
from tinyq_deploy.passes.needed import operands


def cut(graph: Graph, facts: Analysis, kept: Mapping[int, Mask]) -> Graph:
    """`graph` with only the `kept` channels of its activations. Constants that change become new tensors: another node
    may read the old ones."""
    editor = _Editor(graph, facts, kept)
    nodes = tuple(editor.node(position) for position in range(len(graph.nodes)))
    return replace(graph, tensors=tuple(editor.tensors), nodes=nodes)


def folded(form: Linear, low: Numbers, kept: Mask) -> Numbers:
    """[G*O]: what each bias takes in from inputs that are not kept. `low` is the value of those that are constant."""
    return form.constant_part(low, ~kept)


class _Editor:
    """The graph while it is cut: `tensors` grows by new constants."""

    def __init__(self, graph: Graph, facts: Analysis, kept: Mapping[int, Mask]) -> None:
        self.graph, self.facts, self.kept = graph, facts, kept
        self.tensors = [self._activation(tensor) for tensor in graph.tensors]

    def _activation(self, tensor: Tensor) -> Tensor:
        kept = self.kept.get(tensor.index)
        if kept is None or kept.all():
            return tensor
        return replace(tensor, shape=(*tensor.shape[:-1], int(kept.sum())))

    def _new(self, like: Tensor, data: npt.NDArray[Any], quantization: Quantization | None) -> int:
        data = np.ascontiguousarray(data)
        data.setflags(write=False)
        index = len(self.tensors)
        dtype = INT4 if like.dtype == INT4 and data.dtype == np.int8 else str(data.dtype)
        self.tensors.append(Tensor(index, like.name, data.shape, dtype, quantization, data))
        return index

    def node(self, position: int) -> Node:
        """The node at `position` for its smaller tensors."""
        node = self.graph.nodes[position]
        masks = [self.kept[i] for i in (*node.inputs, *node.outputs) if i in self.kept]
        if all(mask.all() for mask in masks):
            return node
        view = NodeView(self.graph, node)
        form = self.facts.linears.get(position)
        if form is not None:
            return self._linear(view, form)
        if node.op in VIEWS:
            # The new shape is the output tensor's; the constant that repeats it is out of date.
            return replace(node, op="RESHAPE", inputs=node.inputs[:1], options=MappingProxyType({}))
        return self._elementwise(view)

    def _elementwise(self, view: NodeView) -> Node:
        mask = self.kept[view.node.outputs[0]]
        inputs = []
        for position, index in enumerate(view.node.inputs):
            tensor = self.graph.tensors[index]
            walks = position < operands(view) and tensor.dtype in ("int8", "bool") and tensor.shape[-1:] == (mask.size,)
            if tensor.data is not None and walks:
                inputs.append(self._new(tensor, tensor.data[..., mask], tensor.quantization))
            else:
                inputs.append(index)
        return replace(view.node, inputs=tuple(inputs))

    def _linear(self, view: NodeView, form: Linear) -> Node:
        sources, outputs = self.kept[view.node.inputs[INPUT]], self.kept[view.node.outputs[0]]
        filter_ = view.given(FILTER)
        axis = 3 if view.node.op == "DEPTHWISE_CONV_2D" else 0
        weights = self._new(filter_, _weights(view, form, sources, outputs), _sliced(filter_, outputs, axis))
        bias = self._bias(view, form, sources, outputs)
        options = dict(view.node.options)
        if view.node.op == "DEPTHWISE_CONV_2D":
            options["depth_multiplier"] = int(outputs.sum()) // int(sources.sum())
        inputs = (view.node.inputs[INPUT], weights, *((bias,) if bias != NO_TENSOR else ()))
        return replace(view.node, inputs=inputs, options=MappingProxyType(options))

    def _bias(self, view: NodeView, form: Linear, sources: Mask, outputs: Mask) -> int:
        """The bias with the constants' part, modulo 2^32 as the kernels add; none where there was none and it is 0."""
        low = self.facts.intervals[view.node.inputs[INPUT]].low
        total = (form.bias + folded(form, low, sources))[outputs]
        old = view.input(BIAS)
        if old is None and not total.any():
            return NO_TENSOR
        values = np.array([wrap(int(value)) for value in total], np.int32)
        if old is not None:
            return self._new(old, values, _sliced(old, outputs, 0))
        return self._new(view.given(FILTER), values, None)


def _weights(view: NodeView, form: Linear, sources: Mask, outputs: Mask) -> npt.NDArray[Any]:
    """The filter in the operator's own layout, for the inputs and outputs that are kept."""
    data = view.given(FILTER).data
    assert data is not None
    if view.node.op == "DEPTHWISE_CONV_2D":
        return data[..., outputs]
    groups, per_group, taps, inputs = form.weights.shape
    if view.node.op == "FULLY_CONNECTED":
        return data[outputs][:, np.tile(sources, taps)]
    local = sources.reshape(groups, inputs)
    return np.stack([data[o][..., local[o // per_group]] for o in np.flatnonzero(outputs)])


def _sliced(tensor: Tensor, kept: Mask, axis: int) -> Quantization | None:
    """The quantisation of the kept slices of a constant; one scale for all stays as it is."""
    old = tensor.quantization
    if old is None or len(old.scale) != kept.size or kept.size == 1:
        return old
    keep = np.flatnonzero(kept)
    points = tuple(old.zero_point[i] for i in keep) if len(old.zero_point) == kept.size else old.zero_point
    return Quantization(tuple(old.scale[i] for i in keep), points, axis)
