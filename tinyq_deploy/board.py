# SPDX-License-Identifier: Apache-2.0
"""Board files: the TOML under boards/ as frozen, validated data. Unknown keys are refused."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tinyq_deploy import assets
from tinyq_deploy.errors import Fault, UsageError

Core = Literal["host", "cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"]
Address = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Region(_Data):
    """One memory region, bytes."""

    origin: Address
    bytes: Annotated[int, Field(gt=0)]

    @property
    def end(self) -> int:
        """First address behind the region."""
        return self.origin + self.bytes


class Memory(_Data):
    """Where code and data live. `stack_bytes` is reserved at the bottom of RAM: an overflow leaves RAM and faults."""

    flash: Region
    ram: Region
    stack_bytes: Annotated[int, Field(ge=512)] = 4096


class Step(_Data):
    """One register access of a set-up sequence, with the document that says so.

    write: *addr = value. set: *addr = (*addr & ~mask) | value.
    wait: until (*addr & mask) == value, at most `max` reads.
    delay: `max` reads of addr, to let time pass.
    """

    op: Literal["write", "set", "wait", "delay"]
    addr: Address
    value: Address = 0
    mask: Address = 0xFFFFFFFF
    max: Annotated[int, Field(gt=0)] = 100_000
    why: str


class Stage(_Data):
    """One way to set the clocks. After every step succeeded the core runs at `hz` and the UART is fed `uart_hz`."""

    hz: Annotated[int, Field(gt=0)]
    uart_hz: Annotated[int, Field(gt=0)]
    steps: tuple[Step, ...] = ()


class Clock(_Data):
    """Clock tree. After every step succeeded the core runs at `hz`.

    If a wait runs out the `fallback` stages are tried in order; after the last one the core stays at `reset_hz`.
    """

    hz: Annotated[int, Field(gt=0)]
    reset_hz: Annotated[int, Field(gt=0)]
    steps: tuple[Step, ...] = ()
    fallback: tuple[Stage, ...] = ()

    @property
    def possible_hz(self) -> tuple[int, ...]:
        """Every core clock, Hz, that the firmware can end up with: first stage, fallbacks, reset clock."""
        return (self.hz, *(stage.hz for stage in self.fallback), self.reset_hz)


class Uart(_Data):
    """The port that the host sees. `clock_hz` feeds the baud generator after the clock steps, `reset_clock_hz` before.

    `brr_scale` is the multiple of the clock that the divider register counts: 256 for an STM32 LPUART, else 1.
    """

    driver: str
    base: Address
    irq: Annotated[int, Field(ge=0, le=495)]
    clock_hz: Annotated[int, Field(gt=0)]
    reset_clock_hz: Annotated[int, Field(gt=0)]
    baud: int = 115200
    max_baud: int = 921600
    brr_scale: Literal[1, 256] = 1
    setup: tuple[Step, ...] = ()


class Reset(_Data):
    """The register that tells why the chip was reset, and the bits of it that clear the flags."""

    addr: Address
    clear: Address


class Flash(_Data):
    """How the board is programmed: methods in order of preference, and what each of them needs to know."""

    methods: tuple[Literal["msd", "pyocd", "openocd", "stlink", "cube"], ...]
    volume: str = ""
    pyocd: str = ""
    openocd: str = ""


class Qemu(_Data):
    """The QEMU machine that stands for the board; `serial_index` is the position of its link UART."""

    machine: str
    serial_index: int = 0
    icount_shift: int = 0


class Emulate(_Data):
    """Virtual boards: a QEMU machine, a unicorn peripheral shim by name, or both."""

    qemu: Qemu | None = None
    unicorn: str = ""


class Board(_Data):
    """One board. `verified` says where its image has really run."""

    name: str
    title: str
    aliases: tuple[str, ...] = ()
    core: Core
    fpu: str = ""
    verified: Literal["hardware", "virtual", "builds"]
    sources: tuple[str, ...] = ()
    counters: tuple[Literal["dwt", "systick", "host"], ...] = ("dwt", "systick")
    memory: Memory | None = None
    clock: Clock | None = None
    uart: Uart | None = None
    reset: Reset | None = None
    flash: Flash | None = None
    emulate: Emulate = Emulate()

    @model_validator(mode="after")
    def _complete(self) -> Board:
        if self.core != "host" and not (self.memory and self.clock and self.uart):
            raise ValueError("a board other than host gives [memory], [clock] and [uart]")
        if self.memory and _overlap(self.memory.flash, self.memory.ram):
            raise ValueError("flash and ram do not overlap")
        if self.memory and self.memory.stack_bytes >= self.memory.ram.bytes:
            raise ValueError("the stack fits RAM")
        return self

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The clock stages in the order in which the firmware tries them; empty for the host."""
        if not (self.clock and self.uart):
            return ()
        return (Stage(hz=self.clock.hz, uart_hz=self.uart.clock_hz, steps=self.clock.steps), *self.clock.fallback)

    @property
    def is_host(self) -> bool:
        """True for the PC itself."""
        return self.core == "host"

    @property
    def always_virtual(self) -> bool:
        """True where no hardware exists to flash: `--virtual` is implied."""
        return self.flash is None


def _overlap(first: Region, second: Region) -> bool:
    return first.origin < second.end and second.origin < first.end


def names() -> tuple[str, ...]:
    """Names of the boards that ship, sorted."""
    return tuple(sorted(path.stem for path in assets.folder("boards").glob("*.toml")))


def load(name_or_path: str) -> Board:
    """A shipped board by name or alias, or a user's own TOML by path. Raises UsageError with every fault found."""
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return _parse(path)
    for shipped in names():
        board = _parse(assets.folder("boards") / f"{shipped}.toml")
        if name_or_path.lower() in (board.name, *board.aliases):
            return board
    near = get_close_matches(name_or_path.lower(), names(), n=3, cutoff=0.4) or names()
    raise UsageError(
        "--board takes a board's name or a path to a .toml",
        f"{name_or_path!r}",
        f"nearest: {', '.join(near)}; `tinyq-deploy boards` lists all",
    )


def _parse(path: Path) -> Board:
    try:
        return Board.model_validate(_tuples(tomllib.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise UsageError("a board file can be read", f"{path}: {error.strerror}", "check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("a board file is TOML", f"{path}: {error}", "see boards/README.md") from error
    except ValidationError as error:
        raise UsageError.of([_fault(path, dict(item)) for item in error.errors()]) from error


def _tuples(value: object) -> object:
    """TOML arrays as tuples, so that strict validation takes them."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    return value


def _fault(path: Path, item: dict[str, object]) -> Fault:
    place = item["loc"]
    where = ".".join(str(part) for part in place) if isinstance(place, tuple) else ""
    hint = "see boards/README.md"
    if item["type"] == "extra_forbidden":
        known = [name for kind in _Data.__subclasses__() for name in kind.model_fields]
        near = get_close_matches(where.rsplit(".", 1)[-1], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else hint
    return Fault("a board file holds known keys with valid values", f"{path.name}: {where}: {item['msg']}", hint)
