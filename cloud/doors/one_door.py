"""One door as it is kept: its book of inputs, its journal, its counts, what is shown of it, its alarms."""

import bisect
import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cloud.assets.contract import Asset, Journal, Shown
from cloud.doors.counting import HOUR_MS, Hours, Measured, count, throughput_of, total
from cloud.doors.rule import FORCED, HELD, JOURNALED, Door, DoorRule, Limits
from cloud.places.alarm_sink import AlarmArgs, Raised
from cloud.places.chronicle import Chronicle, Entry
from cloud.places.daybook import Daybook, Input

SETTLE_MS = 3_000
"""A forced door is an alarm only after so long: the decision may come by another way than the opening."""

ALARMS = ("door_held", "door_forced", "door_tampered", "door_denied_burst")
LATE_MS = 15_000
"""What is so old when it comes is of a backlog, and what follows it comes soon."""
CATCH_UP_MS = 10_000
"""Without anything late for so long, what is known of the door is how it stands now."""

Who = Callable[[str, str], str]
"""Site and card -> how people call its carrier; empty for no card."""
Spell = Callable[[str, int], str]
"""Site and instant -> the site's clock, ``14:32``."""


class Changed(NamedTuple):
    """Entries before ``same`` and those of [start, end) are as they were; the others are new or worked out anew."""

    same: int
    start: int
    end: int


