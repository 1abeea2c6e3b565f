# SPDX-License-Identifier: Apache-2.0
"""The shape of the package: data flows one way, heavy imports wait, the library neither prints nor exits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

import tinyq_deploy

PACKAGE = Path(tinyq_deploy.__file__).parent
ROOT = Path(__file__).resolve().parent.parent
# The stages; load looks into a .tflite with read, to tell what it is.
FLOW = (
    "read", "load", "quantize", "check", "optimize", "lower", "plan", "render", "build", "stream", "bench", "report",
    "deploy", "tune", "cli",
)  # fmt: skip
PLAIN_DATA = ("assets", "board", "c_text", "cores", "errors", "fixed_point", "graph", "protocol")
TALKERS = ("__main__", "report")  # and cli*
HEAVY = {
    "ai_edge_litert", "capstone", "keras", "litert_quantizer", "PIL", "tensorflow", "tf_keras", "tflite_micro",
    "tflite_runtime", "unicorn",
}  # fmt: skip


@dataclass
class Module:
    """One source file: what it imports when it is loaded, in its functions, and for its annotations alone."""

    path: Path
    tree: ast.Module
    loaded: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)


class _Imports(ast.NodeVisitor):
    def __init__(self, module: Module) -> None:
        self.module, self.depth = module, 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self._add(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        assert node.level == 0, f"{self.module.path}: relative import"
        self._add(f"{base}.{alias.name}" if _is_module(f"{base}.{alias.name}") else base for alias in node.names)

    def _add(self, names: Iterator[str]) -> None:
        (self.module.later if self.depth else self.module.loaded).update(names)


def _is_module(name: str) -> bool:
    path = PACKAGE.parent / name.replace(".", "/")
    return name.startswith("tinyq_deploy") and (path.with_suffix(".py").is_file() or path.is_dir())


@cache
def modules() -> dict[str, Module]:
    """Every module by its name inside the package ("ops.add"; the package itself is "")."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
        module = Module(path, ast.parse(path.read_text(encoding="utf-8")))
        _Imports(module).visit(module.tree)
        found[name.removesuffix("__init__").removesuffix(".")] = module
    return found


def own(names: set[str]) -> set[str]:
    """The package's own modules among `names`, as `modules` names them."""
    return {name.removeprefix("tinyq_deploy").lstrip(".") for name in names if name.split(".")[0] == "tinyq_deploy"}


def reached(name: str, seen: set[str] | None = None) -> set[str]:
    """Every module that `name` needs, directly or through others, when it is loaded or later."""
    seen = set() if seen is None else seen
    for needed in own(modules()[name].loaded | modules()[name].later) - seen:
        seen.add(needed)
        reached(needed, seen)
    return seen


def test_the_walk_sees_imports() -> None:
    assert {"errors", "graph"} <= own(modules()["read"].loaded)
    assert "ai_edge_litert" in modules()["read"].later
    assert "graph" in reached("lower")
    assert len(modules()) > 60


@pytest.mark.parametrize("stage", [stage for stage in FLOW if stage in modules()])
def test_a_stage_needs_only_earlier_ones(stage: str) -> None:
    later = set(FLOW[FLOW.index(stage) + 1 :])
    assert reached(stage) & later == set()


def test_the_stages_exist() -> None:
    assert [stage for stage in FLOW if stage not in modules()] == []


@pytest.mark.parametrize("name", PLAIN_DATA)
def test_plain_data_needs_no_stage(name: str) -> None:
    assert reached(name) & set(FLOW) == set()


CHOSEN_IN = {
    "ops": "check", "kernels": "lower", "calibrators": "quantize", "quantizers": "quantize", "passes": "optimize",
    "flashers": "build", "simulators": "build", "toolchains": "build",
}  # fmt: skip


@pytest.mark.parametrize("kind", CHOSEN_IN)
def test_kinds_need_no_later_stage(kind: str) -> None:
    """What a stage chooses from does not know that stage."""
    chooses = CHOSEN_IN[kind]
    later = set(FLOW[FLOW.index(chooses) :])
    for name in modules():
        if name.split(".")[0] == kind:
            assert reached(name) & later == set(), name


def loaded_with(name: str, seen: set[str] | None = None) -> set[str]:
    """Every module that is loaded when `name` is."""
    seen = set() if seen is None else seen
    for needed in own(modules()[name].loaded) - seen:
        seen.add(needed)
        loaded_with(needed, seen)
    return seen


def test_nothing_imports_in_a_circle() -> None:
    assert [name for name in modules() if name in loaded_with(name)] == []


@pytest.mark.parametrize(
    "name", [*(stage for stage in FLOW if stage in modules()), "doctor", "inspect_model", "oracle"]
)
def test_heavy_packages_wait_until_they_are_used(name: str) -> None:
    for module in {name, *loaded_with(name)}:
        assert {imported.split(".")[0] for imported in modules()[module].loaded} & HEAVY == set(), module


def test_tensorflow_is_imported_in_its_worker_alone() -> None:
    packages = {"tensorflow", "tf_keras", "keras"}
    imports = {n: {i.split(".")[0] for i in m.loaded | m.later} for n, m in modules().items()}
    assert {name for name, found in imports.items() if found & packages} == {"workers.tensorflow"}
    assert not any({i.split(".")[0] for i in m.loaded} & packages for m in modules().values())


def test_the_compiler_knows_the_flatbuffer_in_one_place() -> None:
    knows = {name for name, m in modules().items() if "schema_py_generated" in m.path.read_text(encoding="utf-8")}
    assert "read" in knows
    assert not {name for name in knows if name != "read"} & (set(FLOW) | reached("render"))


def calls(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def talks(name: str) -> bool:
    return name in TALKERS or name.startswith("cli")


@pytest.mark.parametrize("name", [name for name in modules() if not talks(name)])
def test_the_library_neither_prints_nor_exits(name: str) -> None:
    forbidden = {"print", "exit", "quit", "sys.exit", "os._exit", "input"}
    assert forbidden & set(calls(modules()[name])) == set()
    if not name.startswith("workers."):  # a worker's protocol is its standard output
        assert "sys.stdout" not in modules()[name].path.read_text(encoding="utf-8")


def test_no_command_goes_through_a_shell() -> None:
    for name, module in modules().items():
        text = module.path.read_text(encoding="utf-8")
        assert "shell=True" not in text, name
        assert not {"os.system", "os.popen", "eval", "exec", "pickle.load", "pickle.loads"} & set(calls(module)), name


def test_one_module_asks_where_it_is_installed() -> None:
    asks = {name for name, m in modules().items() if "__file__" in m.path.read_text(encoding="utf-8")}
    assert asks == {"assets"}


# What the operators' files have in common; their tests are the operators'.
SHARED = {
    "__init__", "base", "batch", "elementwise", "lookup", "movement", "nearest", "pick", "recurrent", "rules", "slopes",
    "unary",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["ops"])
def test_every_operator_has_its_tests(kind: str) -> None:
    files = {path.stem for path in (PACKAGE / kind).glob("*.py")} - SHARED
    assert {f"test_{name}.py" for name in files} <= {path.name for path in (ROOT / "tests" / kind).glob("test_*.py")}


SOURCES = [
    path
    for folder in ("tinyq_deploy", "firmware", "templates", "boards", "tests")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".c", ".h", ".toml", ".j2") and "__pycache__" not in path.parts
]


def test_every_source_names_its_licence_first() -> None:
    without = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if path.name != "README.md.j2"
        and "SPDX-License-Identifier: Apache-2.0" not in "".join(path.read_text(encoding="utf-8").splitlines()[:2])
    ]
    assert without == []
