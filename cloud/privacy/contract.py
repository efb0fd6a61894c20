"""What is known of a person, source by source. A new kind of data about people is one more ``Source``, in one file.

Call order: ``find`` says what there is; ``erase`` takes away by id what was found, or empties the parts that name the
person. What erases is also asked again after a backup was put back, with the same ids: those that are not there are
no fault. All raise StoreUnavailable.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from cloud.privacy.lent import Lent
from cloud.visitors.visit import plain_plate
from protocols.errors import Permanent

KINDS = ("user", "name", "phone", "card", "plate")
GONE = "[deleted]"
"""Stands where somebody's words were, or who did something."""
WORD_MAX = 120
WORDS_MAX = 20
RECORDS_MAX = 20_000
"""Of one source in one answer; more is told as such."""


class BadSubject(Permanent):
    """Nobody is described by this; the message says how it is written."""


class Subject(NamedTuple):
    """A person by what they are known by. Card keys only, never the numbers of cards."""

    user: frozenset[str] = frozenset()
    name: frozenset[str] = frozenset()
    phone: frozenset[str] = frozenset()
    card: frozenset[str] = frozenset()
    plate: frozenset[str] = frozenset()
    lent: Lent = Lent()
    """Cards that stand in visitors' passes, and so are no words of one person: told apart before sources are asked."""

    @property
    def words(self) -> frozenset[str]:
        """All of it."""
        return self.user | self.name | self.phone | self.card | self.plate

    @property
    def plain_plates(self) -> frozenset[str]:
        """Plates as they are compared: however somebody or a camera wrote them."""
        return frozenset(plain_plate(each) for each in self.plate) - {""}

    @property
    def people(self) -> frozenset[str]:
        """What stands where a person is named."""
        return self.user | self.name


def subject_of(words: Sequence[str]) -> Subject:
    """Read ``user:li``, ``name:Li Wei``, ``phone:139...``, ``card:<card key>``, ``plate:...``. Raises BadSubject."""
    if not 1 <= len(words) <= WORDS_MAX:
        raise BadSubject(f"a person is 1 to {WORDS_MAX} of {', '.join(f'{kind}:...' for kind in KINDS)}")
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for text in words:
        kind, colon, word = text.partition(":")
        word = word.strip()
        if not colon or kind not in found or not word or len(word) > WORD_MAX or not word.isprintable():
            shown = text[:40]
            raise BadSubject(f"{shown!r} names nobody; write {', '.join(f'{kind}:...' for kind in KINDS)}")
        found[kind].add(word.lower() if kind == "user" else word)
    user, name, phone, card, plate = (frozenset(found[kind]) for kind in KINDS)
    return Subject(user, name, phone, card, plate)


def written(subject: Subject) -> str:
    """The first word of a person as it is kept: ``user:li``, however it was typed."""
    return next(f"{kind}:{word}" for kind in KINDS for word in sorted(getattr(subject, kind)))


class Found(NamedTuple):
    """One record about the person. ``stays``: why it is not deleted, empty when it is. ``facts`` go into an export."""

    id: str
    at: int
    facts: Mapping[str, object]
    stays: str = ""


class Source(Protocol):
    """One kind of data about people. ``name`` is its file in an export.

    Where it is not sure that a record is about this person (words in which a name stands) the source is *asked*: it
    finds, and what goes of it is chosen by somebody who has read it.
    """

    name: str

    async def find(self, subject: Subject) -> list[Found]:
        """What is held on this person, the oldest first, at most ``RECORDS_MAX``."""
        ...

    async def erase(self, ids: Sequence[str]) -> int:
        """Take away what bears these ids; how many there were. Never what ``find`` said stays."""
        ...
