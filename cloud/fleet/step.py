"""One vehicle through its days: samples in the order of their times go in, what came of them comes out.

``advance`` and ``step`` are pure: the same state and the same samples give the same, live or from the store. A day
(the site's midnight to midnight) begins with totals of nothing; all else goes on through midnight.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from cloud.assets.contract import Asset, Roster
from cloud.fleet import rules
from cloud.fleet.fences import Entered, Fences, Passage, pass_fences
from cloud.fleet.fixes import READER, Cleaner, Counts, Heard, Sample, clean, hear
from cloud.fleet.mileage import NONE, Mileage, Totals, best, drive
from cloud.fleet.rules import Now, Turn, Watch, Yard
from cloud.fleet.trips import Began, Happening, Journey, Trip, move, next_day, rest, rest_due, stands, steady

LOOK_MS = 10_000
"""While fixes come, rules are judged so often, and whenever something happened."""

Facts = Mapping[str, object]


class Driver(NamedTuple):
    """Who last held a card to the vehicle's reader."""

    id: str
    name: str
    at: int


class VehicleState(msgspec.Struct, frozen=True):
    """All that is remembered of a vehicle. ``stepped_at``: everything up to then is in."""

    day: int = 0
    day_end: int = 0
    stepped_at: int = 0
    heard: Heard = Heard()
    cleaner: Cleaner = Cleaner()
    mileage: Mileage = Mileage()
    journey: Journey = Journey()
    fences: Fences = Fences()
    watch: Watch = Watch()
    driver: Driver | None = None
    due_at: int | None = None
    looked_at: int = 0
    first_fix_at: int | None = None


class TripDone(NamedTuple):
    """A trip as it is kept. km by the best source. known_at: when its end was certain."""

    started_at: int
    ended_at: int
    from_: tuple[float, float]
    to: tuple[float, float]
    from_name: str
    to_name: str
    km: float
    source: str
    max_kmh: float
    gap: bool
    driver: str
    driver_name: str
    request: str
    known_at: int


class DayDone(NamedTuple):
    """A day of a vehicle, or what there is of it."""

    day: int
    totals: Totals
    counts: Counts
    first_fix_at: int | None
    last_fix_at: int | None


class Note(NamedTuple):
    """A line of the journal."""

    kind: str
    at: int
    facts: Facts


class Midnight(NamedTuple):
    """A day ended, and with what state the next one begins."""

    done: DayDone
    state: VehicleState


Outcome = TripDone | Note | Turn | Midnight


def day_of(state: VehicleState) -> DayDone:
    """The day under way."""
    last = state.cleaner.last
    last_at = last.at if last is not None and last.at >= state.day else None
    return DayDone(state.day, state.mileage.totals, state.cleaner.counts, state.first_fix_at, last_at)


def begin(at: int, yard: Yard) -> VehicleState:
    """A vehicle of which nothing is known, on the day of this instant."""
    day, day_end = yard.calendar.day_of(yard.site, at)
    return VehicleState(day, day_end, day - 1, due_at=day_end)


def advance(state: VehicleState, until: int, yard: Yard) -> tuple[VehicleState, list[Outcome]]:
    """Let time pass up to and with ``until``: what falls due without a sample."""
    outcomes: list[Outcome] = []
    while state.due_at is not None and state.due_at <= until:
        state = _fall_due(state, state.due_at, yard, outcomes)
    return state, outcomes


