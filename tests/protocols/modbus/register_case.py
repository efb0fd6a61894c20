"""A device case of a Modbus model: what its registers hold, and what must be read from them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from protocols.modbus.decode import BlockDecoder, decode_ratio
from protocols.modbus.plan import Block, plan_reads
from protocols.modbus.profile import ModbusProfile
from protocols.modbus.registers import BIT_AREAS, FUNCTION_CODES, TYPES
from protocols.reading import Reading
from tests.protocols.modbus.shipped import shipped

CASES = Path(__file__).parents[2] / "cases"


class RegisterCase(NamedTuple):
    """``registers``: by area and address. ``expected``: value by point; ``reason``: of points without a value.

    ``texts``: what the device says of itself.
    """

    name: str
    profile: ModbusProfile
    registers: dict[str, dict[int, int]]
    expected: dict[str, float]
    reason: dict[str, str]
    texts: dict[str, str]

    def payload(self, area: str, start: int, count: int) -> bytes:
        """What the device answers; a register or bit that the case does not name is zero."""
        held = self.registers.get(area, {})
        if area in BIT_AREAS:
            bits = sum(held.get(start + offset, 0) << offset for offset in range(count))
            return bits.to_bytes((count + 7) // 8, "little")
        return b"".join(held.get(address, 0).to_bytes(2, "big") for address in range(start, start + count))

    def blocks(self) -> tuple[Block, ...]:
        return plan_reads(self.profile, self.profile.selected(extended=True))

    def ratios(self) -> dict[str, float]:
        found = {}
        for ratio in self.profile.ratios:
            raw = self.payload(ratio.area, ratio.at, TYPES[ratio.type].words)
            found[ratio.name] = decode_ratio(raw, ratio.type, ratio.word_order, ratio.scale)
        return found

    def readings(self) -> dict[str, Reading]:
        """Every point as the product reads it."""
        made = {}
        for block in self.blocks():
            decoder = BlockDecoder("m", block, self.ratios())
            for reading in decoder.readings(self.payload(block.area, block.start, block.count), 1):
                made[reading.point] = reading
        return made


def read_case(path: Path) -> RegisterCase:
    """One file of a case folder."""
    values = tomllib.loads(path.read_text("utf-8"))
    profile = shipped()[values["profile"]]
    registers: dict[str, dict[int, int]] = {}
    for area in FUNCTION_CODES:
        held = registers.setdefault(area, {})
        for first, words in values.get(area, {}).items():
            for offset, word in enumerate(words.split()):
                held[int(first) + offset] = int(word, 16)
    name = f"{path.parent.name}/{path.stem}"
    return RegisterCase(
        name, profile, registers, values.get("expected", {}), values.get("reason", {}), values.get("texts", {})
    )


def case_files() -> Iterator[Path]:
    """Every case of a Modbus model."""
    for path in sorted(CASES.glob("*/*.toml")):
        if any(line.strip("[] \n") in FUNCTION_CODES for line in path.read_text("utf-8").splitlines()):
            yield path
