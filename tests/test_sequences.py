# SPDX-License-Identifier: Apache-2.0
"""How data sets mark sequences, and a model that remembers through build, bench, estimate and inspect."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stateful import Net

from tinyq_deploy import board, deploy
from tinyq_deploy.cli import run
from tinyq_deploy.dataset import Dataset
from tinyq_deploy.errors import DataError
from tinyq_deploy.graph import Graph, Quantization, State, Tensor
from tinyq_deploy.inspect_model import inspect
from tinyq_deploy.sequences import sequences


def tensor(*shape: int) -> Tensor:
    return Tensor(0, "input", (1, *shape), "int8", Quantization((1.0,), (0,)))


def graph(*inputs: Tensor) -> Graph:
    """A graph that keeps a state."""
    places = tuple(range(len(inputs)))
    tensors = tuple(replace(item, index=i) for i, item in enumerate(inputs))
    return Graph("net", "", tensors, (), places, (), states=(State("a", 0, 0, np.zeros(1)),))


def data(shape: tuple[int, ...], labels: object = None) -> Dataset:
    values = np.arange(int(np.prod(shape))).reshape(shape).astype(np.int8)
    return Dataset((values,), None if labels is None else np.asarray(labels))


@pytest.mark.parametrize(
    ("shape", "model", "length", "rows"),
    [
        ((2, 5, 3, 4), (3, 4), 5, (10, 3, 4)),  # the axis T
        ((2, 1, 3, 4), (3, 4), 1, (2, 3, 4)),  # one input a sequence
        ((5, 3, 4), (3, 4), 5, (5, 3, 4)),  # without it: one sequence
        ((2, 5, 12), (3, 4), 5, (10, 12)),  # flat inputs
        ((5, 12), (3, 4), 5, (5, 12)),
        ((2, 5, 4), (4,), 5, (10, 4)),
        ((2, 5, 1), (1,), 5, (10, 1)),
        ((5, 1), (1,), 5, (5, 1)),
        ((2, 3, 4), (3, 4), 2, (2, 3, 4)),
    ],
)
def test_the_axis_of_time(shape: tuple[int, ...], model: tuple[int, ...], length: int, rows: tuple[int, ...]) -> None:
    given = data(shape)
    found = sequences(given, graph(tensor(*model)))
    assert found.length == length
    assert found.data.inputs[0].shape == rows
    assert found.data.inputs[0].tobytes() == given.inputs[0].tobytes()
    assert found.labels is None


def test_labels_are_of_inputs_or_of_sequences() -> None:
    each = sequences(data((2, 3, 4), [[0, 1, 2], [3, 4, 5]]), graph(tensor(4)))
    assert list(each.labels or ()) == [0, 1, 2, 3, 4, 5]
    last = sequences(data((2, 3, 4), [7, 8]), graph(tensor(4)))
    assert list(last.labels or ()) == [None, None, 7, None, None, 8]
    one = sequences(data((3, 4), [1, 2, 3]), graph(tensor(4)))
    assert list(one.labels or ()) == [1, 2, 3]
    assert sequences(data((2, 3, 4), [0.5, 0.5]), graph(tensor(4))).labels is None


def test_a_model_without_state_knows_no_sequences() -> None:
    stateless = replace(graph(tensor(4)), states=())
    assert sequences(data((2, 3, 4), [0, 1]), stateless).length == 0
    assert list(sequences(data((3, 4), [0, 1, 2]), stateless).labels or ()) == [0, 1, 2]


def test_inputs_agree_on_the_length() -> None:
    a, b = (np.zeros((2, n, 4), np.int8) for n in (3, 5))
    for inputs in ((a, b), (a, np.zeros((2, 4), np.int8)), (np.zeros((2, 4), np.int8), a)):
        with pytest.raises(DataError, match="with one T"):
            sequences(Dataset(inputs), graph(tensor(4), tensor(4)))
    assert sequences(Dataset((a, a)), graph(tensor(4), tensor(4))).length == 3


def accumulator() -> bytes:
    """Sums what it is given; the state begins with other than one byte repeated."""
    net = Net({"sum": [1, -2, 3, -4]})
    given = net.value()
    total = net.op("ADD", net.read("sum"), given)
    net.assign("sum", total)
    return net.build([given], [net.op("MAXIMUM", total, given)])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "sums.tflite"
    path.write_bytes(accumulator())
    return path


def bench(folder: Path, name: str, samples: Path, limit: int = 0) -> deploy.BenchResult:
    made = board.load(name)
    return deploy.bench(deploy.BenchRequest(folder, made, str(samples), virtual=True, limit=limit))


@pytest.mark.parametrize("name", ["host", "mps2-an386", "nucleo-f446re"])
def test_sequences_over_the_link(name: str, model: Path, tmp_path: Path) -> None:
    if name != "host" and not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")):
        pytest.skip("needs arm-none-eabi-gcc and qemu-system-arm")
    rng = np.random.default_rng(1)
    sequence = rng.integers(-128, 128, (1, 5, 4)).astype(np.int8)
    samples = tmp_path / "data.npz"
    np.savez(samples, x=np.concatenate([sequence, sequence, sequence[:, ::-1]]), y=[0, 1, 2])
    built = deploy.build(deploy.BuildRequest(model, board.load(name), out=tmp_path / "project"))
    assert [state.name for state in built.manifest.states] == ["sum"]
    found = bench(built.folder, name, samples)
    assert (found.measurement.exact, found.measurement.total) == (15, 15)
    (outputs,) = found.outputs
    assert (outputs[:5] == outputs[5:10]).all()
    assert (outputs[0] != outputs[10]).any()
    assert [row.label for row in found.measurement.rows] == [None] * 4 + [0] + [None] * 4 + [1] + [None] * 4 + [2]
    assert found.measurement.accuracy is not None
    assert found.measurement.accuracy.total == 3
    assert bench(built.folder, name, samples, limit=2).measurement.total == 10
    if name == "nucleo-f446re":
        assert deploy.estimate(built.folder, board.load(name), str(samples)).oracle.startswith("tflite-micro")


def test_one_sequence_without_the_axis(model: Path, tmp_path: Path) -> None:
    samples = tmp_path / "data.npz"
    np.savez(samples, x=np.full((6, 4), 20, np.int8))
    built = deploy.build(deploy.BuildRequest(model, board.load("host"), out=tmp_path / "project"))
    found = bench(built.folder, "host", samples)
    assert (found.measurement.exact, found.measurement.total) == (6, 6)
    assert len({row.outputs for row in found.measurement.rows}) == 6
    assert bench(built.folder, "host", samples, limit=4).measurement.total == 4


def test_inspect_and_build_list_states(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (state,) = inspect(model).states
    assert (state.name, state.shape, state.dtype, state.bytes) == ("sum", (1, 4), "int8", 4)
    assert run(["inspect", str(model), "--json", str(tmp_path / "i.json")]) == 0
    assert json.loads((tmp_path / "i.json").read_text())["states"][0]["bytes"] == 4
    line = "1 state, 4 bytes of the arena, to be reset where a sequence of inputs begins"
    assert line in " ".join(capsys.readouterr().err.split())
    assert run(["build", str(model), "--board", "host", "-o", str(tmp_path / "p")]) == 0
    assert line in " ".join(capsys.readouterr().err.split())
    text = (tmp_path / "p" / "README.md").read_text()
    assert "## State, the first 4 bytes of the arena" in text
    assert "| 0 | 4 | sum int8 [1,4] |" in text
