# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import exact
import host_c
import numpy as np
import pytest
from models import Op, T, model
from stateful import ASSIGN, READ, SCALE, ZERO_POINT, Net, random_net, sequence

from tinyq_deploy.check import check
from tinyq_deploy.errors import ModelError
from tinyq_deploy.freeze import freeze
from tinyq_deploy.graph import Graph
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.read import read

START = [-128, 127, 0, 5]


def assert_sequences_exact(models: dict[str, bytes]) -> None:
    """A sequence of inputs through all models, with graph passes and without, against tflite-micro."""
    given = sequence((1, 4))
    for passes in (False, True):
        built = host_c.program(models, passes=passes)
        for name, data in models.items():
            assert built.run(name, given) == list(exact.reference(data).run_many(given)), (name, passes)


def delay(initial: list[int] | None) -> bytes:
    """The sum of the last two inputs."""
    net = Net({"last": initial})
    given, before = net.value(), net.read("last")
    net.assign("last", given)
    return net.build([given], [net.op("ADD", before, given)])


def swapped() -> bytes:
    """Two variables that change places."""
    net = Net({"a": START, "b": [1, 2, 3, 4]})
    given, a, b = net.value(), net.read("a"), net.read("b")
    net.assign("a", b)
    net.assign("b", a)
    return net.build([given], [net.op("MAXIMUM", a, given)])


def counted() -> bytes:
    """A sum that is computed where it is kept."""
    net = Net({"sum": None})
    given = net.value()
    total = net.op("ADD", net.read("sum"), given)
    net.assign("sum", total)
    return net.build([given], [net.op("MAXIMUM", total, given)])


def old_value() -> bytes:
    """The value before the last one is the output itself."""
    net = Net({"last": START})
    given, before = net.value(), net.read("last")
    net.assign("last", net.op("ADD", given, given))
    return net.build([given], [net.op("RESHAPE", before, shape=(2, 2))])


def reread() -> bytes:
    """Assigned twice, read in between and behind."""
    net = Net({"a": START})
    given, first = net.value(), net.read("a")
    net.assign("a", given)
    second = net.read("a", (4,))
    net.assign("a", net.op("ADD", first, given))
    return net.build([given], [second, net.op("MAXIMUM", net.read("a"), given)])


def idle() -> bytes:
    """One variable that nothing writes, one that nothing reads, one that becomes what it is."""
    net = Net({"a": START, "b": None, "c": START})
    given = net.value()
    net.assign("b", given)
    net.assign("c", net.read("c"))
    return net.build([given], [net.op("ADD", net.read("a"), given)])


def test_variables_are_byte_exact() -> None:
    assert_sequences_exact({
        "delay": delay(START), "from_zero_point": delay(None), "swapped": swapped(), "counted": counted(),
        "old_value": old_value(), "reread": reread(), "idle": idle(),
    })  # fmt: skip


@pytest.mark.parametrize("first", [0, *[pytest.param(100 * n, marks=pytest.mark.exhaustive) for n in range(1, 6)]])
def test_random_models_that_remember(first: int) -> None:
    assert_sequences_exact({f"net{seed}": random_net(seed) for seed in range(first, first + (40 if first else 10))})


@pytest.mark.parametrize("kind", ["tflite-micro", "litert"])
def test_the_oracle_keeps_its_state_until_a_reset(kind: str) -> None:
    """The one that CALL_ONCE gives, not the interpreters' own zero point."""
    given = sequence((1, 4))
    with open_oracle(delay(START), kind=kind) as oracle:
        once = list(oracle.run_many(given))
        assert list(oracle.run_many(given)) != once
        oracle.reset()
        assert list(oracle.run_many(given)) == once


def test_variables_are_not_split_between_two_interpreters() -> None:
    """tflite-micro has no GELU; LiteRT runs the whole model, as each would have variables of its own."""
    net = Net({"a": START})
    given, before = net.value(), net.read("a")
    net.assign("a", given)
    data = net.build([given], [net.op("GELU", net.op("ADD", before, given))])
    with open_oracle(data) as oracle:
        assert oracle.name.startswith("litert")
        assert host_c.program({"net": data}).run("net", sequence((1, 4))) == list(oracle.run_many(sequence((1, 4))))


def test_a_reset_is_in_the_project() -> None:
    data = delay(START)
    text = host_c.rendered(data, "net").files
    assert b"void net_reset(void)" in text["model/model.c"]
    assert b"#define NET_STATE_BYTES 4" in text["model/model.h"]
    assert b"net_reset" in host_c.rendered(data, "net", export=False).files["src/model_binding.c"]


def test_what_needs_no_copy_gets_none() -> None:
    """A value is computed in the variable's memory where nothing needs the old one any more."""

    def copies(data: bytes) -> list[str]:
        return [layer.op for layer in host_c.planned(data).code_layers() if "VARIABLE" in layer.op]

    assert copies(counted()) == []
    assert copies(swapped()) == [READ, READ, ASSIGN]
    assert copies(old_value()) == [READ]


def test_states_come_first_in_the_arena_and_count() -> None:
    made = host_c.planned(swapped())
    assert made.state_bytes == 8
    assert [made.offsets[state.before] for state in made.graph.states] == [0, 4]
    assert all(b.offset >= 8 for b in made.buffers if b.tensors[:1] not in [(s.before,) for s in made.graph.states])
    assert made.lower_bound >= 8


# Variable tensors ----------------------------------------------------------------------------------------------------


