"""What opens a door whose gateway decides, and who comes to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from simulators.world.people import Person, new_card

STRANGERS, ANYBODY, TAILGATERS = 0.06, 0.10, 0.12
"""Shares of those who come: nobody's card, somebody who has no business here, somebody the zone takes to be inside."""


WALK_S = 60.0
"""Nobody is at another door sooner; but one in so many cards is a copy, which is."""
COPIES = 0.003


class Whereabouts:
    """Which door somebody was last at, and when (monotonic s): nobody is at two doors at once."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._last: dict[str, tuple[str, float]] = {}

    def can_be_at(self, card: str, door: str) -> bool:
        """Whether there was time to walk here."""
        where, since_s = self._last.get(card, (door, 0.0))
        return where == door or self._now_s() - since_s >= WALK_S

    def came(self, card: str, door: str) -> None:
        self._last[card] = (door, self._now_s())


class Strike:
    """The strike of one door, seen from one of its readers.

    inside: who is in the zone behind the door, shared by the readers of the zone; None where nobody counts. leaves:
    this reader stands inside. regulars: [from, to) of the people.
    """

    def __init__(
        self,
        door: str,
        is_on: Callable[[], bool],
        regulars: tuple[int, int],
        inside: set[str] | None,
        whereabouts: Whereabouts,
        *,
        leaves: bool = False,
    ) -> None:
        self._door, self._whereabouts = door, whereabouts
        self._is_on, self._regulars, self._inside, self._leaves = is_on, slice(*regulars), inside, leaves
        self._waits = ""

    def somebody(self, rng: random.Random, people: Sequence[Person]) -> Person | None:
        """Who holds a card to the reader now; None: nobody is there who could."""
        regulars: Sequence[Person] = people[self._regulars] or people
        if rng.random() >= COPIES:
            regulars, people = self._free(regulars), self._free(people)
        dice = rng.random()
        self._waits = ""
        inside = self._inside or ()
        if self._inside is not None and (self._leaves or dice > 1 - TAILGATERS):
            among = [each for each in regulars if each.card in inside]
        elif dice < STRANGERS:
            return Person("Unknown", new_card(rng), "Denied")
        elif dice < STRANGERS + ANYBODY:
            among = list(people)
        else:
            among = [each for each in regulars if each.card not in inside]
        if not among:
            return None
        found = rng.choice(among)
        self._waits = found.card
        self._whereabouts.came(found.card, self._door)
        return found

    def _free(self, people: Sequence[Person]) -> list[Person]:
        return [each for each in people if self._whereabouts.can_be_at(each.card, self._door)]

    def gives_way(self) -> bool:
        """Whether the door can be pushed now: its strike has current, however it came to that."""
        if not self._is_on():
            return False
        if self._inside is not None and self._waits:
            (self._inside.discard if self._leaves else self._inside.add)(self._waits)
        return True
