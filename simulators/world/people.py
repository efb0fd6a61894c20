"""The people of the compound and the cards they carry."""

from __future__ import annotations

import random
from typing import NamedTuple

_FAMILY = ("Chen", "Li", "Wang", "Zhang", "Liu", "Zhao", "Sun", "Zhou", "Wu", "Xu", "Hu", "Guo", "He", "Lin", "Gao")
_GIVEN = ("Wei", "Min", "Jing", "Lei", "Yan", "Qiang", "Fang", "Tao", "Na", "Bo", "Ping", "Hua", "Jun", "Xin", "Yu")


class Person(NamedTuple):
    """A card holder. ``card`` is the card's UID as upper-case hex of 4 or 7 bytes; ``access`` as a reader stores it."""

    name: str
    card: str
    access: str


def make_people(rng: random.Random, count: int) -> list[Person]:
    """``count`` people with different cards; most may always enter, a few are administrators or expired."""
    cards: set[str] = set()
    people: list[Person] = []
    while len(people) < count:
        card = new_card(rng)
        if card in cards:
            continue
        cards.add(card)
        name = f"{rng.choice(_FAMILY)} {rng.choice(_GIVEN)}"
        access = rng.choices(("Always", "Admin", "Expired", "Disabled"), (90, 4, 4, 2))[0]
        people.append(Person(name, card, access))
    return people


def new_card(rng: random.Random) -> str:
    """A card nobody was given: 4 bytes as most MIFARE Classic cards, or 7 bytes (first byte 04: NXP)."""
    if rng.random() < 0.7:
        return f"{rng.randrange(0x10000000, 0xFFFFFFFF):08X}"
    return f"04{rng.randrange(2**44, 2**48):012X}"
