"""What opens a door whose gateway decides, and who comes to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from simulators.world.people import Person, new_card

STRANGERS, ANYBODY, TAILGATERS = 0.06, 0.10, 0.12
"""Shares of those who come: nobody's card, somebody who has no business here, somebody the zone takes to be inside."""


class Strike:
    """The strike of one door, seen from one of its readers.

    inside: who is in the zone behind the door, shared by the readers of the zone; None where nobody counts. leaves:
    this reader stands inside. regulars: [from, to) of the people.
    """

    def __init__(
        self, is_on: Callable[[], bool], regulars: tuple[int, int], inside: set[str] | None, *, leaves: bool = False
    ) -> None:
        self._is_on, self._regulars, self._inside, self._leaves = is_on, slice(*regulars), inside, leaves
        self._waits = ""

    def somebody(self, rng: random.Random, people: Sequence[Person]) -> Person | None:
        """Who holds a card to the reader now; None: nobody is there who could."""
        regulars = people[self._regulars] or people
        dice = rng.random()
        self._waits = ""
        if self._inside is not None and (self._leaves or dice > 1 - TAILGATERS):
            among = [each for each in regulars if each.card in self._inside]
            if not among:
                return None
        elif dice < STRANGERS:
            return Person("Unknown", new_card(rng), "Denied")
        elif dice < STRANGERS + ANYBODY:
            return rng.choice(people)
        else:
            inside = self._inside or ()
            among = [each for each in regulars if each.card not in inside]
            if not among:
                return None
        found = rng.choice(among)
        self._waits = found.card
        return found

    def gives_way(self) -> bool:
        """Whether the door can be pushed now: its strike has current, however it came to that."""
        if not self._is_on():
            return False
        if self._inside is not None and self._waits:
            (self._inside.discard if self._leaves else self._inside.add)(self._waits)
        return True
