# SPDX-License-Identifier: Apache-2.0
"""manifest.json: what is written is what is read, and anything else is told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import nets
import pytest
from host_c import rendered

from tinyq_deploy import manifest as stage
from tinyq_deploy.errors import UsageError
from tinyq_deploy.manifest import MANIFEST, SCHEMA
from tinyq_deploy.project import write

SMALL = nets.small()


def test_it_says_what_the_project_is() -> None:
    about = rendered(SMALL, "net", file="my model.tflite", optimize="size").manifest
    assert about.schema == SCHEMA
    assert (about.name, about.model, about.board, about.core) == ("net", "my model.tflite", "host", "host")
    assert about.model_sha256 == hashlib.sha256(SMALL).hexdigest()
    assert (about.kernels, about.cmsis_nn, about.optimize) == ("portable", "", "size")
    assert (about.arena_bytes, about.arena_lower_bound, about.peak_layer) == (96, 96, 1)
    (image,), (classes,) = about.inputs, about.outputs
    assert (image.name, image.shape, image.dtype, image.bytes) == ("image", (1, 6, 4, 1), "int8", 24)
    assert (classes.scale, classes.zero_point) == (1 / 256, -128)
    assert [layer.op for layer in about.layers][:2] == ["CONV_2D", "DEPTHWISE_CONV_2D"]
    assert about.layers[0].symbol == "layer_00_conv_2d"
    assert about.layers[0].macs == 48 * 9
    assert (about.layers[4].op, about.layers[4].symbol, about.layers[4].function) == ("RESHAPE", "", "")


def test_it_lists_every_file_with_its_hash() -> None:
    project = rendered(SMALL, "net")
    assert set(project.manifest.files) == set(project.files) - {MANIFEST}
    for path, digest in project.manifest.files.items():
        assert hashlib.sha256(project.files[path]).hexdigest() == digest


def test_it_reads_back_as_it_was(tmp_path: Path) -> None:
    project = rendered(SMALL, "net")
    write(project, tmp_path / "out")
    assert stage.load(tmp_path / "out") == project.manifest


def test_the_build_id_follows_what_is_compiled() -> None:
    ids = [
        rendered(SMALL, "net").manifest.build_id,
        rendered(SMALL, "net", optimize="size").manifest.build_id,
        rendered(SMALL, "other").manifest.build_id,
        rendered(nets.chain(2), "net").manifest.build_id,
        rendered(SMALL, "net", keep_input=True).manifest.build_id,
    ]
    assert len(set(ids)) == len(ids)
    assert all(len(text) == 16 for text in ids)


def told(folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        stage.load(folder)
    assert caught.value.exit_code == 2
    assert "tinyq-deploy build" in str(caught.value) or "build it again" in str(caught.value)
    return str(caught.value)


def test_a_folder_without_one_is_told(tmp_path: Path) -> None:
    assert str(tmp_path) in told(tmp_path)
    assert "nowhere" in told(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "{}", '{"schema": "other/1"}', '{"schema": 7}', "\x00"])
def test_something_else_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    assert MANIFEST in told(tmp_path)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(b"\xff\xfe{}")
    told(tmp_path)


def damaged(change: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(rendered(SMALL, "net").files[MANIFEST])
    if change == "field missing":
        del data["arena_bytes"]
    elif change == "field too many":
        data["more"] = 1
    elif change == "inputs are numbers":
        data["inputs"] = [1, 2]
    elif change == "inputs are missing":
        del data["inputs"]
    elif change == "layers are text":
        data["layers"] = "layers"
    elif change == "shape is missing":
        del data["outputs"][0]["shape"]
    return data


@pytest.mark.parametrize(
    "change",
    [
        "field missing",
        "field too many",
        "inputs are numbers",
        "inputs are missing",
        "layers are text",
        "shape is missing",
    ],
)
def test_a_damaged_one_is_told(change: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps(damaged(change)), encoding="utf-8")
    assert "manifest is whole" in told(tmp_path)
