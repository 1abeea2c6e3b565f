# SPDX-License-Identifier: Apache-2.0
"""The emitted project: whatever the model is called it compiles, stays in its folder and is the same each time."""

from __future__ import annotations

import ctypes
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import host_c
import nets
import numpy as np
import pytest
from exact import samples
from golden.update import golden
from host_c import HOST, WARNINGS, compile_c, compiler, new_folder, program, rendered
from models import pack

from tinyq_deploy import c_text, data
from tinyq_deploy.errors import UsageError
from tinyq_deploy.manifest import MANIFEST
from tinyq_deploy.project import Project, write
from tinyq_deploy.read import read

SMALL, TWO, CHAIN = nets.small(), nets.two_in_two_out(), nets.chain(2)
ROOT = Path(__file__).resolve().parent.parent
HOSTILE = (
    b"*/ #error out of the comment /*",
    b"{{ 7*7 }}{% for %}{# #}",
    b"a\nb\r\n#error newline\n",
    b"nul\0byte",
    b"\xff\xfe\x80",
    b"end with \\",
    b'"; int x = 1; "',
    b"??/",
    b"//",
    b"/*",
    b"\xe2\x80\xae rtl \xe2\x80\xa8",
    b"y" * 1_000_000,
    b"",
    b"%s%n${x}$(y)`z`",
)


def hostile(name: bytes, make: Callable[[], Any] = nets.small_tree) -> bytes:
    """The small model with every tensor of this name."""
    made = make()
    for tensor in made.subgraphs[0].tensors:
        tensor.name = name
    made.description = name
    return pack(made)


def compile_project(project: Project, folder: Path, *, cc: tuple[str, ...] = ("gcc",)) -> None:
    """Compiles every source of a project for this computer, as its recipe says."""
    write(project, folder)
    recipe = project.recipe
    flags = [
        *WARNINGS,
        "-O0",
        *(f"-I{path}" for path in recipe.include_dirs),
        *(f"-D{name}" for name in recipe.defines),
    ]
    for source in recipe.sources:
        extra = ["-D_GNU_SOURCE"] if source.path.startswith("src/port/") else []
        compile_c([*cc, *flags, *extra, "-c", source.path, "-o", "object.o"], folder)


# Names --------------------------------------------------------------------------------------------------------------


def test_models_of_any_name_compile_and_run() -> None:
    models = {f"net{i}": hostile(name) for i, name in enumerate(HOSTILE)}
    built = program(models)
    given = samples(read(SMALL, "x"))
    expected = built.run("net0", given)
    assert len({row[0] for row in expected}) > 1
    for name in models:
        assert built.run(name, given) == expected


@pytest.mark.parametrize("name", HOSTILE[:3], ids=["comment", "template", "newline"])
def test_firmware_of_any_name_compiles(name: bytes, tmp_path: Path) -> None:
    compiler()
    file = name.decode("utf-8", "replace") + ".tflite"
    project = rendered(hostile(name), c_text.identifier(file), file=file, export=False)
    compile_project(project, tmp_path / "out")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leaves_its_place(name: bytes) -> None:
    text = name.decode("utf-8", "replace")
    project = rendered(hostile(name), "net", file=text, export=False)
    plain = rendered(SMALL, "net", file="x", export=False)
    assert set(project.files) == set(plain.files)
    for path, content in project.files.items():
        if path in (MANIFEST, "model/model.tflite"):
            continue
        assert content.count(b"\n") == plain.files[path].count(b"\n"), path
        assert b"\0" not in content
        assert content.isascii(), path
        assert len(content) < len(plain.files[path]) + 100 * 80
    assert b"49" not in set(re.findall(rb"\d+", project.files["model/model.c"])) or b"7*7" not in name
    json.loads(project.files[MANIFEST])


