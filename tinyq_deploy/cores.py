# SPDX-License-Identifier: Apache-2.0
"""What each core's instruction set offers kernels beyond plain C."""

from __future__ import annotations

from typing import Literal

from tinyq_deploy.board import Core

# dsp: the DSP extension (Armv7E-M, Armv8-M Mainline), SMLAD and its kin. mve: M-profile Vector Extension, Helium.
Extension = Literal["none", "dsp", "mve"]

_EXTENSIONS: dict[Core, Extension] = {
    "cortex-m4": "dsp",
    "cortex-m7": "dsp",
    "cortex-m33": "dsp",
    "cortex-m55": "mve",
}


def extension(core: Core) -> Extension:
    """The strongest extension that the toolchains enable for `core`; the host counts as plain C."""
    return _EXTENSIONS.get(core, "none")
