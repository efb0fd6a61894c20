"""Input and output modules: units whose registers are no meter's. They seldom say what they are."""

from __future__ import annotations

from edge.commissioning.scan_catalog import Catalog, is_io_module
from edge.commissioning.scan_finding import Candidate, Recognition
from edge.commissioning.scan_registers import UnitRegisters
from protocols.modbus.profile import ModbusProfile
from protocols.modbus.registers import BIT_AREAS, FUNCTION_CODES, Area

CANDIDATES_MAX = 6


async def by_outputs(unit: UnitRegisters, catalog: Catalog) -> Recognition:
    """The modules whose coils, contacts and registers the unit has, those first that have no more and no less."""
    areas: tuple[Area, ...] = ("coil", "discrete", "holding", "input")
    has = [area for area in areas if await unit.read(FUNCTION_CODES[area], 0, 1) is not None]
    bits = [{"coil": "coils", "discrete": "contacts"}[area] for area in has if area in BIT_AREAS]
    candidates = []
    for profile in catalog.profiles:
        if is_io_module(profile) and not unit.gave_up:
            score = await _score(unit, profile, has)
            if score > 0:
                fits = "it has all points of this model" + (", and no more" if score >= 1 else ", and others")
                candidates.append(Candidate(profile=profile.id, score=round(score, 2), evidence=(fits,)))
    candidates.sort(key=lambda each: -each.score)
    only = " only" if len(bits) == len(has) else ""
    evidence = (f"answers {' and '.join(bits)}{only}: an input or output module",) if bits else ()
    if not candidates:
        hint = "no known model fits: look at an unknown block with `dayuan-edge read --orders`"
        return Recognition(evidence=evidence, hint=hint)
    return Recognition(
        evidence=evidence,
        candidates=tuple(candidates[:CANDIDATES_MAX]),
        hint="modules of this kind do not say what they are; look at the label, then choose one",
    )


async def _score(unit: UnitRegisters, profile: ModbusProfile, has: list[Area]) -> float:
    """1: everything there and nothing more; less with areas or places the model does not know; 0: something missing."""
    points = [point for point in profile.points if not point.optional]
    for point in points:
        if await unit.read(FUNCTION_CODES[point.area], point.at, point.words) is None:
            return 0.0
    own = {point.area for point in profile.points}
    score = 1.0 - 0.2 * sum(area not in own for area in has)
    for area in own & BIT_AREAS:
        end = 1 + max(point.at for point in profile.points if point.area == area)
        if await unit.read(FUNCTION_CODES[area], end, 1) is not None:
            score -= 0.2
    return max(score, 0.1)