def test_markdown_holds_no_markup_of_a_name() -> None:
    project = rendered(hostile(b"<script>alert(1)</script>|`x`"), "net", file="<b>.tflite", export=False)
    readme = project.files["README.md"].decode()
    assert "<" not in readme
    assert "script" in readme


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/x", "CON", "nul.tflite", "a" * 300, "..", "C:\\x", "tinyq", "int", "", "\0"]
)
def test_a_project_of_any_name_stays_in_its_folder(name: str, tmp_path: Path) -> None:
    project = rendered(SMALL, c_text.identifier(name), file=name, export=False)
    for path in project.files:
        assert re.fullmatch(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", path)
        assert ".." not in path.split("/")
    folder = tmp_path / "deep" / "out"
    write(project, folder)
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == set(project.files)
    assert [p.name for p in tmp_path.iterdir()] == ["deep"]


@pytest.mark.parametrize(
    "file", ["tinyq", "tinyq_model", "tinyq_portable", "layer", "weights", "model", "uart", "stdint"]
)
def test_a_name_of_the_firmware_itself_compiles(file: str, tmp_path: Path) -> None:
    compiler()
    project = rendered(TWO, c_text.identifier(file), export=False)
    write(project, tmp_path)
    flags = [*WARNINGS, "-fsyntax-only", *(f"-I{path}" for path in project.recipe.include_dirs)]
    for source in ("src/model_binding.c", "model/model.c", "model/weights.c"):
        compile_c(["gcc", *flags, source], tmp_path)


# The same each time -------------------------------------------------------------------------------------------------

_DIGEST = """
import hashlib, sys
sys.path[:0] = {paths!r}
import nets
from host_c import rendered
files = rendered(nets.small(), "net", export=False).files
print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())
"""


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    code = _DIGEST.format(paths=[str(ROOT / "tests"), str(ROOT)])
    found = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC+{seed}"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_nothing_says_where_when_or_by_whom_it_was_made() -> None:
    for name, content in rendered(SMALL, "net", export=False).files.items():
        text = content.decode("latin-1")
        for secret in (str(ROOT), str(Path.home()), socket.gethostname(), "/tmp/", sys.prefix):
            assert len(secret) < 4 or secret not in text, name
        if name.startswith(("model/", "README", MANIFEST)):
            assert not re.search(r"20[2-9]\d-[01]\d-[0-3]\d|[0-2]\d:[0-5]\d:[0-5]\d", text), name


def test_the_c_is_the_golden_c() -> None:
    """After a wanted change run `python tests/golden/update.py` and read the difference."""
    folder = ROOT / "tests" / "golden"
    for name, text in golden().items():
        assert text == (folder / name).read_text(encoding="utf-8"), name


# The C --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimize", ["speed", "balanced", "size"])
def test_two_models_link_into_one_program(optimize: str) -> None:
    gcc, gpp, folder = compiler(), compiler("g++"), new_folder("two")
    for name, model in (("one", SMALL), ("two", TWO)):
        write(rendered(model, name, optimize=optimize), folder / name)
        for part in ("model", "weights"):
            compile_c([gcc, *WARNINGS, "-O1", "-c", f"{name}/model/{part}.c", "-o", f"{name}_{part}.o"], folder)
    cpp = ["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    objects = [f"{name}_{part}.o" for name in ("one", "two") for part in ("model", "weights")]
    compile_c([gpp, *cpp, f"-I{folder}", HOST / "two_models.cpp", *objects, "-o", "both"], folder)
    done = subprocess.run([folder / "both"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["0.75", "0.75"]  # 1.5 + -1 in steps of 0.75


@pytest.mark.parametrize("optimize", ["speed", "balanced", "size"])
def test_model_c_says_itself_which_kernels_its_weights_are_for(optimize: str) -> None:
    """A library's C may be compiled with any flags; those of another project would not fit its weights."""
    project = rendered(SMALL, optimize=optimize)
    text = project.files["model/model.c"].decode()
    assert ("#define TINYQ_OPTIMIZE_SIZE" in text) == (optimize == "size")
    assert text.find("#define TINYQ_OPTIMIZE_SIZE") < text.index('#include "kernels/')
    assert "TINYQ_OPTIMIZE" not in project.files["CMakeLists.txt"].decode()


MODELS = {"small": SMALL, "two": TWO, "no_weights": CHAIN, "moves": nets.moves(), "views": nets.views()}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("cc", ["gcc", "zig"])
def test_every_model_compiles_without_a_warning(model: bytes, cc: str, tmp_path: Path) -> None:
    if cc == "zig":
        pytest.importorskip("ziglang")
        compile_project(rendered(model, "net"), tmp_path, cc=(sys.executable, "-m", "ziglang", "cc"))
    else:
        compile_project(rendered(model, "net"), tmp_path, cc=(compiler(),))


def test_only_the_kernels_in_use_are_there() -> None:
    headers = {path for path in rendered(CHAIN, "net").files if path.startswith("model/kernels/")}
    assert headers == {
        "model/kernels/portable/max_pool_2d.h",
        "model/kernels/tinyq_element.h",
        "model/kernels/tinyq_fixed_point.h",
        "model/kernels/tinyq_pool_2d_params.h",
    }


def test_the_c_quantises_as_python_does() -> None:
    """Halves, ends, infinities and NaN, for several scales and zero points."""
    folder = new_folder("quantize")
    write(rendered(SMALL, "net"), folder / "net")
    compile_c([compiler(), *WARNINGS, *host_c.SANITIZERS, f"-I{folder}", HOST / "quantize.c", "-o", "quantize"], folder)
    rng = np.random.default_rng(3)
    edges = [0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 126.5, 127.5, -128.5, 1e30, -1e30, np.inf, -np.inf, 1e-45]
    for scale, zero_point in ((1.0, 0), (1.0, -128), (0.0078125, 127), (0.1, 3), (3.7e-5, -1), (1e-38, 7)):
        reals = np.concatenate([edges, np.array(edges[2:9]) * scale, rng.normal(0, 100 * scale, 2000)]).astype(
            np.float32
        )
        rows = np.zeros(len(reals), [("real", "<f4"), ("scale", "<f4"), ("zero", "<i4")])
        rows["real"], rows["scale"], rows["zero"] = reals, scale, zero_point
        done = subprocess.run([folder / "quantize"], input=rows.tobytes(), capture_output=True, timeout=60, check=True)
        found = np.frombuffer(done.stdout, [("q", "i1"), ("real", "<f4")])
        f32 = float(np.float32(scale))
        with np.errstate(over="ignore"):
            assert found["q"].tolist() == data.quantize_array(reals, f32, zero_point, np.int8).tolist()
        assert np.array_equal(
            found["real"], np.float32(f32) * (found["q"].astype(np.int32) - zero_point).astype(np.float32)
        )
    nan = np.array([(np.nan, 1.0, 0)], rows.dtype)
    done = subprocess.run([folder / "quantize"], input=nan.tobytes(), capture_output=True, timeout=60, check=True)
    assert len(done.stdout) == 5


class Shared:
    """A rendered model as a shared library."""

    def __init__(self, project: Project, folder: Path) -> None:
        write(project, folder)
        sources = ["model/model.c", "model/weights.c"]
        compile_c([compiler(), *WARNINGS, "-O1", "-shared", "-fPIC", *sources, "-o", "net.so"], folder)
        self.library = ctypes.CDLL(str(folder / "net.so"))
        self.about = project.manifest
        self.arena = (ctypes.c_uint8 * self.about.arena_bytes).in_dll(self.library, "net_arena")

    def place(self, offset: int) -> Any:
        return ctypes.byref(self.arena, offset)

    def put(self, sample: list[Any]) -> None:
        for io, values in zip(self.about.inputs, sample, strict=True):
            ctypes.memmove(self.place(io.offset), values.tobytes(), io.bytes)

    def run(self) -> None:
        self.library.net_run(*(self.place(io.offset) for io in (*self.about.inputs, *self.about.outputs)))

    def inputs(self) -> list[bytes]:
        return [bytes(self.arena)[io.offset : io.offset + io.bytes] for io in self.about.inputs]

    def outputs(self) -> list[bytes]:
        return [bytes(self.arena)[io.offset : io.offset + io.bytes] for io in self.about.outputs]


@pytest.mark.parametrize("model", [SMALL, TWO, CHAIN], ids=["small", "two", "chain"])
def test_keep_input_keeps_it(model: bytes, tmp_path: Path) -> None:
    kept = Shared(rendered(model, "net", keep_input=True), tmp_path / "kept")
    for sample in samples(read(model, "x")):
        kept.put(sample)
        kept.run()
        assert kept.inputs() == [values.tobytes() for values in sample]
        first = kept.outputs()
        kept.run()
        assert kept.outputs() == first


def test_without_it_the_input_may_be_overwritten(tmp_path: Path) -> None:
    """So the test above can fail."""
    plain = Shared(rendered(SMALL, "net"), tmp_path / "plain")
    sample = samples(read(SMALL, "x"))[-1]
    plain.put(sample)
    plain.run()
    assert plain.inputs() != [values.tobytes() for values in sample]


@pytest.mark.parametrize("model", [SMALL, TWO], ids=["small", "two"])
def test_layer_by_layer_is_the_same_inference(model: bytes, tmp_path: Path) -> None:
    shared = Shared(rendered(model, "net"), tmp_path / "net")
    count = sum(1 for layer in shared.about.layers if layer.symbol)
    for sample in samples(read(model, "x")):
        shared.put(sample)
        shared.run()
        expected = shared.outputs()
        shared.put(sample)
        for layer in range(count):
            shared.library.net_run_layer(layer)
        assert shared.outputs() == expected


# Writing ------------------------------------------------------------------------------------------------------------


def refused(project: Project, folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        write(project, folder)
    assert caught.value.exit_code == 2
    assert str(folder) in str(caught.value)
    return str(caught.value)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ["thesis.txt", "src/main.c", ".hidden"])
def test_a_folder_of_other_files_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine", encoding="utf-8")
    assert "holds other files" in refused(rendered(SMALL, "net"), tmp_path)
    assert contents(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize(
    "text", ['{"name": "a web app", "files": ["mine.txt"]}', '{"schema": "x/1", "files": []}', "{", "[]"]
)
def test_another_tools_manifest_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    refused(rendered(SMALL, "net"), tmp_path)
    assert contents(tmp_path) == {MANIFEST: text.encode(), "mine.txt": b"mine"}


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "out"
    place.write_text("mine", encoding="utf-8")
    assert "is a file" in refused(rendered(SMALL, "net"), place)


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    project = rendered(SMALL, "net")
    write(project, tmp_path)
    assert contents(tmp_path) == project.files


def test_files_of_an_earlier_project_go_and_others_stay(tmp_path: Path) -> None:
    write(rendered(SMALL, "net", export=False), tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "firmware.elf").write_bytes(b"built")
    project = rendered(CHAIN, "net")
    write(project, tmp_path)
    assert contents(tmp_path) == {**project.files, "out/firmware.elf": b"built"}


def test_unchanged_files_are_not_touched(tmp_path: Path) -> None:
    project = rendered(SMALL, "net")
    write(project, tmp_path)
    for path in tmp_path.rglob("*"):
        os.utime(path, (1, 1))
    write(project, tmp_path)
    assert {p.stat().st_mtime for p in tmp_path.rglob("*") if p.is_file()} == {1.0}


@pytest.mark.parametrize(
    "path", ["../outside.txt", "/{root}/outside.txt", "a/../../outside.txt", "..\\outside.txt", "C:/x", ""]
)
def test_a_manifest_removes_nothing_outside_its_folder(path: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("mine", encoding="utf-8")
    folder = tmp_path / "out"
    write(rendered(SMALL, "net"), folder)
    about = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    about["files"] = [path.replace("{root}", str(tmp_path).strip("/")), "model", 7]
    (folder / MANIFEST).write_text(json.dumps(about), encoding="utf-8")
    project = rendered(SMALL, "net")
    write(project, folder)
    assert outside.read_text(encoding="utf-8") == "mine"
    assert contents(folder) == project.files


def test_an_interrupted_first_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, stop_at = rendered(SMALL, "net"), 3
    written = []

    def interrupted(path: Path, data: bytes) -> None:
        written.append(path)
        if len(written) == stop_at:
            raise KeyboardInterrupt
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    monkeypatch.setattr("tinyq_deploy.project.files.write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(made, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    write(made, tmp_path / "new")
    assert (tmp_path / "new" / MANIFEST).is_file()
