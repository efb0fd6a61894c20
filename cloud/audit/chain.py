"""The arithmetic of the trail: each record is sealed together with the one before it, by a key kept elsewhere.

Pure: opens nothing. A record changed, taken out, put in or moved no longer fits what follows it; a tail that was cut
off, or a whole file put in the place of another, no longer fits the checkpoints that were sealed beside it.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import msgspec

BEGINNING = "0" * 64
"""What stands before the first record."""


class Record(NamedTuple):
    """One thing that somebody did. ``number`` counts from 1 without gaps; ``facts`` is JSON as it was written."""

    number: int
    at: int
    actor: str
    via: str
    client: str
    action: str
    site: str
    reason: str
    facts: str


class Sealed(NamedTuple):
    """A record and its seal."""

    record: Record
    seal: str


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far the chain went at an instant, kept in a second place. ``sign`` is by the key as well."""

    number: int
    seal: str
    at: int
    sign: str


class Removed(NamedTuple):
    """The records up to ``number`` were forgotten, as they were too old; ``seal`` was the last one's."""

    number: int = 0
    seal: str = BEGINNING
    sign: str = ""


class Verdict(NamedTuple):
    """What a check found. ``bad`` is the number of the first record that is not as it was written; None for none."""

    records: int
    bad: int | None = None
    what: str = ""


def seal_of(key: bytes, before: str, record: Record) -> str:
    """The seal of a record that follows the one sealed ``before``."""
    return _hmac(key, b"record", before, *record)


def checkpoint_of(key: bytes, number: int, seal: str, at: int) -> Checkpoint:
    """A checkpoint, signed."""
    return Checkpoint(number, seal, at, _hmac(key, b"checkpoint", number, seal, at))


def is_signed(key: bytes, checkpoint: Checkpoint) -> bool:
    """Whether this key signed it."""
    number, seal, at = checkpoint.number, checkpoint.seal, checkpoint.at
    return hmac.compare_digest(checkpoint.sign, checkpoint_of(key, number, seal, at).sign)


def removed_of(key: bytes, number: int, seal: str) -> Removed:
    """The statement that records were forgotten, signed."""
    return Removed(number, seal, _hmac(key, b"removed", number, seal))


class Check:
    """Follows a chain from its first kept record to its end, and holds the checkpoints against it.

    ``take`` each record in turn until ``found`` something; ``end`` says what came of it all.
    """

    def __init__(self, key: bytes, removed: Removed, checkpoints: Sequence[Checkpoint]) -> None:
        self.found: Verdict | None = None
        self._key, self._count, self._last, self._before = key, 0, removed.number, removed.seal
        self._signed: dict[int, str] = {}
        """By the first checkpoint of each number: one that says otherwise was made after the end was cut off."""
        self._twice: int | None = None
        if removed.number and not hmac.compare_digest(removed.sign, removed_of(key, removed.number, removed.seal).sign):
            self._blame(removed.number + 1, "the statement of which records were forgotten is not signed by this key")
        for each in checkpoints:
            if not is_signed(key, each):
                self._blame(each.number, "a checkpoint is not signed by this key: it, or the key, was exchanged")
            if self._signed.setdefault(each.number, each.seal) != each.seal and self._twice is None:
                self._twice = each.number

    def take(self, sealed: Sealed) -> None:
        """The next record."""
        record, seal = sealed
        if self.found is not None:
            return
        if record.number != self._last + 1:
            self._blame(self._last + 1, f"it is missing; the next one is number {record.number}")
        elif not hmac.compare_digest(seal, seal_of(self._key, self._before, record)):
            self._blame(record.number, "it is not as it was written, or what stood before it is not")
        elif self._signed.get(record.number, seal) != seal:
            self._blame(record.number, "another record stood here when the checkpoint was signed")
        else:
            self._count, self._last, self._before = self._count + 1, record.number, seal

    def end(self) -> Verdict:
        """What came of it, after the last record."""
        furthest = max(self._signed, default=0)
        if furthest > self._last:
            self._blame(self._last + 1, f"the end is missing: a checkpoint knows {furthest} records")
        elif self._twice is not None:
            self._blame(self._twice, "two checkpoints tell of different records here: the end was replaced")
        elif self._count and not self._signed:
            self._blame(self._last, "there is no checkpoint: whether the end is missing cannot be told")
        return self.found or Verdict(self._count)

    def _blame(self, number: int, what: str) -> None:
        if self.found is None:
            self.found = Verdict(self._count, number, what)


def _hmac(key: bytes, kind: bytes, *parts: object) -> str:
    return hmac.new(key, kind + b"\n" + msgspec.json.encode(parts), sha256).hexdigest()
