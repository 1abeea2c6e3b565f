# SPDX-License-Identifier: Apache-2.0
"""The flags and arguments of the command line, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[Path | None, typer.Argument(help="Keras, SavedModel or .tflite model; else tinyq.toml's.")]
Folder = Annotated[Path | None, typer.Argument(help="Built project; else the newest one for the board.")]
BoardName = Annotated[str | None, typer.Option("--board", "-b", help="Board's name, or a path to a board's .toml.")]
Representative = Annotated[str | None, typer.Option(help="Inputs as in use: .npz, .npy, folder or module:function.")]
Data = Annotated[str | None, typer.Option(help="Data set: .npz with x and y, .npy, folder or module:function.")]
XKey = Annotated[str | None, typer.Option(help="Name of the inputs in an .npz.")]
YKey = Annotated[str | None, typer.Option(help="Name of the labels in an .npz.")]
Trust = Annotated[bool, typer.Option("--trust-model", help="Load .keras, .h5 and SavedModel, which can run code.")]
Equalize = Annotated[
    bool | None, typer.Option(help="Balance channels of unlike size between layers before quantising.")
]
Calibrate = Annotated[
    str | None,
    typer.Option(help="minmax, percentile, percentile-99.9, mse, entropy, average, or auto: the best of them."),
]
Precision = Annotated[str | None, typer.Option(help="int8 or int16x8.")]
Kernels = Annotated[str | None, typer.Option(help="auto, own, cmsis-nn or portable.")]
CmsisNn = Annotated[Path | None, typer.Option("--cmsis-nn", help="CMSIS-NN folder; else environment, packs, bakenn.")]
Strict = Annotated[bool, typer.Option("--strict-kernels", help="Fail where a layer runs no fast kernel.")]
Optimized = Annotated[str | None, typer.Option(help="speed, balanced or size.")]
ToolchainName = Annotated[str | None, typer.Option(help="gcc or zig.")]
Name = Annotated[str | None, typer.Option(help="Prefix of the C symbols; else the model's file name.")]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Output path.")]
TuningOut = Annotated[Path, typer.Option("-o", "--out", help="The tuning file to write.")]
Export = Annotated[bool, typer.Option("--export", help="Only the library: model, weights, kernels, CMakeLists.txt.")]
KeepInput = Annotated[bool, typer.Option("--keep-input", help="Leave the input in the arena untouched; costs RAM.")]
KeepLayers = Annotated[bool, typer.Option("--keep-layers", help="No graph passes, no fused layers: as in the model.")]
Ram = Annotated[str | None, typer.Option("--ram", help="Most bytes of the arena, e.g. 64K; costs speed where it must.")]
Method = Annotated[str | None, typer.Option(help="msd, pyocd, openocd, stlink or cube.")]
Probe = Annotated[str | None, typer.Option(help="Serial number of the probe.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be run.")]
PortName = Annotated[str | None, typer.Option(help="Serial port or pyserial URL; else the only board connected.")]
Baud = Annotated[int | None, typer.Option(help="Bits per second; else the board's.")]
Virtual = Annotated[bool, typer.Option("--virtual", help="Run the image on a virtual board.")]
SimulatorName = Annotated[str | None, typer.Option("--simulator", help="unicorn or qemu.")]
Limit = Annotated[int, typer.Option(min=0, help="Use only the first N samples; 0: all.")]
SaveOutputs = Annotated[Path | None, typer.Option(help="Write the outputs, as the device sent them, to this .npz.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the result as JSON; - for standard output.")]
OldResult = Annotated[Path, typer.Argument(help="Result to hold against: JSON of bench, run or the benchmark.")]
NewResult = Annotated[Path, typer.Argument(help="Result to judge.")]
Tolerance = Annotated[list[str] | None, typer.Option(help="FIGURE=PERCENT by which it may get worse; may repeat.")]
Markdown = Annotated[Path | None, typer.Option(help="Write the table of changes here, for a pull request.")]
MarkdownPage = Annotated[Path | None, typer.Option("--markdown", help="Write the table as a page, as in docs/.")]
Jsonl = Annotated[bool, typer.Option("--jsonl", help="Print one JSON line per sample.")]
MinAccuracy = Annotated[float | None, typer.Option(help="Exit with 1 below this share of right labels.")]
RequireExact = Annotated[
    bool, typer.Option("--require-exact", help="Exit with 1 unless all outputs equal the oracle's.")
]