class OneDoor:
    """A door since ``base``, the first instant of a day of its site."""

    def __init__(self, asset: Asset, limits: Limits, base: int, journal: Journal, who: Who) -> None:
        self.asset = asset
        self.hours: Hours = {}
        """Counts since the base."""
        self.dirty = True
        """Counts changed since they were written."""
        self._who = who
        self._journal = journal
        self._chronicle = Chronicle(journal, asset.key.site, asset.key.entity, JOURNALED)
        self.book = Daybook(DoorRule(limits), base)
        self._limits = limits
        self._told = False
        self._behind_until = 0
        self._speed_asked = (-1, 0)
        self._speed_known = Measured(None, 0)
        self._lines: list[Entry] = []
        """What the journal holds of the entries, and which of them these are."""
        self._places: list[int] = []

    @property
    def state(self) -> Door:
        return self.book.state

    def work(self, given: Iterable[Input], now: int) -> list[Entry]:
        """Take inputs, let time pass, tell the journal; returns what is new or was worked out anew."""
        before = len(self.book.entries)
        given = tuple(given)
        if any(each.at < now - LATE_MS for each in given):
            self._behind_until = now + CATCH_UP_MS
        same = self.book.work(given, now)
        entries = self.book.entries
        if same == before == len(entries) and self._told:
            return []
        start, rejoined = self.book.rejoined
        changed = Changed(same, start, start + rejoined) if rejoined else Changed(same, len(entries), len(entries))
        self._count(changed, anew=same < before)
        self._tell(changed, before - rejoined, now)
        self.dirty = self._told = True
        return entries[same : changed.start] + entries[changed.end :]

    def become(self, asset: Asset, limits: Limits, now: int) -> None:
        """The asset changed: what is known is worked out by what holds now."""
        self.asset = asset
        if limits._replace(standing=self._limits.standing) == self._limits and not asset.texts("may_stand_open"):
            return
        old, self._limits = self.book, limits
        self.book = Daybook(DoorRule(limits), old.base)
        self.hours, self._lines, self._places = {}, [], []
        behind_until = self._behind_until
        self.work(old.inputs, now)
        self._behind_until = behind_until  # what was known is no backlog

    def move_base(self, base: int) -> None:
        """Days before ``base`` are over; their counts must have been written."""
        self._chronicle.move_base(self.book.base, base)
        self.book.move_base(base)
        self._places = [place for place, entry in enumerate(self.book.entries) if entry.kind in JOURNALED]
        self._lines = [self._named(self.book.entries[place]) for place in self._places]
        self.hours = {hour: counted for hour, counted in self.hours.items() if hour >= base}

    def hours_in(self, since: int, until: int) -> Hours:
        """Counts of the hours that begin in [since, until)."""
        return {hour: counted for hour, counted in self.hours.items() if since <= hour < until}

    def show(self, shown: Shown, now: int, today: int) -> None:
        """Put it into live state."""
        state, asset = self.state, self.asset
        counted = total(self.hours_in(today, now + HOUR_MS).values())
        speed = self._speed(now)
        last = state.last
        spot = asset.spot
        shown.show(
            asset.key.entity,
            "door",
            asset.key.site,
            title=asset.name,
            attributes={
                "state": state.state,
                "since": state.since or None,
                "opened_at": state.opened_at,
                "why": state.why,
                "locked": state.locked,
                "tampered": state.tampered_since is not None,
                "last": {"kind": last.kind, "at": last.at, "who": self._who(asset.key.site, last.card)}
                if last
                else None,
                "latitude": spot.latitude if spot else None,
                "longitude": spot.longitude if spot else None,
                "gate": asset.facts.get("gate") is True,
                "unit": asset.unit,
                "throughput_s": speed.seconds,
                "throughput_n": speed.n,
                "passed_today": counted.passed,
                "denied_today": counted.denied,
                "waiting": state.waiting,
            },
            observed_at=state.heard_at or (last.at if last else None),
            quality="good" if state.state != "unknown" else "uncertain",
            stale_after_s=self._limits.stale_ms / 1000 if self._limits.stale_ms else None,
            urgent=True,
        )

    def alarm(self, raised: Raised, now: int, spell: Spell) -> None:
        """Raise and clear what its state says; while a backlog comes only clear, as what ended it may be in there."""
        state, name, source, site = self.state, self.asset.name, self.asset.key.entity, self.asset.key.site
        since = spell(site, state.opened_at or state.since)
        tampered, burst = state.tampered_since, state.burst_since
        found: dict[str, AlarmArgs | None] = dict.fromkeys(ALARMS)
        if state.state == HELD:
            found["door_held"] = {"name": name, "since": since, "limit": f"{self._limits.held_ms // 1000} s"}
        if state.state == FORCED and now - state.since >= SETTLE_MS:
            found["door_forced"] = {"name": name, "since": since}
        if tampered is not None:
            found["door_tampered"] = {"name": name, "since": spell(site, tampered)}
        if burst is not None:
            found["door_denied_burst"] = {"name": name, "since": spell(site, burst), "count": len(state.denials)}
        # A clock that was put back must not keep alarms away for longer.
        is_behind = now < self._behind_until <= now + CATCH_UP_MS
        for kind, args in found.items():
            if args is None or not is_behind:
                raised.state(kind, source, args)

    def lines(self, since: int, until: int) -> list[Entry]:
        """What the journal is told of [since, until)."""
        return [entry for entry in self._lines if since <= entry.at < until]

    def _speed(self, now: int) -> Measured:
        """Seconds per person of the last hour; looked up anew when something happened, and every ten seconds."""
        entries, asked = self.book.entries, (len(self.book.entries), now // 10_000)
        if self._speed_asked != asked:
            recent = entries[bisect.bisect_left(entries, now - HOUR_MS, key=lambda entry: entry.at) :]
            self._speed_asked, self._speed_known = asked, throughput_of(recent)
        return self._speed_known

    def _count(self, changed: Changed, *, anew: bool) -> None:
        entries, same = self.book.entries, changed.same
        if not anew:
            count(self.hours, entries[same:])
            return
        from_at = entries[same - 1].at // HOUR_MS * HOUR_MS if same else 0
        until_at, until = math.inf, changed.start
        if changed.end > changed.start:
            until_at = (entries[changed.start].at // HOUR_MS + 1) * HOUR_MS
            until = bisect.bisect_left(entries, until_at, changed.start, changed.end, key=lambda entry: entry.at)
        self.hours = {hour: counted for hour, counted in self.hours.items() if not from_at <= hour < until_at}
        first = bisect.bisect_left(entries, from_at, key=lambda entry: entry.at)
        count(self.hours, entries[first:until])
        count(self.hours, entries[changed.end :])

    def _tell(self, changed: Changed, rejoined: int, now: int) -> None:
        """``rejoined``: the number that the entry at ``changed.start`` had before."""
        kept = bisect.bisect_left(self._places, changed.same)
        again = bisect.bisect_left(self._places, rejoined)
        places, lines = self._places[again:], self._lines[again:]
        del self._lines[kept:], self._places[kept:]
        self._add_lines(changed.same, changed.start)
        if changed.end > changed.start:
            self._places += [place + changed.start - rejoined for place in places]
            self._lines += lines
        self._add_lines(changed.end, len(self.book.entries))
        self._chronicle.tell(self.book.base, now + HOUR_MS, self._lines, same=kept)

    def _add_lines(self, since: int, until: int) -> None:
        for place, entry in enumerate(self.book.entries[since:until], since):
            if entry.kind in JOURNALED:
                self._places.append(place)
                self._lines.append(self._named(entry))

    def _named(self, entry: Entry) -> Entry:
        card = entry.facts.get("card")
        if not card:
            return entry
        return entry._replace(facts={**entry.facts, "who": self._who(self.asset.key.site, str(card))})
