"""Drafts into sealed payloads, and untimed items back into drafts. Pure; runs in the buffer's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from edge.buffer import Draft, KeptBatch, Kind, Retiming, Seal
from protocols.batch import Batch, Identity, seal
from protocols.errors import BadBatch
from protocols.reading import TIME_UNCERTAIN, Event, Quality, Reading

READINGS_PER_BATCH = 20_000
EVENTS_PER_BATCH = 500


class Sealed(NamedTuple):
    """A batch ready to be stored, with the span of its times."""

    batch: KeptBatch
    from_at: int
    to_at: int


def sealer(gateway: str) -> Seal:
    """The seal of one gateway, binary form."""

    def seal_draft(identity: Identity, draft: Draft, sealed_at: int) -> bytes:
        return seal(identity.epoch, identity.seq, draft.readings, draft.events, gateway=gateway, sealed_at=sealed_at)

    return seal_draft


class Places:
    """Gives out places and the identities that belong to them."""

    def __init__(self, base: int, epoch: str, last: int) -> None:
        self.base, self.epoch, self.last = base, epoch, last

    def next(self) -> tuple[int, Identity]:
        """The next place and name, not yet used up."""
        return self.last + 1, Identity(self.epoch, self.last + 1 - self.base)

    def use(self) -> None:
        """The next place is taken now."""
        self.last += 1


def seal_all(
    drafts: Sequence[Draft], places: Places, seal_one: Seal, sealed_at: int
) -> tuple[list[Sealed], list[Event | Reading]]:
    """Seal drafts in order, splitting what is too large for one batch. Returns also what no batch can carry."""
    done: list[Sealed] = []
    refused: list[Event | Reading] = []
    waiting = [part for draft in reversed(drafts) for part in reversed(_portions(draft))]
    while waiting:
        draft = waiting.pop()
        place, identity = places.next()
        try:
            payload = seal_one(identity, draft, sealed_at)
        except (BadBatch, TypeError, ValueError, OverflowError):
            # Too large, or a defect in a driver let something through that is no reading: its neighbours go on.
            if len(draft.readings) + len(draft.events) <= 1:
                refused += [*draft.readings, *draft.events]
            else:
                waiting += reversed(_halves(draft))
            continue
        places.use()
        counts = len(draft.readings), len(draft.events)
        batch = KeptBatch(place, identity, draft.kind, *counts, sealed_at, payload)
        done.append(Sealed(batch, *_span(draft)))
    return done, refused


def _portions(draft: Draft) -> list[Draft]:
    if len(draft.readings) <= READINGS_PER_BATCH and len(draft.events) <= EVENTS_PER_BATCH:
        return [draft] if draft.readings or draft.events else []
    readings = [
        Draft(draft.kind, readings=draft.readings[start : start + READINGS_PER_BATCH])
        for start in range(0, len(draft.readings), READINGS_PER_BATCH)
    ]
    events = [
        Draft(draft.kind, events=draft.events[start : start + EVENTS_PER_BATCH])
        for start in range(0, len(draft.events), EVENTS_PER_BATCH)
    ]
    return readings + events


def _halves(draft: Draft) -> list[Draft]:
    if draft.readings and draft.events:
        return [Draft(draft.kind, readings=draft.readings), Draft(draft.kind, events=draft.events)]
    middle = (len(draft.readings) + len(draft.events)) // 2
    return [
        Draft(draft.kind, draft.readings[:middle], draft.events[:middle]),
        Draft(draft.kind, draft.readings[middle:], draft.events[middle:]),
    ]


def _span(draft: Draft) -> tuple[int, int]:
    times = [reading.observed_at for reading in draft.readings] or [event.at for event in draft.events]
    return min(times), max(times)


def retimed(batches: Sequence[Batch], retiming: Retiming) -> list[Draft]:
    """Untimed items with their time: first all events, then all readings, each in the order they came."""
    shift = retiming.shift_ms
    doubt = TIME_UNCERTAIN if retiming.uncertain else ""
    events = [
        msgspec.structs.replace(event, at=event.at + shift, reason=event.reason or doubt)
        for batch in batches
        for event in batch.events
    ]
    move: Callable[[Reading], Reading] = _doubtful(shift) if retiming.uncertain else _certain(shift)
    readings = [move(reading) for batch in batches for reading in batch.readings()]
    drafts = [Draft(Kind.EVENTS, events=events), Draft(Kind.TELEMETRY, readings=readings)]
    return [draft for draft in drafts if draft.readings or draft.events]


def _certain(shift: int) -> Callable[[Reading], Reading]:
    return lambda r: Reading(r.device, r.point, r.value, r.observed_at + shift, r.quality, r.reason)


def _doubtful(shift: int) -> Callable[[Reading], Reading]:
    def move(r: Reading) -> Reading:
        if r.quality is Quality.GOOD:
            return Reading(r.device, r.point, r.value, r.observed_at + shift, Quality.UNCERTAIN, TIME_UNCERTAIN)
        return Reading(r.device, r.point, r.value, r.observed_at + shift, r.quality, r.reason)

    return move