def step(state: VehicleState, sample: Sample, yard: Yard, roster: Roster) -> tuple[VehicleState, list[Outcome]]:
    """Take the next sample, not older than ``stepped_at``. One of the future (its clock is wrong) changes nothing."""
    outcomes: list[Outcome] = []
    if sample.at > sample.received_at + yard.settings.future_max_s * 1000:
        return state, outcomes
    while state.due_at is not None and state.due_at <= sample.at:
        state = _fall_due(state, state.due_at, yard, outcomes)
    if sample.role == READER:
        driver = _driver(state, sample, yard, roster, outcomes)
        return _with(state, driver=driver, stepped_at=sample.at), outcomes
    heard, fix = hear(state.heard, sample)
    if fix is None:
        return _with(state, heard=heard, stepped_at=sample.at), outcomes
    cleaner, accepted = clean(state.cleaner, fix, sample.received_at, yard.settings)
    mileage, journey, fences = state.mileage, state.journey, state.fences
    first_fix_at, happened = state.first_fix_at, False
    for one in accepted:
        first_fix_at = first_fix_at or one.at
        mileage = drive(mileage, one, stands(journey, one, yard.settings), yard.settings)
        journey, moves = move(journey, one, mileage.totals, yard.settings)
        fences, passages = pass_fences(fences, steady(journey, one, yard.settings), yard.shapes, yard.settings)
        if moves or passages:
            happened = True
            for each in moves:
                _take_move(each, one.at, state, yard, outcomes)
            for passage in passages:
                outcomes.append(_fence_note(passage, yard, state.day))
    after = VehicleState(
        state.day,
        state.day_end,
        sample.at,
        heard,
        cleaner,
        mileage,
        journey,
        fences,
        state.watch,
        state.driver,
        state.due_at,
        state.looked_at,
        first_fix_at,
    )
    if accepted and (happened or sample.at - state.looked_at >= LOOK_MS):
        after = _look(after, sample.at, yard, outcomes)
    elif accepted and journey.moving:
        due_at = rest_due(journey, yard.settings)
        if due_at is not None and (after.due_at is None or after.due_at < due_at):
            after = _due_again(after, sample.at, yard)
    return after, outcomes


def _fall_due(state: VehicleState, at: int, yard: Yard, outcomes: list[Outcome]) -> VehicleState:
    if at >= state.day_end:
        return _midnight(state, yard, outcomes)
    resting = rest_due(state.journey, yard.settings)
    if resting is not None and resting <= at:
        journey, moves = rest(state.journey)
        for each in moves:
            _take_move(each, at, state, yard, outcomes)
        state = _with(state, journey=journey)
    return _look(_with(state, stepped_at=max(state.stepped_at, at - 1)), at, yard, outcomes)


def _midnight(state: VehicleState, yard: Yard, outcomes: list[Outcome]) -> VehicleState:
    done = day_of(state)
    day, day_end = yard.calendar.day_of(yard.site, state.day_end)
    mileage = msgspec.structs.replace(state.mileage, totals=NONE)
    journey = next_day(state.journey, state.mileage.totals)
    cleaner = Cleaner(state.cleaner.last, state.cleaner.held)
    after = _with(state, day=day, day_end=day_end, mileage=mileage, journey=journey, cleaner=cleaner, first_fix_at=None)
    # What begins with the new day (a sealed period) is found in it, not in the old one.
    after = _with(after, due_at=day, stepped_at=max(state.stepped_at, day - 1))
    outcomes.append(Midnight(done, after))
    return after


def _look(state: VehicleState, at: int, yard: Yard, outcomes: list[Outcome]) -> VehicleState:
    now = Now(at, state.journey, state.fences)
    watch, turns = rules.judge(state.watch, now, yard)
    if watch.sealed != state.watch.sealed:
        outcomes.append(_seal_note(state, watch, now, yard))
    for turn in turns:
        facts = turn.finding.facts
        if state.driver is not None:
            facts = {**facts, "driver": state.driver.name}
        outcomes.append(turn)
        kind = f"{turn.finding.kind}_ended" if turn.ended else turn.finding.kind
        outcomes.append(Note(kind, max(turn.at, state.day), {**facts, "since": turn.finding.since}))
    return _due_again(_with(state, watch=watch, looked_at=at), at, yard)


def _due_again(state: VehicleState, at: int, yard: Yard) -> VehicleState:
    times = [state.day_end]
    resting = rest_due(state.journey, yard.settings)
    if resting is not None:
        times.append(resting)
    judged = rules.due(state.watch, Now(at, state.journey, state.fences), yard)
    if judged is not None:
        times.append(judged)
    return _with(state, due_at=min(times))


