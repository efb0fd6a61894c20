"""Whose a card was at an instant, when it is lent to visitors: one card is in many hands. Pure."""

from typing import NamedTuple

from cloud.visitors.visit import Pass, counts_for


class Carried(NamedTuple):
    """A card was promised by this pass; ``mine``: to the person it is about."""

    given: Pass
    mine: bool


class Lent(NamedTuple):
    """Cards that stand in passes. ``owned``: (site, card) that are the person's own when nobody has them by a pass."""

    carried: tuple[Carried, ...] = ()
    owned: frozenset[tuple[str, str]] = frozenset()

    @property
    def cards(self) -> frozenset[str]:
        """Their keys."""
        return frozenset(each.given.card_key for each in self.carried)

    def was_mine(self, site: str, card: str, at: int) -> bool:
        """Whether the person carried the card then: by the pass whose window is nearest, of those that count."""
        of_card = (each for each in self.carried if each.given.card_key == card and each.given.site == site)
        fitting = [each for each in of_card if counts_for(each.given, at)]
        if not fitting:
            return (site, card) in self.owned
        return min(fitting, key=lambda each: (_away(each.given, at), -each.given.from_at)).mine


def _away(given: Pass, at: int) -> int:
    return max(given.from_at - at, at - given.until_at + 1, 0)
