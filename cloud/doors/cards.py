"""A card that is refused at several doors within minutes: somebody tries where it opens. Pure, in event time."""

from collections.abc import Sequence
from typing import NamedTuple

from cloud.places.chronicle import Entry
from cloud.places.daybook import Input

DENIALS, DOORS, WITHIN_MS = 3, 2, 5 * 60_000


class Refusal(NamedTuple):
    """A card was refused at a door."""

    card: str
    at: int
    door: str


class Refusals(NamedTuple):
    """Those of the last minutes, the oldest first, and since when a card is being tried. By card."""

    recent: tuple[Refusal, ...] = ()
    tried: tuple[tuple[str, int], ...] = ()


class CardRule:
    """See ``cloud.places.daybook.Rule``. The input's ``detail`` is the door. Entries: ``card_burst``."""

    def start(self) -> Refusals:
        return Refusals()

    def advance(self, state: Refusals, at: int) -> tuple[Refusals, Sequence[Entry]]:
        told = []
        for card, _ in sorted(state.tried, key=lambda each: self._ends(state, each[0])):
            ends = self._ends(state, card)
            if ends <= at:
                told.append(Entry(ends, "card_burst", {"card": card, "over": True}))
                state = state._replace(tried=tuple(each for each in state.tried if each[0] != card))
        return state, told

    def take(self, state: Refusals, given: Input) -> tuple[Refusals, Sequence[Entry]]:
        recent = tuple(each for each in state.recent if given.at - each.at < WITHIN_MS)
        recent = (*recent, Refusal(given.card, given.at, given.detail))
        mine = [each for each in recent if each.card == given.card]
        doors = sorted({each.door for each in mine})
        state = state._replace(recent=recent)
        if len(mine) < DENIALS or len(doors) < DOORS or any(card == given.card for card, _ in state.tried):
            return state, []
        facts = {"card": given.card, "over": False, "doors": doors, "count": len(mine)}
        told = Entry(given.at, "card_burst", facts)
        return state._replace(tried=(*state.tried, (given.card, mine[0].at))), [told]

    def doors(self, state: Refusals, card: str) -> list[str]:
        """Where the card was refused lately."""
        return sorted({each.door for each in state.recent if each.card == card})

    def _ends(self, state: Refusals, card: str) -> int:
        return max((each.at for each in state.recent if each.card == card), default=0) + WITHIN_MS
