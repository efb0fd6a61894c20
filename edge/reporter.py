"""What the gateway says of itself: for the status on the wire and for `dayuan-edge status`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from edge.buffer import Buffer, Kept
from edge.contract import Driver
from edge.intake import Intake
from edge.resend import ResendFigures
from edge.retime import Timing
from edge.uplink import Uplink
from protocols.clock import MS_PER_S, Clock
from protocols.status import GrantsReport, KeptReport, MachineReport, Report

SPANS_TOLD = 16
"""Epochs with kept batches; each damaged buffer file begins another."""

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Reporter:
    """Gathers figures from every part; cheap, nothing is read from the disk but the process' own memory use."""

    def __init__(
        self, *, buffer: Buffer, intake: Intake, uplink: Uplink, timing: Timing, clock: Clock, drivers: Sequence[Driver]
    ) -> None:
        self._buffer = buffer
        self._intake = intake
        self._uplink = uplink
        self._timing = timing
        self._clock = clock
        self._drivers = drivers
        self._started_at = clock.monotonic()
        self.grants: Callable[[], GrantsReport | None] = lambda: None
        """The list the doors go by; None at a gateway without doors."""
        self.machine: Callable[[], MachineReport | None] = lambda: None
        """The box; None before it was looked at."""
        self.judged: Callable[[], int] = lambda: 0
        """The newest site file from afar that was judged."""
        self.link_error: Callable[[], str] = str
        """Why there is no link to the broker; set when the session is made, which itself needs the reports."""

    def report(self) -> Report:
        """The gateway now."""
        kept, sent = self._buffer.figures(), self._uplink.figures()
        waiting = max(0, kept.batches - sent.released.batches)
        full_since = kept.disk_full_since
        oldest_s = (self._clock.now_ms() - kept.oldest_sealed_at) / MS_PER_S
        return Report(
            epoch=kept.epoch,
            backlog_batches=waiting,
            backlog_readings=max(0, kept.readings - sent.released.readings) if waiting else 0,
            backlog_bytes=max(0, kept.payload_bytes - sent.released.payload_bytes) if waiting else 0,
            buffer_max_bytes=kept.max_bytes,
            oldest_unacked_s=round(max(0.0, oldest_s), 1) if waiting and kept.oldest_sealed_at else 0.0,
            live_in_flight=sent.live_in_flight,
            backlog_in_flight=sent.backlog_in_flight,
            acked_batches=sent.acked_batches,
            resent_batches=sent.resent_batches,
            quarantined=kept.quarantined,
            dropped_readings=kept.dropped_readings + self._intake.tail.lost_readings,
            dropped_events=kept.dropped_events,
            untimed=kept.untimed,
            clock=self._timing.report(),
            buses=[driver.report() for driver in self._drivers],
            devices=[report for driver in self._drivers for report in driver.device_reports()],
            disk_full_s=None if full_since is None else round(self._clock.monotonic() - full_since, 1),
            in_memory=len(self._intake.tail),
            buffer_error=kept.error[:400],
            link_error=self.link_error()[:400],
            rss_bytes=rss_bytes(),
            uptime_s=round(self._clock.monotonic() - self._started_at, 1),
            grants=self.grants(),
            machine=self.machine(),
            kept=_kept(kept.kept, sent.again),
            site_file_judged=self.judged(),
        )


def _kept(kept: Kept | None, again: ResendFigures) -> KeptReport | None:
    if kept is None:
        return None
    spans = list(kept.spans)[-SPANS_TOLD:]
    return KeptReport(batches=kept.batches, since=kept.since, spans=spans, waiting=again.waiting, sent=again.done)


def rss_bytes() -> int:
    """Memory of this process that is in RAM."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0
