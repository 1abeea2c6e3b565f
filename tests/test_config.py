# SPDX-License-Identifier: Apache-2.0
"""tinyq.toml: every key it may hold, and every fault of it told at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinyq_deploy import config
from tinyq_deploy.errors import UsageError

EVERYTHING = """
model = "net.tflite"
name = "net"
board = "nucleo"
representative_data = "rep.npz"
data = "test.npz"
x_key = "images"
y_key = "labels"
kernels = "auto"
cmsis_nn = "lib/CMSIS-NN"
optimize = "size"
ram = "64K"
toolchain = "gcc"
tuning = "tuning.toml"

[quantize]
calibrate = "minmax"
equalize = true
precision = "int8"

[gates]
accuracy = 0.9
exact = true
"""


def write(folder: Path, text: str) -> None:
    (folder / config.FILE).write_text(text, encoding="utf-8")


def told(folder: Path) -> UsageError:
    with pytest.raises(UsageError) as caught:
        config.load(folder)
    return caught.value


def test_no_file_says_nothing(tmp_path: Path) -> None:
    assert config.load(tmp_path) == config.Config()
    assert config.Config().model is None
    assert config.Config().gates == config.Gates(accuracy=None, exact=False)


def test_every_key_is_read(tmp_path: Path) -> None:
    write(tmp_path, EVERYTHING)
    found = config.load(tmp_path)
    assert found.model == Path("net.tflite")
    assert found.cmsis_nn == Path("lib/CMSIS-NN")
    assert (found.board, found.optimize, found.quantize.precision, found.x_key) == ("nucleo", "size", "int8", "images")
    assert (found.gates.accuracy, found.gates.exact) == (0.9, True)
    assert set(found.model_dump(exclude_unset=True)) == set(config.Config.model_fields)


def test_the_template_is_a_valid_file_with_every_comment_taken_away(tmp_path: Path) -> None:
    text = config.TEMPLATE.format(model=json.dumps('we "ird\\.tflite'), board=json.dumps("host"))
    write(tmp_path, text)
    assert config.load(tmp_path).model == Path('we "ird\\.tflite')
    write(tmp_path, "\n".join(line.removeprefix("# ") for line in text.splitlines()[1:]))
    found = config.load(tmp_path)
    assert (found.representative_data, found.gates.accuracy) == ("representative.npz", 0.9)


@pytest.mark.parametrize(("text", "where", "hint"), [
    ("modle = 'x'", "modle", "did you mean 'model'?"),
    ("[gates]\nacuracy = 1", "gates.acuracy", "did you mean 'accuracy' in [gates]?"),
    ("qqq = 1", "qqq", "known: model, name"),
    ("optimize = 'fast'", "optimize", "known:"),
    ("precision = 'int8'", "precision", "did you mean 'precision' in [quantize]?"),
    ("quantize.precision = 'int4'", "quantize.precision", "known:"),
    ("board = 7", "board", "known:"),
    ("[gates]\naccuracy = 1.5", "gates.accuracy", "known:"),
    ("[gates]\naccuracy = nan", "gates.accuracy", "known:"),
    ("gates = 1", "gates", "known:"),
])  # fmt: skip
def test_a_wrong_key_is_named(text: str, where: str, hint: str, tmp_path: Path) -> None:
    write(tmp_path, text)
    error = told(tmp_path)
    assert error.exit_code == 2
    assert error.faults[0].found.startswith(f"{where}: ")
    assert error.faults[0].hint.startswith(hint)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "modle = 1\noptimize = 'x'\n[gates]\nexakt = 1")
    assert len(told(tmp_path).faults) == 3


def test_a_file_that_is_no_toml_is_told_with_the_line(tmp_path: Path) -> None:
    write(tmp_path, 'model = "a"\nboard = \n')
    assert "line 2" in str(told(tmp_path))


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / config.FILE).write_bytes(b"model = '\xff'")
    assert config.FILE in str(told(tmp_path))


def test_a_folder_of_that_name_is_told(tmp_path: Path) -> None:
    (tmp_path / config.FILE).mkdir()
    assert "can be read" in str(told(tmp_path))


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        config.Config().name = "x"  # type: ignore[misc]
