# SPDX-License-Identifier: Apache-2.0
"""What the portable kernels share: they take every checked node, on every core."""

from __future__ import annotations

from typing import Any

from tinyq_deploy.kernels.base import Argument, KernelCall, params_of


def portable_call(
    name: str, struct_name: str, struct: Any, *arguments: Argument, in_place: tuple[int, ...] = (),
    lead: int | None = None, pointers: int | None = None,
) -> KernelCall:  # fmt: skip
    """A call of tinyq_portable_<name> in firmware/kernels/portable/<name>.h."""
    return KernelCall(
        kernel_set="portable",
        function=f"tinyq_portable_{name}",
        header=f"portable/{name}.h",
        params_type=f"tinyq_{struct_name}_params",
        params=params_of(struct),
        arguments=arguments,
        in_place=in_place,
        lead=lead,
        pointers=pointers,
    )
