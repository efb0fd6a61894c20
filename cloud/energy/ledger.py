"""The ledger: what was said of closed days, and every later change of it. Nothing in it is ever altered or taken out.

Closing a period posts each day of its meters as it is known then. What is found out afterwards changes nothing by
itself; a person (or a rule a person set) amends: the old entry is reversed and a new one made, under a new version. The
total as of any version is the sum of the entries up to it, and their pages are the intervals it was made of.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from cloud.energy.contract import EnergyFault
from cloud.energy.pages import Total

EntryKind = Literal["posting", "reversal", "correction"]


class DayKey(NamedTuple):
    """A meter's day; ``day`` is its first instant."""

    meter: str
    day: int


class DayPage(NamedTuple):
    """A day as it is known now: its packed intervals, and what they come to."""

    page: bytes
    total: Total


class Deed(NamedTuple):
    """Who changed the ledger, when and why; ``version`` grows by one with each. ``note``: how the balance stood."""

    version: int
    at: int
    by: str
    why: str
    kind: Literal["close", "amend"]
    note: str = ""


class Entry(NamedTuple):
    """One line. A reversal repeats the entry it takes back, with its amount turned round."""

    number: int
    version: int
    kind: EntryKind
    meter: str
    day: int
    micro: int
    covered_ms: int
    page: bytes

    @property
    def key(self) -> DayKey:
        return DayKey(self.meter, self.day)


def close(standing: Mapping[DayKey, Entry], days: Mapping[DayKey, DayPage], deed: Deed, first: int) -> list[Entry]:
    """Post days that were open. ``first``: the number of the next entry. Raises EnergyFault when one is closed."""
    _check(deed)
    closed = sorted(days.keys() & standing.keys())
    if closed:
        raise EnergyFault(f"{closed[0].meter} is already closed on {len(closed)} of these days; amend them instead")
    found: list[Entry] = []
    for key, (page, total) in sorted(days.items()):
        number = first + len(found)
        found.append(Entry(number, deed.version, "posting", *key, total.micro or 0, total.covered_ms, page))
    return found


def amend(
    standing: Mapping[DayKey, Entry], days: Mapping[DayKey, DayPage], deed: Deed, first: int, *, late: bool = False
) -> list[Entry]:
    """Reverse and post anew each closed day that is known otherwise now. Raises EnergyFault when one was not closed.

    ``late``: days that nothing was known of when their period was closed are posted.
    """
    _check(deed)
    found: list[Entry] = []
    for key, (page, total) in sorted(days.items()):
        old, number = standing.get(key), first + len(found)
        if old is None and late:
            found.append(Entry(number, deed.version, "posting", *key, total.micro or 0, total.covered_ms, page))
            continue
        if old is None:
            raise EnergyFault(f"{key.meter} is not closed on this day; there is nothing to amend")
        if old.page == page:
            continue
        found.append(old._replace(number=number, version=deed.version, kind="reversal", micro=-old.micro,
                                  covered_ms=-old.covered_ms))  # fmt: skip
        found.append(Entry(number + 1, deed.version, "correction", *key, total.micro or 0, total.covered_ms, page))
    return found


def standing(entries: Iterable[Entry], version: int | None = None) -> dict[DayKey, Entry]:
    """What holds of each day as of a version (None: now). ``entries`` by number."""
    found: dict[DayKey, Entry] = {}
    for entry in entries:
        if version is not None and entry.version > version:
            continue
        if entry.kind == "reversal":
            found.pop(entry.key, None)
        else:
            found[entry.key] = entry
    return found


def sum_of(entries: Iterable[Entry], version: int | None = None) -> int:
    """What all entries up to a version come to, in millionths."""
    return sum(entry.micro for entry in entries if version is None or entry.version <= version)


def differences(standing: Mapping[DayKey, Entry], days: Mapping[DayKey, DayPage]) -> dict[DayKey, int]:
    """Closed days that are known otherwise now, with by how much (millionths; 0 when only the shape differs)."""
    return {
        key: (days[key].total.micro or 0) - entry.micro
        for key, entry in standing.items()
        if key in days and days[key].page != entry.page
    }


def _check(deed: Deed) -> None:
    if not deed.by.strip() or not deed.why.strip():
        raise EnergyFault("who changes the ledger says why: `by` and `why` are texts")


def check_numbers(entries: Sequence[Entry]) -> None:
    """Raises EnergyFault when entries at rest do not follow one another: somebody altered them."""
    for place, entry in enumerate(entries):
        if place and entry.number != entries[place - 1].number + 1:
            raise EnergyFault(f"the ledger has no entry {entries[place - 1].number + 1}; it was altered from outside")
