"""The profiles a scan can name, and the questions that tell them apart, the cheap ones first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from protocols.errors import BadProfile
from protocols.modbus.profile import IdentityRow, ModbusProfile
from protocols.modbus.registers import BIT_AREAS, FUNCTION_CODES, Area
from protocols.profile import load_profile, profile_ids

CHEAP_FIRST = (0x000B, 0xFC02, 0x8960, 49, 0xC350)
"""Registers of wide-spread families whose answer is short and seldom misunderstood."""


class Question(NamedTuple):
    """Registers that tell models."""

    function: int
    at: int
    registers: int


class Catalog:
    """All Modbus profiles. Files that are wrong are left out and named in ``wrong``."""

    def __init__(self, profiles: Iterable[ModbusProfile], wrong: Sequence[str] = ()) -> None:
        self.profiles = tuple(profiles)
        self.wrong = tuple(wrong)
        self.sunspec = {
            model: profile
            for profile in sorted(self.profiles, key=lambda each: len(each.sunspec_models), reverse=True)
            for model in profile.sunspec_models
        }
        """By model number; a profile for that one model comes before one for several."""

    def by_id(self, profile_id: str) -> ModbusProfile:
        """The profile of that id."""
        return next(profile for profile in self.profiles if profile.id == profile_id)

    def questions(self) -> list[tuple[Question, list[tuple[ModbusProfile, IdentityRow]]]]:
        """Every question with an expected answer, and the rows it serves."""
        rows: dict[Question, list[tuple[ModbusProfile, IdentityRow]]] = {}
        for profile in self.profiles:
            for row in profile.identity:
                if row.expect and not profile.sunspec_models:
                    rows.setdefault(question(profile, row), []).append((profile, row))
        return sorted(rows.items(), key=lambda item: _cost(item[0]))


def load_catalog(dirs: Sequence[Path] = ()) -> Catalog:
    """The built-in profiles and those in ``dirs``, which come first."""
    profiles: dict[str, ModbusProfile] = {}
    wrong = []
    for profile_id in profile_ids(dirs):
        try:
            profile = load_profile(profile_id, dirs)
        except BadProfile as error:
            wrong.append(str(error))
            continue
        if isinstance(profile, ModbusProfile):
            profiles.setdefault(profile.id, profile)
    return Catalog(profiles.values(), wrong)


def question(profile: ModbusProfile, row: IdentityRow) -> Question:
    """The request for an identity row."""
    area: Area = row.area or profile.points[0].area
    if area in BIT_AREAS:
        area = "holding"
    return Question(FUNCTION_CODES[area], row.at, row.registers)


def is_io_module(profile: ModbusProfile) -> bool:
    """True for modules of inputs and outputs."""
    if profile.kind == "io":
        return True
    bits = sum(point.area in BIT_AREAS for point in profile.points)
    return bits > len(profile.points) / 2


def _cost(asked: Question) -> tuple[int, int, int]:
    rank = CHEAP_FIRST.index(asked.at) if asked.at in CHEAP_FIRST else len(CHEAP_FIRST)
    return (rank, asked.registers, asked.at)