def remembering(variable: T, **changes: object) -> Graph:
    """A file whose layer has a variable tensor as its second input."""
    tensors = [T((1, 4), SCALE, 0), variable, T((1, 4), SCALE, 0)]
    return read(model(tensors, [Op("ADD", (0, 1), (2,))], [0], [2]), "test.tflite")


def test_a_variable_tensor_is_written_by_the_layer_that_reads_it() -> None:
    graph = remembering(T((1, 4), SCALE, ZERO_POINT, variable=True))
    (state,) = graph.states
    assert state.before == 1
    assert graph.nodes[0].outputs == (2, state.after)
    assert graph.tensors[state.after].shape == (1, 4)
    assert state.initial.tolist() == [[ZERO_POINT] * 4]
    assert remembering(T((1, 4), SCALE, 3, dtype="int16", variable=True)).states[0].initial.tolist() == [[0] * 4]


# What is wrong --------------------------------------------------------------------------------------------------------


def refused(net: Net, given: int, output: int) -> str:
    with pytest.raises(ModelError) as caught:
        check(read(net.build([given], [output]), "test.tflite"))
    return str(caught.value)


def test_handles_name_variables() -> None:
    net = Net({"a": None})
    given = net.value()
    net.handles["a"] = given
    found = net.op("ADD", net.read("a"), given)
    assert "a variable is named by VAR_HANDLE before it is used" in refused(net, given, found)


def test_call_once_comes_first_and_names_a_subgraph() -> None:
    net = Net({"a": START})
    given = net.value()
    found = net.op("ADD", net.read("a"), given)
    net.ops.append(net.ops[0])
    assert "comes before all variables" in refused(net, given, found)
    net.ops = [*net.ops[:-1], Op("CALL_ONCE", (), (), {"init_subgraph_index": 7})]
    assert "layer 4: subgraph 7" in refused(net, given, found)
    net.ops[-1] = Op("CALL_ONCE", (), (), {"init_subgraph_index": 0})
    assert "layer 4 CALL_ONCE: subgraph 0" in refused(net, given, found)


def test_other_subgraphs_are_refused() -> None:
    net = Net({"a": None})
    given = net.value()
    found = net.op("ADD", net.read("a"), given)
    data = model(net.tensors, net.ops, [given], [found], [([], [])])
    with pytest.raises(ModelError, match="2 subgraphs"):
        read(data, "test.tflite")


@pytest.mark.parametrize("ops", [
    [Op("VAR_HANDLE", (), (0,), {"shared_name": "a"}), Op(ASSIGN, (0, 0), ())],
    [Op("ADD", (1, 1), (1,))],
    [Op(ASSIGN, (0, 1), ())],
])  # fmt: skip
def test_initialisers_assign_constants(ops: list[Op]) -> None:
    net = Net({"a": START})
    given = net.value()
    found = net.op("ADD", net.read("a"), given)
    data = model(net.tensors, net.ops, [given], [found], [(net.initialiser()[0], ops)])
    with pytest.raises(ModelError, match="what CALL_ONCE calls assigns constants to variables"):
        read(data, "test.tflite")


def test_a_variable_keeps_its_size() -> None:
    net = Net({"a": START})
    given = net.value()
    found = net.op("ADD", net.read("a", (1, 5)), given)
    assert "of its own type and size" in refused(net, given, found)
    net = Net({"a": None})
    given = net.value()
    net.assign("a", given)
    found = net.op("ADD", net.read("a", (1, 4)), net.read("a", (1, 5)))
    assert "type and number of elements" in refused(net, given, found)


def test_a_variable_is_written_by_someone() -> None:
    net = Net({"a": None})
    given = net.value()
    assert "initialised or assigned" in refused(net, given, net.op("ADD", net.read("a"), given))


def test_operands_are_counted() -> None:
    net = Net({"a": None})
    given = net.value()
    net.ops.append(Op(READ, (net.handles["a"],), ()))
    assert "READ_VARIABLE: It has 1 inputs and 1 outputs" in refused(net, given, given)


def test_a_variable_tensor_belongs_to_one_layer() -> None:
    tensors = [T((1, 4), SCALE, 0), T((1, 4), SCALE, 0, variable=True), *[T((1, 4), SCALE, 0)] * 2]
    ops = [Op("ADD", (0, 1), (2,)), Op("ADD", (2, 1), (3,))]
    with pytest.raises(ModelError, match="belongs to one layer"):
        read(model(tensors, ops, [0], [3]), "test.tflite")
    with pytest.raises(ModelError, match="inside the model"):
        read(model(tensors, ops[:1], [0], [1]), "test.tflite")


def test_a_float_model_with_variables_is_not_quantised() -> None:
    net = Net({"a": None})
    given = net.value()
    net.assign("a", given)
    data = net.build([given], [net.op("ADD", net.read("a"), given)])
    with pytest.raises(ModelError, match="keeps no state"):
        freeze(data, "float.tflite")


def test_initial_values_are_read_only() -> None:
    for state in read(swapped(), "test.tflite").states:
        with pytest.raises(ValueError, match="read-only"):
            state.initial[...] = np.int8(0)


def test_the_oracle_reads_variables_of_another_type_too() -> None:
    """Bytes go through a variable as they are, whatever scale its readers give them."""
    net = Net({"a": START})
    given = net.value()
    other = net.tensor(T((1, 4), 0.1, -3))
    net.ops.append(Op(READ, (net.handles["a"],), (other,)))
    net.assign("a", given)
    data = net.build([given], [net.op("ADD", other, given)])
    assert_sequences_exact({"net": data})
    assert exact.reference(data).run(sequence((1, 4))[0])
