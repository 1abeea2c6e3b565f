# SPDX-License-Identifier: Apache-2.0
"""Nodes whose batches are computed one by one: kernels see a node of batch 1."""

from __future__ import annotations

from dataclasses import replace

from tinyq_deploy.graph import NodeView
from tinyq_deploy.ops import OPERATORS


def batches(view: NodeView) -> int:
    """How many batches a checked node computes one by one; 1 for operators whose kernels take any shape whole."""
    source = OPERATORS[view.node.op].batch_of
    return 1 if source is None else view.given(source).shape[0]


def single(view: NodeView) -> NodeView:
    """The node as it is for each of its batches: input and output have batch 1."""
    source = OPERATORS[view.node.op].batch_of
    if source is None:
        return view
    indices = (view.given(source).index, view.output().index)
    tensors = tuple(
        replace(tensor, shape=(1, *tensor.shape[1:])) if tensor.index in indices else tensor
        for tensor in view.graph.tensors
    )
    return NodeView(replace(view.graph, tensors=tensors), view.node)
