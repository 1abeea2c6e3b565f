# SPDX-License-Identifier: Apache-2.0
"""Finding CMSIS-NN: order, versions, subsets, and what an emitted project takes of it. The trees here are made up."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tinyq_deploy.errors import UsageError
from tinyq_deploy.kernels.cmsis_nn import library as cmsis_nn

Make = Callable[..., Path]
NOWHERE: dict[str, str] = {}


@pytest.fixture
def no_bakenn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def make(root: Path, version: str = "", revision: str = "V.18.0.0") -> Path:
    """A copy with two functions that work, one whose callee is missing, and a floating point one."""
    files = {
        "Include/arm_nnfunctions.h": f'/* $Revision:    {revision} */\n#include "arm_nn_types.h"\nint arm_a(int x);\n',
        "Include/arm_nn_types.h": "static inline int arm_inline(int x)\n{\n    return x;\n}\n",
        "Source/A/arm_a.c": '#include "arm_nnfunctions.h"\nint arm_a(int x)\n{\n    return arm_b(arm_inline(x));\n}\n',
        "Source/B/arm_b.c": '#include "arm_nnfunctions.h"\n/* arm_gone(1) */\nint arm_b(int x)\n{\n    return x;\n}\n',
        "Source/B/arm_c.c": "int arm_c(int x)\n{\n    return arm_gone(x);\n}\n",
        "Source/B/arm_d.c": "int arm_d(int x)\n{\n    if (arm_c(x)) {\n        return 1;\n    }\n    return 0;\n}\n",
        "Source/B/arm_e_f32.c": "float arm_e_f32(float x)\n{\n    return x;\n}\n",
        "LICENSE": "Apache\n",
    }
    if version:
        files["ARM.CMSIS-NN.pdsc"] = f'<releases><release version="{version}" date="x"/><release version="1.2.3"/>'
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_explicit_path_comes_first(tmp_path: Path) -> None:
    given, other = make(tmp_path / "given", "6.0.0"), make(tmp_path / "other", "7.0.0")
    found = cmsis_nn.find(given, {"TINYQ_CMSIS_NN": str(other)})
    assert found is not None
    assert (found.root, found.version, found.origin) == (given, (6, 0, 0), "--cmsis-nn")
    assert found.describe() == "CMSIS-NN 6.0.0 (--cmsis-nn), double rounding"


@pytest.mark.parametrize("inside", ["", "Include", "Source"])
def test_include_and_source_folders_name_their_parent(tmp_path: Path, inside: str) -> None:
    found = cmsis_nn.find(make(tmp_path / "nn") / inside, NOWHERE)
    assert found is not None
    assert found.root == tmp_path / "nn"


def test_order_of_the_environment(tmp_path: Path, no_bakenn: None) -> None:
    names = (
        "own",
        "executorch",
        "packs/ARM/CMSIS-NN/7.0.0",
        "home/.cache/arm/packs/ARM/CMSIS-NN/6.0.0",
        "l/Arm/Packs/ARM/CMSIS-NN/5.0.0",
    )
    own, executorch, *_ = (make(tmp_path / name, name[-5:] if name[-1] == "0" else "4.1.0") for name in names)
    environ = {
        "TINYQ_CMSIS_NN": str(own), "CMSIS_NN_LOCAL_PATH": str(executorch), "CMSIS_PACK_ROOT": str(tmp_path / "packs"),
        "HOME": str(tmp_path / "home"), "LOCALAPPDATA": str(tmp_path / "l"),
    }  # fmt: skip
    for name, expected in zip(list(environ), names, strict=True):
        found = cmsis_nn.find(None, environ)
        assert found is not None
        assert found.root == tmp_path / expected
        del environ[name]
    assert cmsis_nn.find(None, environ) is None


def test_newest_supported_pack_wins(tmp_path: Path, no_bakenn: None) -> None:
    for version in ("4.1.0", "6.0.0", "10.0.0"):
        make(tmp_path / "ARM" / "CMSIS-NN" / version, version)
    (tmp_path / "ARM" / "CMSIS-NN" / "notes").mkdir()
    found = cmsis_nn.find(None, {"CMSIS_PACK_ROOT": str(tmp_path)})
    assert found is not None
    assert found.version == (6, 0, 0)


@pytest.mark.parametrize(
    ("revision", "version", "exact"),
    [("V.11.2.0", (4, 0, 0), True), ("V.11.3.0", (4, 1, 0), True), ("V.12.4.0", (5, 0, 0), True),
     ("V.15.1.0", (5, 0, 0), False), ("V.16.0.0", (6, 0, 0), True), ("V.17.3.0", (6, 0, 0), False),
     ("V.18.0.0", (7, 0, 0), True), ("V.19.1.0", (7, 0, 0), False)],
)  # fmt: skip
def test_version_of_a_checkout_is_its_headers(
    tmp_path: Path, revision: str, version: tuple[int, int, int], exact: bool
) -> None:
    found = cmsis_nn.find(make(tmp_path, "0.0.0", revision), NOWHERE)
    assert found is not None
    assert (found.version, found.exact_version) == (version, exact)
    assert ("or later" in found.describe()) != exact


@pytest.mark.parametrize(
    ("version", "revision"), [("3.1.0", "V.18.0.0"), ("8.0.0", "V.18.0.0"), ("", "V.10.0.0"), ("", "V.20.0.0")]
)
def test_other_versions_are_refused_with_the_reason(tmp_path: Path, version: str, revision: str) -> None:
    with pytest.raises(UsageError, match="version 4 to 7") as caught:
        cmsis_nn.find(make(tmp_path, version, revision), NOWHERE)
    assert "not known here" in str(caught.value)


@pytest.mark.parametrize("variable", [None, "TINYQ_CMSIS_NN"])
def test_a_path_that_is_not_cmsis_nn_is_a_usage_error(tmp_path: Path, variable: str | None) -> None:
    with pytest.raises(UsageError, match="names a CMSIS-NN") as caught:
        cmsis_nn.find(None if variable else tmp_path, {variable: str(tmp_path)} if variable else NOWHERE)
    assert caught.value.exit_code == 2
    assert str(tmp_path) in str(caught.value)


def test_functions_are_those_whose_callees_are_there(tmp_path: Path) -> None:
    found = cmsis_nn.find(make(tmp_path), NOWHERE)
    assert found is not None
    assert found.functions == {"arm_a", "arm_b"}
    assert found.has("arm_a", "arm_b")
    assert not found.has("arm_a", "arm_d")
    assert [p.name for p in cmsis_nn.closure(found, ["arm_a"])] == ["arm_a.c", "arm_b.c"]


def test_project_takes_only_what_it_needs(tmp_path: Path) -> None:
    found = cmsis_nn.find(make(tmp_path), NOWHERE)
    assert found is not None
    assert list(cmsis_nn.project_files(found, ["arm_b"])) == [
        "cmsis_nn/Include/arm_nn_types.h", "cmsis_nn/Include/arm_nnfunctions.h", "cmsis_nn/LICENSE",
        "cmsis_nn/Source/B/arm_b.c",
    ]  # fmt: skip


def test_core_headers_are_stood_in_for(tmp_path: Path) -> None:
    root = make(tmp_path)
    with (root / "Include" / "arm_nn_types.h").open("a") as stream:
        stream.write('#include "cmsis_compiler.h"\n')
    found = cmsis_nn.find(root, NOWHERE)
    assert found is not None
    assert "cmsis_nn/shim/cmsis_compiler.h" in cmsis_nn.project_files(found, ["arm_b"])


def test_links_out_of_the_copy_are_not_followed(tmp_path: Path) -> None:
    root, outside = make(tmp_path / "nn"), tmp_path / "secret.c"
    outside.write_text("int arm_gone(int x)\n{\n    return x;\n}\n")
    try:
        (root / "Source" / "B" / "arm_gone.c").symlink_to(outside)
    except OSError:
        pytest.skip("no symbolic links here")
    found = cmsis_nn.find(root, NOWHERE)
    assert found is not None
    assert not found.has("arm_gone")


def test_linked_root_is_resolved(tmp_path: Path) -> None:
    make(tmp_path / "nn")
    try:
        (tmp_path / "link").symlink_to(tmp_path / "nn", target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")
    found = cmsis_nn.find(tmp_path / "link", NOWHERE)
    assert found is not None
    assert found.root == tmp_path / "nn"


def test_bakenn_is_located_without_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make(tmp_path / "bakenn" / "backend" / "cmsis_nn" / "vendor" / "cmsis_nn", revision="V.11.2.0")
    (root / "Source" / "B" / "bakenn_memory.c").write_text("int arm_gone(int x)\n{\n    return x;\n}\n")
    spec = ModuleSpec("bakenn", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path / "bakenn")]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    found = cmsis_nn.find(None, NOWHERE)
    assert found is not None
    assert (found.root, found.origin) == (root, "Python package bakenn")
    assert not found.has("arm_gone")


@pytest.mark.parametrize(
    ("body", "sums"),
    [("", "none"), ("acc += kernel_sum[0] * offset;", "plain"), ("int acc = *kernel_sum++;", "folded")],
)
def test_kernel_sums_are_read_off_the_source(tmp_path: Path, body: str, sums: str) -> None:
    root = make(tmp_path)
    (root / "Source" / "B" / "arm_nn_vec_mat_mult_t_s8.c").write_text(f"void arm_v(void)\n{{\n{body}\n}}\n")
    found = cmsis_nn.find(root, NOWHERE)
    assert found is not None
    assert found.kernel_sums == sums