def _take_move(move_: Happening, at: int, state: VehicleState, yard: Yard, outcomes: list[Outcome]) -> None:
    where = yard.map.where
    if isinstance(move_, Began):
        start = move_.start
        facts: dict[str, object] = {"from": where(yard.site, start.spot), "since": start.at}
        facts["driver"] = state.driver.name if state.driver else ""
        outcomes.append(Note("trip_started", max(start.at, state.day), facts))
    elif isinstance(move_, Trip):
        done = _trip_done(move_, at, state, yard)
        outcomes.append(done)
        facts = {"trip": trip_id(yard.asset, done.started_at), "to": done.to_name, "km": done.km, "source": done.source}
        if move_.gap:
            outcomes.append(
                Note("trip_started", max(done.started_at, state.day), {"from": done.from_name, "gap": True})
            )
        outcomes.append(Note("trip_ended", max(done.ended_at, state.day), facts))


def _trip_done(trip: Trip, at: int, state: VehicleState, yard: Yard) -> TripDone:
    distance = best(trip.totals)
    driver = state.driver
    orders = yard.orders.of(yard.asset.key, trip.start.at, trip.end.at + 1)
    return TripDone(
        trip.start.at,
        trip.end.at,
        (trip.start.spot.latitude, trip.start.spot.longitude),
        (trip.end.spot.latitude, trip.end.spot.longitude),
        yard.map.where(yard.site, trip.start.spot),
        yard.map.where(yard.site, trip.end.spot),
        round(distance.km, 3),
        distance.source,
        round(trip.max_kmh, 1),
        trip.gap,
        driver.id if driver else "",
        driver.name if driver else yard.asset.text("driver"),
        orders[0].request if orders else "",
        at,
    )


def trip_id(asset: Asset, started_at: int) -> str:
    """Names a trip for ever: working it out anew gives the same."""
    return f"{asset.key.site}.{asset.key.id}.{started_at}"


def _fence_note(passage: Passage, yard: Yard, day: int) -> Note:
    facts: dict[str, object]
    if isinstance(passage, Entered):
        kind, facts = "fence_entered", {"fence": passage.fence, "estimated": passage.estimated}
        at = passage.at
    else:
        kind, at = "fence_left", passage.at
        facts = {"fence": passage.fence, "since": passage.since, "estimated": passage.estimated}
    shape = yard.shapes.by_id.get(str(facts["fence"]))
    return Note(kind, max(at, day), {**facts, "name": shape.fence.name if shape else facts["fence"]})


def _seal_note(state: VehicleState, watch: Watch, now: Now, yard: Yard) -> Note:
    """The checklist at the beginning and the end of a sealed period."""
    km, last = best(state.mileage.totals).km, state.heard.odometer
    facts = {
        "seal": watch.sealed or state.watch.sealed,
        "home": rules.at_home(now, yard),
        "where": yard.map.where(yard.site, now.spot) if now.spot else "",
        "odometer_km": last.value if last else None,
        "km_today": round(km, 3),
    }
    return Note("sealing_began" if watch.sealed else "sealing_ended", max(now.at, state.day), facts)


def _driver(state: VehicleState, sample: Sample, yard: Yard, roster: Roster, outcomes: list[Outcome]) -> Driver | None:
    person = roster.by_card(yard.site, sample.card)
    if person is None:
        outcomes.append(Note("card_unknown", sample.at, {"reader": sample.device}))
        return state.driver
    if state.driver is None or state.driver.id != person.key.id:
        outcomes.append(Note("driver_changed", sample.at, {"driver": person.key.id, "name": person.name}))
    return Driver(person.key.id, person.name, sample.at)


def _with(state: VehicleState, **changed: object) -> VehicleState:
    return msgspec.structs.replace(state, **changed)
