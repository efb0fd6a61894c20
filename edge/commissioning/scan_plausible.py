"""Does a unit hold, where a model has its voltages and its frequency, what could be voltages and a frequency?

The test for models that do not say who they are. It never makes sure: maps of sister models overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from edge.commissioning.scan_registers import UnitRegisters
from protocols.modbus.decode import BlockDecoder
from protocols.modbus.plan import block_of, plan_reads
from protocols.modbus.profile import ModbusPoint, ModbusProfile
from protocols.modbus.registers import BIT_AREAS
from protocols.modbus.sunspec import placed

MAINS_HZ = (45.0, 65.0)
LINE_NEUTRAL_V = (80.0, 300.0)
LINE_LINE_V = (140.0, 520.0)
CURRENT_A_MAX = 10_000.0
POWER_W_MAX = 2e7
ENOUGH = 4.0
"""A score from which on a model is worth naming: a frequency and a voltage, or three voltages."""
HOPELESS = 2
"""So many points that are not there, and none that is: another model."""
_POINTS_MAX = 24
_OTHERS = ("power_factor_total", "current_l1", "current_l2", "current_l3", "active_power_total")


class Signature(NamedTuple):
    """How well a unit fits a model. ``right`` and ``wrong``: values that could be, and that cannot; ``missing``: points
    it does not give; ``seen``: what speaks for it, for people."""

    score: float
    right: int
    wrong: int
    missing: int
    seen: tuple[str, ...]

    @property
    def fits(self) -> bool:
        return self.score >= ENOUGH and not self.wrong


async def signature(unit: UnitRegisters, profile: ModbusProfile, model_at: int | None = None) -> Signature:
    """Read the telling points of ``profile`` and judge them. ``model_at``: where its SunSpec model starts."""
    points = list(_telling(profile))
    if model_at is not None:
        points = [placed(point, model_at) for point in points]
    values: dict[str, float] = {}
    missing = 0
    ones = {name: 1.0 for point in points for name in point.times}
    waiting = list(reversed(plan_reads(profile, points)))
    while waiting:
        block = waiting.pop()
        payload = await unit.read(block.function, block.start, block.count)
        if payload is not None:
            for reading in BlockDecoder("scan", block, ones).readings(payload, 0):
                if reading.value is not None:
                    values[reading.point] = reading.value
                missing += reading.value is None and reading.reason == "out_of_range"
        elif len(block.points) > 1:
            # Older firmware has holes where newer has registers.
            waiting += [block_of([point]) for point in reversed(block.points)]
        else:
            missing += not block.points[0].optional
        if missing > len(points) / 2 or (missing >= HOPELESS and not values):
            break
    return judge(values, missing)


def judge(values: Mapping[str, float], missing: int) -> Signature:
    """Score the values of a model's telling points; 0.0 says nothing, for a phase may be without voltage."""
    score, right, wrong = 0.0, 0, 0
    seen = []
    for name, value in values.items():
        worth = _worth(name, value)
        score += worth
        right += worth > 0
        wrong += worth < 0
        if worth >= 2:
            seen.append(_said(name, value))
    if _is_three_phase(values):
        score += 2
        seen.append("phase and line voltages agree")
    return Signature(score - missing - 4.0 * wrong, right, wrong, missing, tuple(seen))


def has_mains(profile: ModbusProfile) -> bool:
    """True when the model has a voltage or a frequency to judge by."""
    return any(point.unit == "Hz" or point.name.startswith("voltage_l") for point in profile.points)


def _telling(profile: ModbusProfile) -> Sequence[ModbusPoint]:
    points = [point for point in profile.points if point.area not in BIT_AREAS]
    telling = [point for point in points if point.unit == "Hz" or point.name.startswith("voltage_l")]
    telling += [point for point in points if point.name in _OTHERS]
    return telling[:_POINTS_MAX] or points[:_POINTS_MAX]


def _worth(name: str, value: float) -> float:
    if value == 0.0:
        return 0.0
    for is_kind, (low, high), worth in _rules(name):
        if is_kind:
            return worth if low <= abs(value) <= high else -1.0
    return 0.0


def _rules(name: str) -> Iterator[tuple[bool, tuple[float, float], float]]:
    yield name.startswith("frequency"), MAINS_HZ, 3.0
    yield _is_line_to_line(name), LINE_LINE_V, 1.0
    yield name.startswith("voltage_l"), LINE_NEUTRAL_V, 2.0
    yield name.startswith("power_factor"), (0.0, 1.01), 0.5
    # A float read in the wrong order is a number near 0 or beyond all bounds.
    yield name.startswith("current_l"), (1e-4, CURRENT_A_MAX), 0.5
    yield name.startswith("active_power"), (1e-3, POWER_W_MAX), 0.5


def _is_line_to_line(name: str) -> bool:
    return name.startswith("voltage_ll") or (name.startswith("voltage_l") and name.count("_l") == 2)


def _is_three_phase(values: Mapping[str, float]) -> bool:
    phase, line = values.get("voltage_l1_n", 0.0), values.get("voltage_l1_l2", 0.0)
    return phase > 0 and 0.92 < line / phase / 3**0.5 < 1.08


def _said(name: str, value: float) -> str:
    return f"{name} {value:.2f} Hz" if name.startswith("frequency") else f"{name} {value:.1f} V"
