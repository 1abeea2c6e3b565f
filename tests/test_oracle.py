# SPDX-License-Identifier: Apache-2.0
"""The oracle says what it is, computes in a child process, and survives what crashes there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from models import Op, T, constant, model, pack, tree

from tinyq_deploy import oracle as oracle_module
from tinyq_deploy.errors import DataError, ModelError
from tinyq_deploy.oracle import open_oracle
from tinyq_deploy.workers import client
from tinyq_deploy.workers.client import Worker, WorkerDied, WorkerError
from tinyq_deploy.workers.segments import segment


def random_inputs(size: int, count: int) -> list[list[npt.NDArray[Any]]]:
    rng = np.random.default_rng(1)
    return [[rng.integers(-128, 128, size, np.int8)] for _ in range(count)]


def needs_tflite_micro() -> None:
    if find_spec("tflite_micro") is None:
        pytest.skip("tflite-micro is not installed")


def test_litert_says_what_it_is_and_matches_the_runtime(shared_model: Callable[[str], Path]) -> None:
    from tinyq_deploy.runtimes import find_runtime

    model = shared_model("sww_dscnn1d_int8.tflite").read_bytes()
    samples = random_inputs(1200, 5)
    with open_oracle(model, kind="litert") as oracle:
        got = list(oracle.run_many(samples))
        assert oracle.run(samples[2]) == got[2]
        assert oracle.name.startswith("litert 2.")
        assert oracle.name.endswith(", no delegates")
    runtime = find_runtime().open(model)
    detail = runtime.get_input_details()[0]
    for (values,), (output,) in zip(samples, got, strict=True):
        runtime.set_tensor(detail["index"], values.reshape(detail["shape"]))
        runtime.invoke()
        assert runtime.get_tensor(runtime.get_output_details()[0]["index"]).tobytes() == output


def test_tflite_micro_is_preferred_and_differs_where_the_contract_says(shared_model: Callable[[str], Path]) -> None:
    needs_tflite_micro()
    model = shared_model("ad_autoencoder_int8.tflite").read_bytes()
    samples = random_inputs(640, 20)
    with open_oracle(model) as micro, open_oracle(model, kind="litert") as litert:
        assert micro.name.startswith("tflite-micro 0.")
        assert micro.name.endswith(", reference kernels")
        assert micro.note == ""
        pairs = list(zip(micro.run_many(samples), litert.run_many(samples), strict=True))
    apart = [np.abs(np.frombuffer(a, np.int8).astype(int) - np.frombuffer(b, np.int8)).max() for (a,), (b,) in pairs]
    assert max(apart) == 1  # fully connected rounds differently in LiteRT


def test_batches_are_cut_and_keep_their_order(shared_model: Callable[[str], Path], monkeypatch: Any) -> None:
    model = shared_model("sww_dscnn1d_int8.tflite").read_bytes()
    samples = random_inputs(1200, 7)
    with open_oracle(model) as oracle:
        whole = list(oracle.run_many(samples))
        monkeypatch.setattr(oracle_module, "_BATCH_BYTES", 2500)
        assert list(oracle.run_many(samples)) == whole
    assert len({output for (output,) in whole}) > 1


@pytest.mark.parametrize("kind", ["tflite-micro", "litert"])
def test_intermediate_tensors(digits: Path, kind: str) -> None:
    if kind == "tflite-micro":
        needs_tflite_micro()
    model = integer_digits(digits)
    with open_oracle(model, kind=kind, keep_tensors=True) as oracle:
        (values,) = random_inputs(64, 1)[0]
        tensors = oracle.tensors([values], [0, 24])
        assert tensors[0] == values.tobytes()
        assert [tensors[24]] == oracle.run([values])
        with pytest.raises(ModelError, match=r"\[99\] of 25"):
            oracle.tensors([values], [0, 99])
        assert oracle.run([values])  # it lives on


def integer_digits(digits: Path) -> bytes:
    from tinyq_deploy.data import load_data
    from tinyq_deploy.quantize import quantize

    return quantize(digits / "digits_float.tflite", load_data(digits / "representative.npz")).tflite


def test_wrong_input_size_is_a_data_error(digits: Path) -> None:
    with open_oracle(integer_digits(digits)) as oracle, pytest.raises(DataError, match=r"\[63\] bytes, wanted \[64\]"):
        oracle.run([np.zeros(63, np.int8)])


def test_damaged_models_and_crashes_are_errors(digits: Path) -> None:
    model = integer_digits(digits)
    with pytest.raises(ModelError, match="do not parse"):
        open_oracle(model[:500])
    oracle = open_oracle(model)
    oracle._worker._child.kill()
    with pytest.raises(ModelError, match="ended with status"):
        oracle.run([np.zeros(64, np.int8)])
    oracle.close()
    oracle.close()


def test_falls_back_to_litert_and_says_why(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = integer_digits(digits)
    monkeypatch.setattr(oracle_module, "find_spec", lambda name: None)
    with open_oracle(model) as oracle:
        assert oracle.name.startswith("litert ")
        assert oracle.note == "tflite-micro is not installed"
    needs_tflite_micro()
    monkeypatch.undo()
    real = oracle_module._open

    def refuse_micro(model: bytes, kind: str, keep: bool, note: str, **more: Any) -> oracle_module.Oracle:
        if kind != "litert":
            raise ModelError("the oracle runs the model", f"{kind}: no kernel", "")
        return real(model, kind, keep, note, **more)

    monkeypatch.setattr(oracle_module, "_open", refuse_micro)
    with open_oracle(model) as oracle:
        assert oracle.name.startswith("litert ")
        assert oracle.note == "tflite-micro: no kernel"


def test_a_worker_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "worker_argv", lambda module: [sys.executable, "-c", "import time; time.sleep(60)"])
    with Worker("oracle") as worker, pytest.raises(WorkerDied, match="limit 0 s"):
        worker.call({"do": "open"}, timeout=0.2)


def test_a_worker_outlives_its_errors_and_keeps_prints_out_of_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from tinyq_deploy.workers.framing import serve\n"
        "import os\n"
        "def handle(message, blobs):\n"
        "    print('noise'); os.write(1, b'more noise')\n"
        "    if 'fail' in message: raise ValueError('no')\n"
        "    return {'said': message['say']}, [b''.join(blobs), b'']\n"
        "serve(handle)\n"
    )
    monkeypatch.setattr(client, "worker_argv", lambda module: [sys.executable, "-c", code])
    with Worker("any") as worker:
        with pytest.raises(WorkerError, match="ValueError: no"):
            worker.call({"fail": 1}, timeout=30)
        assert worker.call({"say": "é"}, [b"ab", b"\x00c"], timeout=30) == ({"said": "é"}, [b"ab\x00c", b""])
        assert "noise" in worker.stderr_tail()


def test_argv_is_this_python() -> None:
    assert client.worker_argv("oracle") == [sys.executable, "-m", "tinyq_deploy.workers.oracle"]


def test_importing_the_oracle_loads_no_interpreter() -> None:
    code = (
        "import sys, tinyq_deploy.oracle, tinyq_deploy.quantize, tinyq_deploy.data, tinyq_deploy.load\n"
        "print([m for m in ('tensorflow', 'ai_edge_litert', 'litert_quantizer', 'tflite_micro', 'scipy', 'PIL')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def gelu_between_dense_layers() -> bytes:
    """FULLY_CONNECTED, GELU, FULLY_CONNECTED: tflite-micro has no GELU, and LiteRT rounds the others another way."""
    rng = np.random.default_rng(2)
    weights = [constant(rng.integers(-127, 128, (40, 40)), [0.004 + 0.0001 * i for i in range(40)]) for _ in range(2)]
    tensors = [T((1, 40), 0.05, 3), *weights, T((1, 40), 0.11, -7), T((1, 40), 0.06, -100), T((1, 40), 0.13, 9)]
    ops = [
        Op("FULLY_CONNECTED", [0, 1], [3]),
        Op("GELU", [3], [4], {"approximate": False}, 2),
        Op("FULLY_CONNECTED", [4, 2], [5]),
    ]
    return model(tensors, ops, [0], [5])


def test_what_tflite_micro_lacks_litert_runs_and_no_more() -> None:
    needs_tflite_micro()
    net, samples = gelu_between_dense_layers(), random_inputs(40, 300)
    with open_oracle(net, keep_tensors=True) as mixed, open_oracle(net, kind="litert") as litert:
        assert mixed.name.startswith("tflite-micro 0.")
        assert mixed.name.endswith(", no delegates: GELU")
        assert "GELU" in mixed.note
        pairs = list(zip(mixed.run_many(samples), litert.run_many(samples), strict=True))
        inner = mixed.tensors(samples[0], [3, 4, 5])
    assert 0 < sum(one != other for one, other in pairs) < 150
    assert inner[5] == pairs[0][0][0]
    first, last = segment(net, [0]), segment(net, [2])
    assert (first.inputs, first.outputs, last.inputs, last.outputs) == ((0,), (3,), (4,), (5,))
    with open_oracle(first.model) as before, open_oracle(last.model) as after:
        assert before.name.endswith("reference kernels")
        assert before.run(samples[0]) == [inner[3]]
        assert after.run([np.frombuffer(inner[4], np.int8)]) == [inner[5]]


def test_a_scalar_whose_shape_the_file_does_not_state_goes_into_a_mixed_oracle() -> None:
    needs_tflite_micro()
    tensors = [T((1, 4), 0.5), constant(3, 0.5), T((1, 4), 0.5), T((1, 4), 0.5)]
    made = tree(tensors, [Op("ADD", [0, 1], [2], version=2), Op("GELU", [2], [3])], [0], [3])
    made.subgraphs[0].tensors[1].shape = None
    with open_oracle(pack(made)) as mixed:
        assert mixed.name.endswith(", no delegates: GELU")
        (found,) = mixed.run([np.array([[-40, -3, 0, 9]], np.int8)])
    assert np.frombuffer(found, np.int8).tolist() == [0, 0, 3, 12]
