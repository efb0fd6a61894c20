"""Routes of patrols: checkpoints, windows, when runs begin."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from cloud.assets.contract import Calendar
from protocols.reading import ID_PATTERN

MINUTE_MS = 60_000
DAY_MS = 86_400_000

Id = Annotated[str, msgspec.Meta(pattern=f"^{ID_PATTERN.pattern}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=1440)]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A spot a guard must be at between ``from_min`` and ``until_min`` minutes after the run begins.

    Any of: reader, a device at which the guard's card is read; tag, the key of a tag that the guard's own device reads;
    place, a place or fence of the map in which the guard's position lies.
    """

    id: Id
    name: Name
    reader: Annotated[str, msgspec.Meta(max_length=32)] = ""
    tag: Annotated[str, msgspec.Meta(max_length=128)] = ""
    place: Annotated[str, msgspec.Meta(max_length=64)] = ""
    from_min: Minutes = 0
    until_min: Minutes = 60


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A round. starts: at which times of the day a run begins; days: on which, as parts of a schedule; guards: whose
    scans count, all guards of the site when empty; begin_within_min: later it is late."""

    id: Id
    name: Name
    checkpoints: Annotated[tuple[Checkpoint, ...], msgspec.Meta(min_length=1, max_length=100)]
    starts: Annotated[tuple[Clock, ...], msgspec.Meta(max_length=96)] = ()
    days: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=60)], ...], msgspec.Meta(max_length=10)] = ("daily",)
    guards: Annotated[tuple[Id, ...], msgspec.Meta(max_length=200)] = ()
    ordered: bool = True
    begin_within_min: Annotated[int, msgspec.Meta(ge=1, le=240)] = 10

    def fault(self) -> str | None:
        """What is wrong beyond the types."""
        names = [each.id for each in self.checkpoints]
        for index, each in enumerate(self.checkpoints):
            where = f"checkpoints.{index}"
            if names.index(each.id) != index:
                return f"{where}.id: {each.id!r} stands here twice"
            if each.from_min >= each.until_min:
                return f"{where}: from_min ({each.from_min}) is not before until_min ({each.until_min})"
            if not (each.reader or each.tag or each.place):
                return f"{where}: needs a reader, a tag or a place by which one knows that the guard was there"
        return None

    @property
    def length_ms(self) -> int:
        """From the beginning until the last window closes."""
        return max(each.until_min for each in self.checkpoints) * MINUTE_MS


class Standing(msgspec.Struct, frozen=True):
    """A route, and since when (ms) it is as it is."""

    route: Route
    since: int

    def asks(self, starts: int) -> bool:
        """Whether a run of then is asked of anybody: its first window may be open by now, and is not over."""
        return starts + min(each.until_min for each in self.route.checkpoints) * MINUTE_MS > self.since


def run_starts(route: Route, calendar: Calendar, site: str, since: int, until: int) -> Iterator[int]:
    """The beginnings of runs in [since, until), ms. A time that a day does not have (clocks go forward) is left out."""
    at = calendar.day_of(site, since)[0]
    while at < until:
        today, tomorrow = calendar.day_of(site, at)
        for text in sorted(set(route.starts)):
            starts = local_time(calendar, site, today, tomorrow, text)
            if starts is not None and since <= starts < until and calendar.within(site, starts, route.days):
                yield starts
        at = tomorrow


def local_time(calendar: Calendar, site: str, today: int, tomorrow: int, text: str) -> int | None:
    """``22:30`` of a day of the site, ms."""
    hour, _, minute = text.partition(":")
    part = [f"daily {text}-{_minute_after(int(hour), int(minute))}"]
    guess = today + (int(hour) * 60 + int(minute)) * MINUTE_MS
    shift = tomorrow - today - DAY_MS
    for at in (guess, guess + shift):
        if today <= at < tomorrow and calendar.within(site, at, part):
            return at
    return None


def _minute_after(hour: int, minute: int) -> str:
    following = (hour * 60 + minute + 1) % 1440
    return f"{following // 60:02}:{following % 60:02}"
