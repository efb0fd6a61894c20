"""What legal holds keep from a deletion: the person, or single records by class, site and text. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cloud.privacy.contract import Found, Subject
from cloud.privacy.plates import is_plate, plate_in_text

CLASS_OF: Mapping[str, str] = {
    "requests": "requests",
    "request_history": "requests",
    "bookings": "visitors",
    "visits": "visitors",
    "passes": "visitors",
    "access": "access",
    "trips": "tracks",
}
"""Of a source or a table; what is of no class is held by a hold that names none."""
HELD = "there is a legal hold on it: see Settings > Retention"


class HeldPart(NamedTuple):
    """A hold; empty and None stand for all. ``person``: with the phones, plates and cards they are known by, too."""

    kept: str
    site: str
    person: Subject | None
    reason: str


class Holding:
    """The holds there are."""

    def __init__(self, parts: Sequence[HeldPart]) -> None:
        self.parts = parts

    def on(self, subject: Subject) -> str | None:
        """The reason of a hold on just this person."""
        return next((each.reason for each in self.parts if each.person and _are_one(each.person, subject)), None)

    def holds(self, source: str, record: Found) -> bool:
        """Whether this record is held."""
        kept = CLASS_OF.get(str(record.facts.get("table") or source), "")
        site = str(record.facts.get("site") or str(record.facts.get("source") or "").partition("/")[0])
        return any(
            each.kept in ("", kept) and each.site in ("", site) and _names(record, site, each.person)
            for each in self.parts
        )


def _are_one(one: Subject, other: Subject) -> bool:
    return bool(
        one.people & other.people
        or one.phone & other.phone
        or one.card & other.card
        or one.plain_plates & other.plain_plates
    )


def _names(record: Found, site: str, person: Subject | None) -> bool:
    if person is None:
        return True
    carried = {card for card in person.lent.cards if person.lent.was_mine(site, card, record.at)}
    words = person.words | carried
    inside = [re.escape(word) for word in words if len(word) > 1] + [
        plate_in_text(each) for each in person.plain_plates
    ]
    pattern = re.compile("|".join(inside), re.IGNORECASE) if inside else None
    return any(
        text in words or is_plate(text, person.plain_plates) or (pattern is not None and pattern.search(text))
        for text in _texts(record.facts)
    )


def _texts(value: object) -> Iterator[str]:
    """Every text in it, and in JSON that stands as a text."""
    if isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            try:
                yield from _texts(json.loads(value))
            except ValueError:
                return
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
