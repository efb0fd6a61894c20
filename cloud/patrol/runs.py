"""One run of a route, judged from the scans there are: pure, the order in which scans arrive does not matter."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from cloud.patrol.routes import MINUTE_MS, Checkpoint, Route
from cloud.places.chronicle import Entry

DUE, DONE, EARLY, LATE, MISSED, OUT_OF_ORDER = "due", "done", "early", "late", "missed", "out_of_order"
PLANNED, UNDER_WAY, OVERDUE = "planned", "under_way", "late"

EARLY_MS = 10 * MINUTE_MS
"""A scan so long before its window is early; before that it belongs to something else."""
LATE_MS = 60 * MINUTE_MS
"""A scan so long after its window still counts, as late; its alarm ends with it."""


class Scan(NamedTuple):
    """A guard was at a checkpoint."""

    at: int
    checkpoint: str
    guard: str


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint of a run. Times are ms."""

    id: str
    name: str
    from_at: int
    until_at: int
    at: int | None
    state: str
    guard: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """How a run went, or goes.

    state: planned; under_way: a checkpoint was reached; late: nobody has begun it in time, or a window closed on a
    checkpoint nobody reached, while the run can still go on; done: all were reached, in whatever way; missed: it is
    over and a checkpoint was not reached.
    """

    id: str
    site: str
    route: str
    name: str
    from_at: int
    until_at: int
    guard: str
    state: str
    checkpoints: tuple[Point, ...]

    @property
    def done(self) -> int:
        """Checkpoints that were reached."""
        return sum(point.at is not None for point in self.checkpoints)

    @property
    def next(self) -> Point | None:
        """The first checkpoint nobody reached yet and somebody still may."""
        return next((point for point in self.checkpoints if point.state == DUE), None)


def judge(route: Route, site: str, starts: int, scans: Sequence[Scan], now: int) -> Run:
    """The run that begins at ``starts``, by what is known at ``now``."""
    ends = starts + route.length_ms
    allowed = [scan for scan in sorted(scans) if not route.guards or scan.guard in route.guards]
    taken = [_fitting(point, starts, allowed) for point in route.checkpoints]
    reached_before = -1
    points = []
    for point, scan in zip(route.checkpoints, taken, strict=True):
        from_at, until_at = starts + point.from_min * MINUTE_MS, starts + point.until_min * MINUTE_MS
        state = DUE if now < until_at else MISSED
        if scan is not None:
            state = EARLY if scan.at < from_at else LATE if scan.at >= until_at else DONE
            if route.ordered and scan.at < reached_before:
                state = OUT_OF_ORDER
            reached_before = max(reached_before, scan.at)
        points.append(
            Point(
                id=point.id,
                name=point.name,
                from_at=from_at,
                until_at=until_at,
                at=scan.at if scan else None,
                state=state,
                guard=scan.guard if scan else "",
            )
        )
    first = min((scan for scan in taken if scan is not None), default=None)
    guard = first.guard if first else (route.guards[0] if len(route.guards) == 1 else "")
    return Run(
        id=run_id(route.id, starts),
        site=site,
        route=route.id,
        name=route.name,
        from_at=starts,
        until_at=ends,
        guard=guard,
        state=_state(route, points, starts, ends, now),
        checkpoints=tuple(points),
    )


def run_id(route: str, starts: int) -> str:
    """Names a run of a route for ever."""
    return f"{route}-{starts // MINUTE_MS}"


def entries(run: Run) -> list[Entry]:
    """What the journal holds of a run. ``missed`` stands at the instant at which the window closed."""
    told = []
    for point in run.checkpoints:
        facts = {"run": run.id, "route": run.name, "checkpoint": point.name, "guard": point.guard}
        if point.at is not None:
            told.append(Entry(point.at, "checkpoint", {**facts, "state": point.state}))
            if point.state == LATE:
                told.append(Entry(point.until_at, "checkpoint", {**facts, "state": MISSED, "guard": run.guard}))
        elif point.state == MISSED:
            told.append(Entry(point.until_at, "checkpoint", {**facts, "state": MISSED, "guard": run.guard}))
    return sorted(told, key=lambda entry: (entry.at, str(entry.facts["checkpoint"]), str(entry.facts["state"])))


def not_begun(route: Route, run: Run, now: int) -> bool:
    """Whether somebody should be sent, because nobody has begun a run that can still be made."""
    return run.done == 0 and run.from_at + route.begin_within_min * MINUTE_MS <= now < run.until_at


def missing(run: Run, now: int) -> list[Point]:
    """Checkpoints to act on: their window closed without anybody, at most an hour after the run."""
    if now >= run.until_at + LATE_MS:
        return []
    return [point for point in run.checkpoints if point.state == MISSED]


def _fitting(point: Checkpoint, starts: int, scans: Sequence[Scan]) -> Scan | None:
    """The first scan in the window, else the last one shortly before it, else the first one after it."""
    from_at, until_at = starts + point.from_min * MINUTE_MS, starts + point.until_min * MINUTE_MS
    mine = [scan for scan in scans if scan.checkpoint == point.id]
    inside = [scan for scan in mine if from_at <= scan.at < until_at]
    before = [scan for scan in mine if from_at - EARLY_MS <= scan.at < from_at]
    after = [scan for scan in mine if until_at <= scan.at < until_at + LATE_MS]
    if inside:
        return inside[0]
    if before:
        return before[-1]
    return after[0] if after else None


def _state(route: Route, points: Sequence[Point], starts: int, ends: int, now: int) -> str:
    reached = sum(point.at is not None for point in points)
    if reached == len(points):
        return "done"
    if now >= ends:
        return "missed"
    if any(point.state == MISSED for point in points):
        return OVERDUE
    if reached:
        return UNDER_WAY
    return OVERDUE if now >= starts + route.begin_within_min * MINUTE_MS else PLANNED
