# SPDX-License-Identifier: Apache-2.0
"""How many cycles Thumb code takes by the manuals: memory without wait states, no interrupts, nothing else on the bus.

A model, not a measurement. Sources of the class tables: Cortex-M0+ TRM r0p1 (DDI 0484C) 3.3, Cortex-M3 TRM r2p1
(DDI 0337I) 3.3, Cortex-M4 TRM r0p1 (DDI 0439D) 3.3 and 7.2.3. Where a manual gives a range that depends on the data,
the most is taken; where it depends on the chip's configuration, the faster one (a Cortex-M0+ that multiplies in one
cycle). A taken branch on Cortex-M3 and M4 costs 1 + P cycles with P from 1 to 3; P is 2, which comes closest to
published cycle counts of cryptographic code on a Cortex-M4. Not modelled: unaligned data (1 or 2 cycles more),
contention of literal loads with the fetch unit, and instructions that a false condition in an IT block skips, which
are counted and priced as if they ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from tinyq_deploy.board import Core
from tinyq_deploy.errors import FirmwareFault, UsageError

Kind = Literal[
    "alu", "extend", "multiply", "multiply accumulate", "multiply long", "multiply long accumulate", "divide", "load",
    "load double", "load multiple", "store", "store double", "store multiple", "branch", "call", "table branch", "it",
    "float", "float pair", "float accumulate", "float divide", "float load", "float store", "special register",
    "barrier",
]  # fmt: skip

_NAMES: Mapping[Kind, str] = {
    "extend": "sxtb sxth uxtb uxth sxtb16 uxtb16 sxtab sxtah uxtab uxtah sxtab16 uxtab16 pkhbt pkhtb",
    "multiply": "mul smulbb smulbt smultb smultt smulwb smulwt smuad smuadx smusd smusdx smmul smmulr smlabb smlabt "
    "smlatb smlatt smlawb smlawt smlad smladx smlsd smlsdx smmla smmlar smmls smmlsr smlalbb smlalbt smlaltb smlaltt "
    "smlald smlaldx smlsld smlsldx umaal usad8 usada8",
    "multiply accumulate": "mla mls",
    "multiply long": "smull umull",
    "multiply long accumulate": "smlal umlal",
    "divide": "sdiv udiv",
    "load": "ldr ldrb ldrh ldrsb ldrsh ldrt ldrbt ldrht ldrsbt ldrsht ldrex ldrexb ldrexh lda ldab ldah",
    "load double": "ldrd",
    "load multiple": "ldm ldmdb pop",
    "store": "str strb strh strt strbt strht strex strexb strexh stl stlb stlh",
    "store double": "strd",
    "store multiple": "stm stmdb push",
    "branch": "b bx blx cbz cbnz",
    "call": "bl",
    "table branch": "tbb tbh",
    "it": "it",
    "float accumulate": "vmla vmls vnmla vnmls vfma vfms vfnma vfnms",
    "float divide": "vdiv vsqrt",
    "float load": "vldr vldmia vldmdb vpop",
    "float store": "vstr vstmia vstmdb vpush",
    "special register": "mrs msr",
    "barrier": "dmb dsb isb",
}
_KINDS: Mapping[str, Kind] = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_SEVERAL = frozenset(
    {"load double", "load multiple", "store double", "store multiple", "float load", "float store"}
)  # 1 + N cycles for N words, never pipelined with what stands before or after

_STACK = frozenset({"push", "pop", "vpush", "vpop"})
_BRANCHES = frozenset({"branch", "call", "table branch"})


@dataclass(frozen=True)
class Instruction:
    """What the time of one instruction depends on. `words` are transferred to or from memory; `address` are the
    registers an address is made of, `writes` the other registers that change, by capstone's numbers."""

    kind: Kind
    words: int
    address: frozenset[int]
    writes: frozenset[int]
    updates_base: bool
    register_offset: bool
    to_pc: bool


@dataclass(frozen=True)
class Timing:
    """One core's class table: cycles by kind (1 where none is given), and what a taken branch adds by kind (`refill`
    where none is given). The rest are rules of the load and store unit."""

    cycles: Mapping[Kind, int]
    refill: int
    taken: Mapping[Kind, int]
    pipelined: bool = False


