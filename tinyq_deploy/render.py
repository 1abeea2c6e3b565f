# SPDX-License-Identifier: Apache-2.0
"""Renders a plan for a board into a firmware project, every file in memory."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tinyq_deploy import __version__, assets, c_text, cmake, port, protocol, weights
from tinyq_deploy.board import Board
from tinyq_deploy.graph import Tensor
from tinyq_deploy.kernels.base import Target
from tinyq_deploy.kernels.cmsis_nn import library as cmsis_nn
from tinyq_deploy.manifest import MANIFEST, manifest
from tinyq_deploy.plan import Plan
from tinyq_deploy.project import Project
from tinyq_deploy.render_layers import arena_row, layer_context, layer_row, state_rows
from tinyq_deploy.toolchains.base import Optimize, Recipe, Source

_LOCAL_INCLUDE = re.compile(r'^\s*#include "([^"]+)"', re.MULTILINE)
_APPLICATION = ("app/main.c", "link/commands.c", "link/framing.c", "link/receiver.c", "link/text.c")


@dataclass(frozen=True)
class Settings:
    """What the user chose about the emitted project. `passes` are the lines of the graph passes that changed it."""

    name: str
    kernels: str
    optimize: Optimize
    export: bool = False
    keep_input: bool = False
    passes: tuple[str, ...] = ()


def render(plan: Plan, board: Board, target: Target, settings: Settings, model: bytes) -> Project:
    """Every file of the project for a checked, planned model; `model` is the .tflite it came from."""
    context = _context(plan, board, target, settings)
    texts = _model_files(plan, context)
    sources = [Source("model/model.c"), Source("model/weights.c")]
    binaries = _kernel_headers(plan) | _library_files(plan, target)
    library = sorted(path for path in binaries if path.endswith(".c"))
    sources += [Source(path, flags=cmsis_nn.SOURCE_FLAGS) for path in library]
    if not settings.export:
        binaries |= _application_files(board)
        sources += _application_sources(board)
        texts |= _board_files(board)
    recipe = _recipe(sources, board, settings.export, uses_library=any(p.startswith("cmsis_nn/") for p in binaries))
    everything = {path: text.encode() for path, text in texts.items()} | binaries
    build_id = _build_id(everything, recipe)
    if not settings.export:
        binding = _template("src/model_binding.c.j2", **context, build_id=build_id)
        everything["src/model_binding.c"] = binding.encode()
    everything["CMakeLists.txt"] = _cmake(recipe, board, settings).encode()
    everything["README.md"] = _template("README.md.j2", **context).encode()
    everything["model/model.tflite"] = model
    about = manifest(
        plan, board, target, settings.name, settings.kernels, settings.optimize, build_id, everything, settings.passes
    )
    everything[MANIFEST] = (json.dumps(about.to_json(), indent=1) + "\n").encode()
    return Project(everything, recipe, about)


def _template(name: str, **context: object) -> str:
    return _environment().get_template(name).render(**context)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(assets.folder("templates")), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip


def _context(plan: Plan, board: Board, target: Target, settings: Settings) -> dict[str, object]:
    graph, layers = plan.graph, plan.code_layers()
    arrays = weights.collect(plan)
    digest = bytes.fromhex(graph.sha256)
    return {
        "version": __version__,
        "title": f"{settings.name}: made by tinyq-deploy {__version__} from {c_text.comment(graph.name)}",
        "model_file": c_text.comment(graph.name),
        "prefix": settings.name,
        "upper": settings.name.upper(),
        "sha256": graph.sha256,
        "sha256_lines": c_text.byte_rows(digest),
        "kernel_set": settings.kernels,
        "optimize": settings.optimize,
        "small": target.small,
        "export": settings.export,
        "keep_input": settings.keep_input,
        "board": board,
        "passes": settings.passes,
        "cmsis": any(layer.call.library_functions for layer in layers),
        "arena_bytes": plan.arena_bytes,
        "lower_bound": plan.lower_bound,
        "peak": f"{plan.layers[plan.peak_layer].node.index} {plan.layers[plan.peak_layer].op}",
        "headers": sorted({part.call.header for layer in layers for part in layer.parts}),
        "layers": [layer_context(plan, layer, arrays, settings.name) for layer in layers],
        "layer_rows": [layer_row(layer) for layer in plan.layers],
        "arena": [arena_row(plan, buffer) for buffer in plan.buffers],
        "savings": plan.savings,
        "state_bytes": plan.state_bytes,
        "states": state_rows(plan, arrays),
        "inputs": _ios(plan, graph.input_tensors()),
        "outputs": _ios(plan, graph.output_tensors()),
        "quantized_types": _quantized_types((*graph.input_tensors(), *graph.output_tensors())),
        "arrays": [_array(array) for array in arrays.arrays],
        "bytes": len(arrays.image),
        "crc32": arrays.crc32,
    }


def _ios(plan: Plan, tensors: tuple[Tensor, ...]) -> list[dict[str, object]]:
    return [
        {
            "suffix": f"_{position}" if len(tensors) > 1 else "",
            "name": c_text.comment(tensor.name),
            "dtype": tensor.dtype,
            "shape": c_text.shape(tensor.shape),
            "bytes": tensor.bytes,
            "offset": plan.offsets[tensor.index],
            "ctype": c_text.CTYPES[tensor.dtype],
            "scale": c_text.real(tensor.scale) if tensor.quantized else "",
            "zero_point": tensor.zero_point if tensor.quantized else 0,
        }
        for position, tensor in enumerate(tensors)
    ]


def _quantized_types(tensors: tuple[Tensor, ...]) -> list[dict[str, object]]:
    """What the helpers that quantise and dequantise have to know of each integer type among `tensors`."""
    known = (
        ("int8", "", "INT8_MIN", "INT8_MAX", "512.0f"),
        ("int16", "_int16", "INT16_MIN", "INT16_MAX", "131072.0f"),
        ("uint8", "_uint8", "0", "UINT8_MAX", "512.0f"),
    )
    return [
        {
            "dtype": dtype,
            "ctype": c_text.CTYPES[dtype],
            "suffix": suffix,
            "least": least,
            "most": most,
            "beyond": beyond,
        }
        for dtype, suffix, least, most, beyond in known
        if dtype in {tensor.dtype for tensor in tensors}
    ]


def _array(array: weights.Array) -> dict[str, object]:
    shared = f", shared by {len(array.users)} layers" if len(array.users) > 1 else ""
    return {
        "ctype": c_text.CTYPES[array.values.dtype.name],
        "name": array.name,
        "count": array.values.size,
        "comment": c_text.shape(array.shape) + shared,
        "lines": c_text.rows(array.values),
    }


def _model_files(plan: Plan, context: dict[str, object]) -> dict[str, str]:
    names = ("model/model.c", "model/model.h", "model/weights.c", "model/weights.h")
    return {name: _template(f"{name}.j2", **context) for name in names}


def _kernel_headers(plan: Plan) -> dict[str, bytes]:
    """The kernels that the layers use, with what they include, under model/kernels/."""
    root = assets.folder("firmware") / "kernels"
    wanted = {part.call.header for layer in plan.code_layers() for part in layer.parts}
    found: dict[str, bytes] = {}
    while wanted:
        name = wanted.pop()
        data = (root / name).read_bytes()
        found[f"model/kernels/{name}"] = data
        for included in _LOCAL_INCLUDE.findall(data.decode()):
            path = (root / name).parent / included
            if path.is_file():
                local = path.resolve().relative_to(root.resolve()).as_posix()
                wanted |= {local} - {n.removeprefix("model/kernels/") for n in found}
    return found


def _library_files(plan: Plan, target: Target) -> dict[str, bytes]:
    """The CMSIS-NN sources and headers that the layers need, under cmsis_nn/."""
    functions = sorted({f for layer in plan.code_layers() for f in layer.call.library_functions})
    if not functions or target.cmsis_nn is None:
        return {}
    return cmsis_nn.project_files(target.cmsis_nn, functions)


def _application_files(board: Board) -> dict[str, bytes]:
    root = assets.folder("firmware")
    paths = [*_APPLICATION, *port.port_sources(board), *port.port_headers(board), "app/tinyq_model.h"]
    paths += [f"link/{path.name}" for path in (root / "link").glob("*.h")]
    return {f"src/{path}": (root / path).read_bytes() for path in sorted(set(paths))}


def _application_sources(board: Board) -> list[Source]:
    paths = (*_APPLICATION, *port.port_sources(board))
    own = [_application_source(path) for path in paths]
    return [Source("src/model_binding.c"), *own]


def _application_source(path: str) -> Source:
    """The application and the link are never timed: they are always built for size."""
    untimed = path.startswith(("app/", "link/"))
    return Source(f"src/{path}", flags=("-Os",) if untimed else (), no_builtin=path == port.NO_BUILTIN)


def _board_files(board: Board) -> dict[str, str]:
    context = port.board_context(board)
    texts = {
        "src/board_config.h": _template("src/board_config.h.j2", **context),
        "src/protocol_ids.h": _template("src/protocol_ids.h.j2", constants=protocol.c_constants()),
    }
    if not board.is_host:
        texts["linker.ld"] = _template("linker.ld.j2", **context)
    return texts


def _recipe(sources: Iterable[Source], board: Board, export: bool, uses_library: bool) -> Recipe:
    libc = () if export else tuple(f"src/{folder}" for folder in port.include_dirs(board))
    return Recipe(
        sources=tuple(sources),
        include_dirs=("model",) if export else ("src", "model"),
        system_dirs=(*(cmsis_nn.INCLUDE_DIRS if uses_library else ()), *libc),
        linker_script="" if board.is_host else "linker.ld",
    )


def _cmake(recipe: Recipe, board: Board, settings: Settings) -> str:
    if settings.export:
        return cmake.library(settings.name, recipe, board, settings.optimize)
    return cmake.program(recipe, board, settings.optimize)


def _build_id(everything: dict[str, bytes], recipe: Recipe) -> str:
    """16 hexadecimal digits over every source and how it is compiled: the same image has the same id."""
    digest = hashlib.sha256(repr(recipe).encode())
    for path in sorted(everything):
        digest.update(path.encode() + b"\0" + hashlib.sha256(everything[path]).digest())
    return digest.hexdigest()[:16]
