# SPDX-License-Identifier: Apache-2.0
"""What the portable kernels share: they take every checked node, on every core."""

from __future__ import annotations

from typing import Any

from tinyq_deploy.graph import Kind
from tinyq_deploy.kernels.base import Argument, KernelCall, params_of

ALIKE: tuple[Kind, ...] = ("int8", "int16")
# What the functions for each kind are called behind their name.
SUFFIXES: dict[Kind, str] = {"int8": "", "int16": "_s16", "int4": "_s4"}


def portable_call(
    name: str, struct_name: str, struct: Any, *arguments: Argument, in_place: tuple[int, ...] = (),
    lead: int | None = None, pointers: int | None = None, suffix: str = "",
) -> KernelCall:  # fmt: skip
    """A call of tinyq_portable_<name><suffix> in firmware/kernels/portable/<name>.h."""
    return KernelCall(
        kernel_set="portable",
        function=f"tinyq_portable_{name}{suffix}",
        header=f"portable/{name}.h",
        params_type=f"tinyq_{struct_name}_params",
        params=params_of(struct),
        arguments=arguments,
        in_place=in_place,
        lead=lead,
        pointers=pointers,
    )
