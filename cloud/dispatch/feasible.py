"""Which resource cannot serve which request, and why not. Each reason has a code and says itself in words.

The whole table is worked out at once with numpy; ``explain`` says the same of one pair in detail. The first reason of
``CODES`` that holds is the one that is told.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from cloud.assets.contract import Words
from cloud.dispatch.problem import Candidate, Job, rank_of
from cloud.dispatch.settings import DispatchSettings

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]
D = TypeVar("D")

TEXTS: Mapping[str, tuple[str, str]] = {
    "wrong_site": ("belongs to another site ({site})", "属于其他园区（{site}）"),
    "non_operational": ("out of service{because}", "停用{because}"),
    "non_contactable": ("not contactable: nothing was heard of it for too long", "失联：长时间没有信号"),
    "off_duty": ("off duty", "不在班"),
    "off_shift": ("outside its hours of duty", "不在可用时间内"),
    "unknown_position": ("nobody knows where it is", "位置未知"),
    "seats": ("{need} seats needed, it has {have}", "需要 {need} 座，只有 {have} 座"),
    "class": ("{need} asked for, it is a {have}", "需要车型 {need}，实际为 {have}"),
    "skills": ("lacks {lacking}", "缺少技能：{lacking}"),
    "locked": ("locked to request {request}", "已锁定给请求 {request}"),
    "on_trip_too_long": ("on the way until {until}", "执行任务至 {until}"),
    "rest": ("{hours} h of work without a rest, {limit} h allowed", "已连续工作 {hours} 小时，上限 {limit} 小时"),
    "reserved_overlaps": (
        "reserved {since} to {until} for {request}: not back in time",
        "{since} 至 {until} 已预留给 {request}，来不及返回",
    ),
    "room_booked": ("booked {since} to {until} by {unit}", "{since} 至 {until} 已被{unit}预订"),
}
"""Why not: English and Chinese, over the arguments of ``explain``. In the order in which they are asked."""

FAR_MS = 2 * 3_600_000
"""Who cannot be reached now may well be there for what is wanted later than that."""
UNKNOWN_TRIP_MS = 3_600_000
"""A trip whose end nobody knows is taken to last so long still."""

CODES = ("", *TEXTS)
HARD = frozenset({"wrong_site", "non_operational", "room_booked"})
"""Reasons that no dispatcher can override; the others can be, with a reason."""


class Reason(NamedTuple):
    """Why a resource is left out."""

    code: str
    args: dict[str, str | int | float]

    @property
    def text(self) -> Words:
        en, zh = TEXTS[self.code]
        return {"en": en.format_map(self.args), "zh": zh.format_map(self.args)}


def arrivals(jobs: Sequence[Job], candidates: Sequence[Candidate], travel_s: Floats, now: int) -> Floats:
    """When each candidate (columns) would be at each job (rows), in ms as floats: free, travelled, not too early."""
    free = np.array([free_at(each, now) for each in candidates], np.float64)
    earliest = np.array([job.earliest for job in jobs], np.float64)
    arrival: Floats = np.maximum(free[None, :] + travel_s * 1000, earliest[:, None])
    return arrival


def codes(
    jobs: Sequence[Job],
    candidates: Sequence[Candidate],
    travel_s: Floats,
    now: int,
    settings: DispatchSettings,
) -> Codes:
    """The number in ``CODES`` of the first reason that holds, 0 for none."""
    table = np.zeros((len(jobs), len(candidates)), np.uint8)
    if not jobs or not candidates:
        return table
    soon = np.array([job.earliest - now <= FAR_MS for job in jobs], np.bool_)
    for column, candidate in enumerate(candidates):
        code, only_soon = _of_itself(candidate)
        table[:, column] = np.where(soon | (not only_soon), np.uint8(CODES.index(code)), np.uint8(0))
    for code, holds in _of_pairs(jobs, candidates, travel_s, now, settings):
        number = CODES.index(code)
        table = np.where(holds & ((table == 0) | (table > number)), np.uint8(number), table)
    return table


def explain(
    code: str, job: Job, candidate: Candidate, travel_s: float, now: int, settings: DispatchSettings, zone: ZoneInfo
) -> Reason:
    """The reason with its details."""
    match code:
        case "seats":
            return Reason(code, {"need": job.seats, "have": candidate.seats})
        case "class":
            return Reason(code, {"need": job.vehicle_class, "have": candidate.vehicle_class or "?"})
        case "skills":
            return Reason(code, {"lacking": ", ".join(sorted(job.skills - candidate.skills))})
        case "wrong_site":
            return Reason(code, {"site": candidate.key.site})
        case "non_operational":
            return Reason(code, {"because": f": {candidate.out_of_service}" if candidate.out_of_service else ""})
        case "on_trip_too_long":
            return Reason(code, {"until": "?" if candidate.free_at is None else _clock(candidate.free_at, zone)})
        case "rest":
            worked = (candidate.worked_s + job.work_s) / 3600
            return Reason(code, {"hours": round(worked, 1), "limit": round(settings.drive_max_s / 3600, 1)})
        case "room_booked":
            return _room_reason(job, candidate, travel_s, now, zone)
        case "reserved_overlaps" | "locked":
            return _booked_reason(code, job, candidate, travel_s, now, zone)
        case _:
            return Reason(code, {})


def _of_itself(candidate: Candidate) -> tuple[str, bool]:
    """A reason that has nothing to do with the request, and whether it only counts for requests of the next hours."""
    if candidate.out_of_service or candidate.state in ("non_operational", "out_of_service"):
        return "non_operational", False
    if candidate.state in ("non_contactable", "off_duty"):
        return candidate.state, True
    return "", True


def _of_pairs(
    jobs: Sequence[Job], candidates: Sequence[Candidate], travel_s: Floats, now: int, settings: DispatchSettings
) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    have = np.array([each.seats for each in candidates])
    need = np.array([job.seats for job in jobs])
    worked = np.array([each.worked_s for each in candidates])
    work = np.array([job.work_s for job in jobs])
    begin = arrivals(jobs, candidates, travel_s, now) - travel_s * 1000
    end = begin + (travel_s + work[:, None]) * 1000
    earliest = np.array([job.earliest for job in jobs], np.float64)
    begin_wanted = earliest[:, None] - np.nan_to_num(travel_s) * 1000
    too_long = (worked[None, :] > 0) & (worked[None, :] + work[:, None] > settings.drive_max_s)
    free = np.array([free_at(each, now) for each in candidates], np.float64)
    asleep = np.zeros(begin.shape, np.bool_)
    for column, each in enumerate(candidates):
        if each.off_shift:
            asleep[:, column] = [job.earliest in each.off_shift for job in jobs]
    return [
        ("off_shift", asleep),
        ("on_trip_too_long", free[None, :] - np.maximum(begin_wanted, now) > settings.soon_free_s * 1000),
        ("unknown_position", np.isnan(travel_s)),
        ("seats", need[:, None] > have[None, :]),
        ("class", _by_demand(candidates, [job.vehicle_class for job in jobs], _class_lacks)),
        ("skills", _by_demand(candidates, [job.skills for job in jobs], _skills_lack)),
        ("rest", too_long),
        ("locked", _overlap(candidates, begin, end, locked=True)),
        ("reserved_overlaps", _overlap(candidates, begin, end, locked=False)),
        ("room_booked", _overlap([each._replace(booked=each.taken) for each in candidates], begin, end, locked=False)),
    ]


def _by_demand(
    candidates: Sequence[Candidate], asked: Sequence[D], lacks: Callable[[D, Candidate], bool]
) -> npt.NDArray[np.bool_]:
    """Each different demand once, as most requests ask for the same."""
    rows = {demand: np.array([lacks(demand, each) for each in candidates], np.bool_) for demand in set(asked)}
    return np.array([rows[demand] for demand in asked])


def _class_lacks(demand: str, candidate: Candidate) -> bool:
    if not demand or demand == candidate.vehicle_class:
        return False
    wanted, has = rank_of(demand), rank_of(candidate.vehicle_class)
    return wanted is None or has is None or has < wanted


def _skills_lack(demand: frozenset[str], candidate: Candidate) -> bool:
    return not demand <= candidate.skills


def _overlap(candidates: Sequence[Candidate], begin: Floats, end: Floats, *, locked: bool) -> npt.NDArray[np.bool_]:
    """Whether the job would lie across work of later that is (or is not) locked to the resource."""
    table = np.zeros(begin.shape, np.bool_)
    for column, candidate in enumerate(candidates):
        for work in candidate.booked:
            if (work.request in candidate.locked) == locked:
                table[:, column] |= (begin[:, column] < work.until) & (end[:, column] > work.since)
    return table


def _booked_reason(code: str, job: Job, candidate: Candidate, travel_s: float, now: int, zone: ZoneInfo) -> Reason:
    free = free_at(candidate, now)
    begin = max(free, job.earliest - travel_s * 1000)
    end = begin + (travel_s + job.work_s) * 1000
    for work in candidate.booked:
        if (work.request in candidate.locked) == (code == "locked") and begin < work.until and end > work.since:
            since, until = _clock(work.since, zone), _clock(work.until, zone)
            number = work.request.rpartition(":")[2]
            return Reason(code, {"request": number, "since": since, "until": until})
    return Reason(code, {"request": "?", "since": "?", "until": "?"})


def _room_reason(job: Job, room: Candidate, travel_s: float, now: int, zone: ZoneInfo) -> Reason:
    """Bookings that follow each other without a break are one: the room is free again after the last of them."""
    begin = max(free_at(room, now), job.earliest - travel_s * 1000)
    end = begin + (travel_s + job.work_s) * 1000
    first = next((each for each in room.taken if begin < each.until and end > each.since), None)
    if first is None:
        return Reason("room_booked", {"since": "?", "until": "?", "unit": "?", "until_at": 0})
    until = first.until
    for each in room.taken:
        if each.since <= until:
            until = max(until, each.until)
    args: dict[str, str | int | float] = {"since": _clock(first.since, zone), "until": _clock(until, zone)}
    return Reason("room_booked", args | {"unit": first.unit or "?", "until_at": until})


def free_at(candidate: Candidate, now: int) -> int:
    return now + UNKNOWN_TRIP_MS if candidate.free_at is None else max(now, candidate.free_at)


def _clock(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).strftime("%H:%M")
