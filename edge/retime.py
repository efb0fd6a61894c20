"""Whether the wall clock can be believed, and what time an item gets when it cannot.

A box without a battery-backed clock boots in 1970 or at its last shutdown. Until its clock is set, items carry the
monotonic clock of this boot and wait; then the difference of the two clocks gives each its true time.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from edge.buffer import Retiming
from protocols.clock import MS_PER_S, TRUST_FLOOR_MS, Clock
from protocols.reading import TIME_UNCERTAIN, Event, Quality, Reading
from protocols.status import ClockReport

log = logging.getLogger(__name__)

STEP_MS = 2_000
"""A wall clock that moves by more than this against the monotonic clock was set; less is drift and slewing."""

STRADDLE_MS = 10_000
"""For so long after a step, items may still come that were stamped before it."""

FLAG_MS_MAX = 24 * 3600 * MS_PER_S
PATIENCE_S = 24 * 3600
"""A clock behind the last known time is believed after so long: the known time may have been the wrong one."""

AGREE_MS = 60_000
"""A wall clock this near to the collector's agrees with it; an ack may be on its way so long."""

STEPPED_S = 3600
NEAR_MS = 3600 * MS_PER_S


class Step(NamedTuple):
    """The wall clock was set. became_known: until now it was not believed."""

    step_ms: int
    became_known: bool


class Timing:
    """Watches both clocks. `start` first; then `observe` at each hand-over and flush, cheap enough for both."""

    def __init__(self, clock: Clock, *, boot: str) -> None:
        self._clock = clock
        self.boot = boot
        self.known = False
        self._last_good_at = 0
        self._offset_ms = 0
        self._stepped_at: float | None = None
        self._step_ms = 0
        self._flag_until = 0
        self._started_at = 0.0
        self._collector_offset_ms: int | None = None
        """As `_offset_ms`, with the collector's clock in the place of our wall clock."""

    def start(self, last_good_at: int) -> None:
        """Judge the clock for the first time. last_good_at: newest trusted wall clock of earlier runs, ms."""
        self._last_good_at = max(last_good_at, self._last_good_at)
        self._offset_ms = self._difference()
        self._started_at = self._clock.monotonic()
        self.known = self._is_plausible()
        if not self.known:
            log.warning("the clock is not set (%d ms); readings wait for their time", self._clock.now_ms())

    def observe(self) -> Step | None:
        """Compare the clocks; says so when the wall clock was set since the last call."""
        difference = self._difference()
        step = difference - self._offset_ms
        self._offset_ms = difference
        stepped = abs(step) > STEP_MS
        if stepped:
            self._stepped_at, self._step_ms = self._clock.monotonic(), step
        if not self.known:
            if not self._is_plausible():
                return None
            self.known = True
            log.warning("the clock is known now")
            return Step(step if stepped else 0, True)
        if not stepped:
            return None
        log.warning("the clock was set by %+.1f s", step / MS_PER_S)
        now = self._clock.now_ms()
        if now < TRUST_FLOOR_MS:
            self.known = False
            self._last_good_at = now - step
        elif step < 0:
            self._flag_until = min(max(self._flag_until, now - step), now + FLAG_MS_MAX)
        return Step(step, False)

    def hear(self, collector_ms: int) -> None:
        """Take the collector's time, from an ack that came just now.

        Where it agrees with a wall clock that is only behind the last known time, that time was the wrong one, and
        nobody has to wait out `PATIENCE_S`. It never sets a time: it can only end the doubt about our own clock.
        """
        self._collector_offset_ms = collector_ms - int(self._clock.monotonic() * MS_PER_S)

    def now_ms(self) -> int:
        """The wall clock, or the best lower bound while it is not known."""
        now = self._clock.now_ms()
        return now if self.known else max(self._last_good_at, TRUST_FLOOR_MS if now < TRUST_FLOOR_MS else now)

    def flag(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Stage of the pipeline: after a step backwards the time of a reading is not certain."""
        if not self._flags():
            return readings
        return [
            r
            if r.quality is not Quality.GOOD
            else Reading(r.device, r.point, r.value, r.observed_at, Quality.UNCERTAIN, TIME_UNCERTAIN)
            for r in readings
        ]

    def split(self, readings: Sequence[Reading]) -> tuple[Sequence[Reading], Sequence[Reading]]:
        """(readings with their time, readings in ms of the monotonic clock). Call after `observe`."""
        if self.known and not self._straddles():
            return readings, ()
        timed: list[Reading] = []
        untimed: list[Reading] = []
        for reading in readings:
            at, is_timed = self._place(reading.observed_at)
            moved = reading if at == reading.observed_at else msgspec.structs.replace(reading, observed_at=at)
            (timed if is_timed else untimed).append(moved)
        return timed, untimed

    def place_event(self, event: Event) -> tuple[Event, bool]:
        """The event with its time and True, or in ms of the monotonic clock and False; flagged as readings are."""
        if not event.reason and self._flags():
            event = msgspec.structs.replace(event, reason=TIME_UNCERTAIN)
        if self.known and not self._straddles():
            return event, True
        at, is_timed = self._place(event.at)
        return (event if at == event.at else msgspec.structs.replace(event, at=at)), is_timed

    def retiming(self) -> Retiming:
        """How items of this boot get their time."""
        return Retiming(self.boot, self._offset_ms)

    def earlier(self, boot: str, first_ms: int) -> Retiming:
        """How items of a boot that never knew the time get one: as if it had begun when the last known time ended."""
        return Retiming(boot, max(self._last_good_at, TRUST_FLOOR_MS) - first_ms, uncertain=True)

    def report(self) -> ClockReport:
        """For the status."""
        stepped = self._stepped_at is not None and self._clock.monotonic() - self._stepped_at < STEPPED_S
        state = "stepped" if stepped else "synced"
        return ClockReport(
            state if self.known else "unsynced",  # type: ignore[arg-type]
            self._clock.now_ms(),
            self._step_ms if stepped else 0,
        )

    def _flags(self) -> bool:
        if self._flag_until and self._clock.now_ms() >= self._flag_until:
            self._flag_until = 0
        return bool(self._flag_until)

    def _place(self, at: int) -> tuple[int, bool]:
        now = self._clock.now_ms()
        if self.known:
            return at + self._correction(now - at), True
        corrected = at + self._correction(now - at)
        if corrected >= TRUST_FLOOR_MS and abs(now - corrected) > NEAR_MS:
            return corrected, True  # the device has a clock of its own
        return corrected - self._offset_ms, False

    def _correction(self, age_ms: int) -> int:
        """The step, for an item that was stamped before it."""
        if not self._straddles():
            return 0
        age_before = age_ms - self._step_ms
        looks_new = -STEP_MS <= age_ms <= STRADDLE_MS
        return self._step_ms if not looks_new and -STEP_MS <= age_before <= STRADDLE_MS else 0

    def _straddles(self) -> bool:
        return self._stepped_at is not None and (self._clock.monotonic() - self._stepped_at) * MS_PER_S < STRADDLE_MS

    def _difference(self) -> int:
        return self._clock.now_ms() - int(self._clock.monotonic() * MS_PER_S)

    def _is_plausible(self) -> bool:
        now = self._clock.now_ms()
        if now < TRUST_FLOOR_MS:
            return False
        heard_ms = self._collector_offset_ms
        if heard_ms is not None and abs(self._difference() - heard_ms) <= AGREE_MS:
            return True
        return now >= self._last_good_at - STEP_MS or self._clock.monotonic() - self._started_at > PATIENCE_S