_LOADS: Mapping[Kind, int] = {"load": 2, "store": 2}
_ARMV7: Mapping[Kind, int] = {**_LOADS, "divide": 12, "it": 0, "table branch": 3, "special register": 2}
_TO_PC: Mapping[Kind, int] = {"load": 3, "table branch": 3}
TIMINGS: Mapping[Core, Timing] = {
    "cortex-m0plus": Timing(
        {**_LOADS, "special register": 3, "barrier": 3}, refill=1, taken={"call": 2, "load multiple": 2}
    ),
    "cortex-m3": Timing(
        {**_ARMV7, "multiply accumulate": 2, "multiply long": 5, "multiply long accumulate": 7},
        refill=2, taken=_TO_PC, pipelined=True,
    ),
    "cortex-m4": Timing(
        {**_ARMV7, "float pair": 2, "float accumulate": 3, "float divide": 14},
        refill=2, taken=_TO_PC, pipelined=True,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Cycles of one instruction, and how many more it takes when it branches."""

    kind: Kind
    cycles: int
    taken: int


def costs(code: Iterable[Instruction], timing: Timing) -> Iterator[Cost]:
    """What instructions cost that run one after the other."""
    before: Instruction | None = None
    for one in code:
        taken = timing.taken.get(one.kind, timing.refill) if one.to_pc else 0
        yield Cost(one.kind, _cycles(one, before, timing), taken)
        before = one


def _cycles(one: Instruction, before: Instruction | None, timing: Timing) -> int:
    stall = int(timing.pipelined and before is not None and _waits(one, before))
    if one.kind in _SEVERAL:
        return 1 + one.words + stall
    cycles = timing.cycles.get(one.kind, 1)
    if not timing.pipelined or one.kind not in ("load", "store"):
        return cycles
    if one.kind == "store" and not one.register_offset:
        return 1 + stall
    return cycles + stall - int(before is not None and _pipelines(one, before))


def _pipelines(one: Instruction, before: Instruction) -> bool:
    """A load or store without base update, right after a single load whose result its address does not need."""
    alone = one.updates_base or one.to_pc or before.kind != "load" or before.to_pc
    return not alone and not before.writes & one.address


def _waits(one: Instruction, before: Instruction) -> bool:
    """An address made from the result of the data processing instruction right before it."""
    return not before.address and bool(before.writes & one.address)


def decode(code: bytes, address: int) -> tuple[Instruction, ...]:
    """The instructions of `code`, which lies at `address` and holds nothing else. Raises FirmwareFault where it is
    not Thumb code, UsageError without capstone."""
    engine = _engine()
    found, size = [], 0
    for one in engine.disasm(code, address):
        found.append(_instruction(engine, one))
        size += one.size
    if size != len(code):
        raise FirmwareFault(
            "what the core executes is Thumb code", f"{code[size : size + 4].hex()} at {address + size:#010x}"
        )
    return tuple(found)


def _instruction(engine: Any, one: Any) -> Instruction:
    from capstone import arm

    name, places = engine.insn_name(one.id), [o.mem for o in one.operands if o.type == arm.ARM_OP_MEM]
    kind = _KINDS.get(name) or ("float" if name[0] == "v" else "alu")
    registers = [o.reg for o in one.operands if o.type == arm.ARM_OP_REG]
    if name == "vmov" and len(registers) > 2:
        kind = "float pair"
    updates = bool(one.writeback) or name in _STACK
    address = {register for place in places for register in (place.base, place.index) if register}
    if name in _STACK:
        address = {arm.ARM_REG_SP}
    elif kind in _SEVERAL and not places:
        address = {registers.pop(0)}
    writes = set(one.regs_access()[1])
    return Instruction(
        kind, sum(_words(engine.reg_name(register)) for register in registers) if kind in _SEVERAL else 0,
        frozenset(address), frozenset(writes - address if updates else writes), updates,
        any(place.index for place in places), arm.ARM_REG_PC in writes or kind in _BRANCHES,
    )  # fmt: skip


def _words(register: str) -> int:
    return 2 if register.startswith("d") else 1


@cache
def _engine() -> Any:
    try:
        import capstone
    except ImportError as error:
        hint = "pip install 'tinyq-deploy[virtual]'"
        raise UsageError("an estimate decodes code with capstone", "it is not installed", hint) from error
    engine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8)
    engine.detail = True
    return engine
