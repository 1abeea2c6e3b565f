# SPDX-License-Identifier: Apache-2.0
"""What a model remembers: resource variables and variable tensors become states, which nodes read and write like inputs
and outputs.

Sources: TFLite's resource_variable and call_once kernels; tflite-micro's MicroResourceVariables and
ResetVariableTensors for what a variable holds that nothing has initialised: its zero point.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from tinyq_deploy.errors import Fault, ModelError
from tinyq_deploy.graph import NO_TENSOR, Graph, Node, NodeView, State, Tensor
from tinyq_deploy.ops import rules
from tinyq_deploy.ops.base import Rule, sentence
from tinyq_deploy.ops.variable import CallOnce, VarHandle

TYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")
_AGAIN = "convert the model again"
# What the operators have to look like in the file.
_RULES: Mapping[str, tuple[Rule, ...]] = {
    "VAR_HANDLE": VarHandle.rules,
    "READ_VARIABLE": (rules.operands(1),),
    "ASSIGN_VARIABLE": (rules.operands(2, outputs=0),),
    "CALL_ONCE": CallOnce.rules,
}

# What names a resource variable: container and name in it.
_Key = tuple[str, str]
_Values = npt.NDArray[np.generic]


def resolve(graph: Graph, variables: Set[int], subgraphs: Mapping[int, Graph]) -> Graph:
    """`graph` with states for its resource variables and for the tensors that are `variables`; `subgraphs` are the
    others of the file, by their number. A node that reads a variable tensor writes its new value as one more output,
    behind its own. Raises ModelError with everything that is wrong with them."""
    made = _Resolver(graph, subgraphs)
    for node in graph.nodes:
        made.take(node)
    nodes = [made.with_variables(node, variables) for node in made.assigned()]
    faults = [*made.faults, *_unnamed(graph, subgraphs), *made.at_last()]
    if faults:
        raise ModelError.of(faults)
    if not made.states:
        return graph
    return replace(graph, tensors=tuple(made.tensors), nodes=tuple(nodes), states=tuple(made.states))


@dataclass
class _Resolver:
    """The graph while variables become states. `current` is the tensor that a variable holds after the nodes taken so
    far, `last` the assignment that gave it, by the variable's key; `owned` are the variable tensors that are states,
    `called` the subgraphs whose constants are known."""

    graph: Graph
    subgraphs: Mapping[int, Graph]
    tensors: list[Tensor] = field(init=False)
    nodes: list[Node] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    handles: dict[int, _Key] = field(default_factory=dict)
    initial: dict[_Key, _Values] = field(default_factory=dict)
    place: dict[_Key, int] = field(default_factory=dict)
    current: dict[_Key, int] = field(default_factory=dict)
    last: dict[_Key, Node] = field(default_factory=dict)
    owned: set[int] = field(default_factory=set)
    called: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tensors = list(self.graph.tensors)

    def take(self, node: Node) -> None:
        """One node of the main graph, in order."""
        if fault := _malformed(self.graph, node):
            self.faults.append(fault)
        elif node.op == "VAR_HANDLE":
            self.handles[node.outputs[0]] = _key(node)
        elif node.op == "CALL_ONCE":
            self._initialize(node)
        elif node.op in ("READ_VARIABLE", "ASSIGN_VARIABLE"):
            self._use(node)
        else:
            self.nodes.append(node)

    def _initialize(self, node: Node) -> None:
        number = int(node.options.get("init_subgraph_index", 0))
        subgraph = self.subgraphs.get(number)
        if subgraph is None:
            self._fault("CALL_ONCE names another subgraph of the file", f"layer {node.index}: subgraph {number}")
        elif self.place:
            found = f"layer {node.index} comes after {next(iter(self.place))[1]!r}"
            self._fault("CALL_ONCE comes before all variables that are read or assigned", found)
        elif number not in self.called:
            self.called.add(number)
            self._assign_constants(subgraph, number)

    def _assign_constants(self, subgraph: Graph, number: int) -> None:
        handles: dict[int, _Key] = {}
        for node in subgraph.nodes:
            fault, where = _malformed(subgraph, node), f"subgraph {number}, layer {node.index} {node.op}"
            if fault:
                self.faults.append(fault)
            elif node.op == "VAR_HANDLE":
                handles[node.outputs[0]] = _key(node)
            elif node.op != "ASSIGN_VARIABLE" or node.inputs[0] not in handles:
                self._fault("what CALL_ONCE calls assigns constants to variables", where)
            elif (data := subgraph.tensors[node.inputs[1]].data) is None:
                self._fault("what CALL_ONCE calls assigns constants to variables", f"{where}: not a constant")
            else:
                self.initial[handles[node.inputs[0]]] = data

    def _use(self, node: Node) -> None:
        """A READ_VARIABLE or ASSIGN_VARIABLE, without its handle from now on."""
        key = self.handles.get(node.inputs[0])
        if key is None:
            found = f"layer {node.index} {node.op}: tensor {node.inputs[0]}"
            self._fault("a variable is named by VAR_HANDLE before it is used", found)
            return
        reads = node.op == "READ_VARIABLE"
        value = self.tensors[node.outputs[0] if reads else node.inputs[1]]
        if key not in self.place and not self._begin(key, value):
            return
        if reads:
            self.nodes.append(replace(node, inputs=(self.current[key],)))
        else:
            self.nodes.append(node)
            self.current[key], self.last[key] = value.index, node

    def _begin(self, key: _Key, like: Tensor) -> bool:
        """A new state for the variable `key`, which holds values like those of a tensor."""
        if like.dtype not in TYPES:
            self._fault(f"a variable holds {', '.join(TYPES)}", f"{key[1]!r} {like.dtype}")
            return False
        initial, name = self.initial.get(key, default(like)), key[1] or "variable"
        if (initial.dtype.name, initial.size) != (like.dtype, like.size):
            found = f"{name!r} {like.dtype} {list(like.shape)}, from {initial.dtype} {list(initial.shape)}"
            self._fault("a variable is initialised with values of its own type and size", found)
            return False
        before = self._new(like, name)
        self.place[key] = len(self.states)
        self.states.append(State(name, before, before, initial.reshape(like.shape)))
        self.current[key] = before
        return True

    def _new(self, like: Tensor, name: str) -> int:
        index = len(self.tensors)
        self.tensors.append(replace(like, index=index, name=name, data=None))
        return index

    def assigned(self) -> list[Node]:
        """The nodes with only the last assignment to each variable, whose output is the state's new value."""
        last = {node.index: self.place[key] for key, node in self.last.items()}
        return [
            replace(node, inputs=node.inputs[1:], outputs=(self._written(last[node.index]),))
            if node.index in last
            else node
            for node in self.nodes
            if node.op != "ASSIGN_VARIABLE" or node.index in last
        ]

    def _written(self, place: int) -> int:
        """A tensor for the new value of a state."""
        state = self.states[place]
        after = self._new(self.tensors[state.before], state.name)
        self.states[place] = replace(state, after=after)
        return after

    def with_variables(self, node: Node, variables: Set[int]) -> Node:
        """The node with the new values of the variable tensors among its inputs as outputs behind its own."""
        for index in node.inputs:
            tensor = self.tensors[index] if index != NO_TENSOR and index in variables else None
            if tensor is None or tensor.data is not None:
                continue
            if tensor.dtype not in TYPES or index in self.owned:
                found = f"layer {node.index} {node.op}: tensor {index} {tensor.name[:60]!r} {tensor.dtype}"
                self._fault(f"a variable tensor belongs to one layer and holds {', '.join(TYPES)}", found)
                continue
            self.owned.add(index)
            self.states.append(State(tensor.name, index, index, default(tensor)))
            node = replace(node, outputs=(*node.outputs, self._written(len(self.states) - 1)))
        return node

    def at_last(self) -> list[Fault]:
        """What is wrong with the variables as a whole: some are the model's inputs or outputs, or are never written."""
        both = sorted(self.owned & {*self.graph.inputs, *self.graph.outputs})
        empty = [key for key in self.place if key not in self.initial and key not in self.last]
        return [
            *(Fault("a variable tensor is inside the model", f"tensor {i}: input or output", _AGAIN) for i in both),
            *(Fault("a variable is initialised or assigned", repr(name), _AGAIN) for _, name in empty),
        ]

    def _fault(self, rule: str, found: str) -> None:
        self.faults.append(Fault(rule, found, _AGAIN))


