"""A vehicle's days as they are kept: what the steps of a day add up to, live and when a day is worked out anew."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cloud.assets.contract import AssetKey, Roster
from cloud.fleet.fixes import Sample
from cloud.fleet.rules import FINDINGS, Finding, Yard
from cloud.fleet.step import DayDone, Midnight, Note, Outcome, TripDone, VehicleState, advance, day_of, step
from cloud.registry.trip_book import StoredDay, StoredTrip

JOURNAL_KINDS = (
    "trip_started",
    "trip_ended",
    "fence_entered",
    "fence_left",
    "driver_changed",
    "card_unknown",
    "sealing_began",
    "sealing_ended",
    *FINDINGS,
    *(f"{kind}_ended" for kind in FINDINGS),
)
"""What a vehicle's day writes into the journal, and takes out of it when it is worked out anew."""


class Found(NamedTuple):
    """A finding of a day. until: None while it holds."""

    kind: str
    since: int
    until: int | None
    facts: Mapping[str, str | int | float | bool | None]


class DayResult(NamedTuple):
    """All that came of a day."""

    day: int
    day_end: int
    began: VehicleState
    done: DayDone
    trips: tuple[TripDone, ...]
    findings: tuple[Found, ...]
    notes: tuple[Note, ...]


class Account:
    """Adds up one day. ``began``: the state before its first sample."""

    def __init__(self, began: VehicleState) -> None:
        self.began = began
        self.trips: list[TripDone] = []
        self.findings: list[Found] = []
        self.notes: list[Note] = []

    def take(self, outcomes: Iterable[Outcome]) -> list[DayResult]:
        """What came of a step; the days that ended by it."""
        ended: list[DayResult] = []
        for outcome in outcomes:
            if isinstance(outcome, TripDone):
                self.trips.append(outcome)
            elif isinstance(outcome, Note):
                self.notes.append(outcome)
            elif isinstance(outcome, Midnight):
                ended.append(self.result(outcome.done))
                self.began, self.trips, self.findings, self.notes = outcome.state, [], [], []
            elif not outcome.ended:
                finding = outcome.finding
                self.findings.append(Found(finding.kind, finding.since, None, finding.facts))
            else:
                self._end(outcome.finding, outcome.at)
        return ended

    def result(self, done: DayDone) -> DayResult:
        """The day so far."""
        began = self.began
        return DayResult(
            began.day, began.day_end, began, done, tuple(self.trips), tuple(self.findings), tuple(self.notes)
        )

    def _end(self, finding: Finding, at: int) -> None:
        ended = Found(finding.kind, finding.since, at, finding.facts)
        for index, found in enumerate(self.findings):
            if found.kind == finding.kind and found.until is None:
                self.findings[index] = ended
                return
        self.findings.append(ended)


def work_out(
    began: VehicleState, samples: Sequence[Sample], until: int, yard: Yard, roster: Roster
) -> tuple[VehicleState, list[DayResult], Account]:
    """Step these samples and let time pass to ``until``: the state then, days that ended, and the one under way."""
    state, account = began, Account(began)
    ended: list[DayResult] = []
    for sample in samples:
        state, outcomes = step(state, sample, yard, roster)
        if outcomes:
            ended += account.take(outcomes)
    state, outcomes = advance(state, until, yard)
    ended += account.take(outcomes)
    return state, ended, account


def stored(key: AssetKey, result: DayResult) -> StoredDay:
    """The day as the registry keeps it."""
    trips = tuple(
        StoredTrip(key.site, key.id, trip.started_at, trip.ended_at, msgspec.json.encode(trip._asdict()).decode())
        for trip in result.trips
    )
    return StoredDay(
        key.site,
        key.id,
        result.day,
        msgspec.json.encode(result.done).decode(),
        msgspec.json.encode(result.began).decode(),
        msgspec.json.encode(result.findings).decode(),
        trips,
    )


def began_of(day: StoredDay) -> VehicleState | None:
    """The state a kept day began with; None when an older version wrote it."""
    try:
        return msgspec.json.decode(day.began, type=VehicleState)
    except msgspec.MsgspecError:
        return None


def done_of(day: StoredDay) -> DayDone | None:
    """What a kept day came to; None when an older version wrote it."""
    try:
        return msgspec.json.decode(day.done, type=DayDone)
    except msgspec.MsgspecError:
        return None


def findings_of(day: StoredDay) -> list[Found]:
    """What was found in a kept day."""
    try:
        return msgspec.json.decode(day.findings, type=list[Found])
    except msgspec.MsgspecError:
        return []


def under_way(account: Account, state: VehicleState) -> DayResult:
    """The day that has not ended."""
    return account.result(day_of(state))
