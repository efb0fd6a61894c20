"""The classes of what is kept of people, and for how long. One line each; ``docs/PRIVACY.md`` is tested against it."""

from typing import NamedTuple


class Kept(NamedTuple):
    """A class. ``setting``: of ``[retention]``; ``days``: without one, 0 for ever; ``basis``: why it is held at all."""

    name: str
    setting: str
    days: int
    basis: str


CLASSES: tuple[Kept, ...] = (
    Kept("access", "access_days", 90, "who passed which door or gate, by card key or plate"),
    Kept("tracks", "tracks_days", 60, "positions, trips and their drivers"),
    Kept("visitors", "visitors_days", 90, "visitors' passes, and who booked a room"),
    Kept("requests", "requests_days", 365, "who asked for what, drove and judged"),
    Kept("console", "console_days", 60, "timeline and time machine; never longer than the shortest of the others"),
    Kept("audit", "audit_days", 400, "who did what in the collector"),
    Kept("energy", "energy_days", 0, "quarter hours of meters; nobody is named"),
    Kept("readings", "raw_days", 400, "readings but positions; nobody is named"),
)
OF_PEOPLE = ("access", "tracks", "visitors", "requests")
"""Those that the rounds of retention work on, in this order; the others are forgotten where they are kept."""
