# SPDX-License-Identifier: Apache-2.0
"""What the CMSIS-NN kernels share: the call of an adapter, and the sizes that the library's types can hold."""

from __future__ import annotations

from typing import Any

from tinyq_deploy.kernels.base import Argument, KernelCall, params_of

# Extents and dot product lengths that pass through 16-bit variables inside the library.
LARGEST_EXTENT = (1 << 15) - 1


def adapter_call(name: str, params_type: str, struct: Any, functions: tuple[str, ...], *arguments: Argument,
                 in_place: tuple[int, ...] = ()) -> KernelCall:  # fmt: skip
    """A call of tinyq_cmsis_nn_<name> in firmware/kernels/cmsis_nn/<name>.h, which calls the library's `functions`."""
    return KernelCall(
        kernel_set="cmsis-nn",
        function=f"tinyq_cmsis_nn_{name}",
        header=f"cmsis_nn/{name}.h",
        params_type=params_type,
        params=params_of(struct),
        arguments=arguments,
        in_place=in_place,
        library_functions=functions,
    )


def fits(*extents: int) -> bool:
    """Whether the library's 16-bit variables hold all `extents`."""
    return max(extents) <= LARGEST_EXTENT