def default(tensor: Tensor) -> _Values:
    """What a variable like `tensor` holds that nothing has initialised: its zero point, 0 where it has none."""
    quantized = tensor.quantization is not None and tensor.dtype in ("int8", "uint8")
    point = np.array(tensor.zero_point if quantized else 0).astype(tensor.dtype)
    return np.broadcast_to(point, tensor.shape)


def _malformed(graph: Graph, node: Node) -> Fault | None:
    view = NodeView(graph, node)
    for rule in _RULES.get(node.op, ()):
        if found := rule(view):
            return Fault(f"{node.op}: {sentence(rule)}", f"{view.label}: {found}", "the file is damaged")
    return None


def _key(node: Node) -> _Key:
    return str(node.options.get("container", "")), str(node.options.get("shared_name", ""))


def _unnamed(graph: Graph, subgraphs: Mapping[int, Graph]) -> list[Fault]:
    """Subgraphs that no CALL_ONCE names: another model in the file, or the body of a loop."""
    named = {int(node.options.get("init_subgraph_index", 0)) for node in graph.nodes if node.op == "CALL_ONCE"}
    if set(subgraphs) <= named:
        return []
    found, hint = f"{len(subgraphs) + 1} subgraphs", "convert it without control flow (no while, if or call)"
    return [Fault("a model has one subgraph, and those that CALL_ONCE names", found, hint)]
