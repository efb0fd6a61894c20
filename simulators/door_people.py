"""Who may open which door of the demo, and when: people and rules as a person would write them into a file.

People are those of `world.people` by their place; four have cards that nobody brought in.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from simulators import sample_site
from simulators.site_files import toml_value
from simulators.world.happenings import person
from simulators.world.people import Person
from simulators.world.rounds import guard_card

HOLDERS = 60
UNTIL_YESTERDAY, LOST, SHUT_OUT = 57, 58, 59
"""Somebody whose last day is over, somebody whose card is lost, and somebody who was shut out."""
GROUPS: dict[str, tuple[str, tuple[int, int]]] = {
    "staff": ("机关工作人员", (0, 53)),
    "b1-archive": ("1号楼档案室", (8, 16)),
    "engineers": ("工程部", (44, 53)),
    "cleaners": ("保洁", (53, 57)),
    "leaving": ("离任和停用", (57, 60)),
}
GUARDS = ("guards", "保安")
DOOR_GROUPS = {
    "gates": ("各大门", ("gate-north", "gate-south", "gate-east", "garage-door")),
    "lobbies": ("楼宇大厅", ("b1-lobby-door", "b2-lobby-door", "b3-lobby-door", "b2-canteen-door")),
    "plant": ("机房与楼顶", ("b3-plant-door", "b3-server-door", "b3-roof-door")),
}
SCHEDULES = {
    "day": ("白天", ("daily 06:00-23:00",)),
    "office-hours": ("工作时间", ("workday 07:30-19:00",)),
    "early": ("清晨保洁", ("daily 05:30-07:30",)),
}
PERMISSIONS: tuple[tuple[str, str, str], ...] = (
    ("staff", "gates", ""),
    ("staff", "lobbies", "day"),
    ("b1-archive", "b1-archive-door", "office-hours"),
    ("engineers", "plant", ""),
    ("engineers", "lobbies", ""),
    ("cleaners", "lobbies", "early"),
    ("leaving", "gates", ""),
    ("leaving", "lobbies", ""),
    ("guards", "gates", ""),
    ("guards", "lobbies", ""),
    ("guards", "plant", ""),
)
"""Who, where and when; at any time when no schedule is named."""
REGULARS = {
    "": (0, 60),
    "b1-archive-door": (8, 16),
    "b3-plant-door": (44, 54),
    "b3-server-door": (44, 53),
    "b3-roof-door": (44, 54),
}
"""Who comes to a door as a rule; "" for all others."""


def as_toml(people: Sequence[Person], key_of: Callable[[str], str], *, seed: int, today: date) -> str:
    """A file for the collector's import. key_of: the card key of a card's number; ``people``: at least `HOLDERS`."""
    rng, units = random.Random(f"{seed}:holders"), sample_site.units()
    parts: list[str] = []

    def row(table: str, **values: object) -> None:
        lines = [
            f"{name.rstrip('_')} = {toml_value(value)}" for name, value in values.items() if value not in ("", False)
        ]
        parts.append("\n".join([f"[[{table}]]", *lines]) + "\n")

    for number, each in enumerate(people[:HOLDERS]):
        name = f"h-{number + 1:03d}"
        until = (today - timedelta(days=1)).isoformat() if number == UNTIL_YESTERDAY else ""
        row("holder", id=name, name=person(rng), unit=rng.choice(units), until=until, disabled=number == SHUT_OUT)
        label = f"{number + 1:04d}"
        row("credential", id=key_of(each.card), holder=name, label=label, blocked="挂失" if number == LOST else "")
    guards = sample_site.tables()["guard"]
    for guard in guards:
        row("holder", id=guard["id"], name=guard["name"], unit="保卫处")
        row("credential", id=key_of(guard_card(guard["id"])), holder=guard["id"], exempt=True)
    for group, (name, (first, end)) in GROUPS.items():
        row("group", id=group, name=name, members=[f"h-{number + 1:03d}" for number in range(first, end)])
    row("group", id=GUARDS[0], name=GUARDS[1], members=[guard["id"] for guard in guards])
    for group, (name, doors) in DOOR_GROUPS.items():
        row("door_group", id=group, name=name, doors=list(doors))
    for schedule, (name, hours) in SCHEDULES.items():
        row("schedule", id=schedule, name=name, parts=list(hours))
    for who, where, when in PERMISSIONS:
        place = {"door_group": where} if where in DOOR_GROUPS else {"door": where}
        row("permission", id=f"{who}-{where}", group=who, **place, schedule=when)
    return "\n".join(parts)
