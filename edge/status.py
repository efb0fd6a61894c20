"""The gateway now, for a person at its keyboard: what the status on the wire says, and what only the process knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from edge.buffer import Buffer
from edge.identity import CertificateState
from edge.intake import Intake
from edge.northbound.contract import Northbound, NorthReport
from edge.pipeline import Pipeline
from edge.reporter import Reporter
from edge.session import Session
from edge.settings import Site
from edge.uplink import Uplink
from protocols.clock import Clock
from protocols.status import Report


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What the status socket answers. Times in ms since 1970; durations in s, None where nothing happened yet.

    taken: readings the drivers handed over. produced: those that left the pipeline; the rest was within a deadband.
    in_memory: readings and events not on disk yet.
    """

    v: int = 1
    site: str
    gateway: str
    software: str
    pid: int
    at: int
    session_state: str
    session: int
    online_s: float | None
    broker: str
    taken: int
    produced: int
    in_memory: int
    live_waiting: int
    held_batches: int
    rejected_batches: int
    silent_s: float
    last_commit_s: float | None
    buffer_path: str
    buffer_used_bytes: int
    report: Report
    northbound: list[NorthReport] = []
    certificate: CertificateState | None = None


class StatusDesk:
    """Makes snapshots."""

    def __init__(
        self,
        *,
        site: Site,
        software: str,
        pid: int,
        clock: Clock,
        buffer: Buffer,
        intake: Intake,
        pipeline: Pipeline,
        uplink: Uplink,
        session: Session,
        reporter: Reporter,
        northbound: Sequence[Northbound] = (),
        certificate: Callable[[], CertificateState | None] = lambda: None,
    ) -> None:
        self._site = site
        self._software = software
        self._pid = pid
        self._clock = clock
        self._buffer = buffer
        self._intake = intake
        self._pipeline = pipeline
        self._uplink = uplink
        self._session = session
        self._reporter = reporter
        self._northbound = northbound
        self._certificate = certificate

    def snapshot(self) -> Snapshot:
        """Now."""
        now = self._clock.monotonic()
        online_since, last_commit_at = self._session.online_since, self._intake.last_commit_at
        sent = self._uplink.figures()
        return Snapshot(
            site=self._site.gateway.site,
            gateway=self._site.gateway.id,
            software=self._software,
            pid=self._pid,
            at=self._clock.now_ms(),
            session_state=self._session.state.value,
            session=self._session.number,
            online_s=None if online_since is None else round(now - online_since, 1),
            broker=str(self._site.uplink.url),
            taken=self._pipeline.taken,
            produced=self._pipeline.passed,
            in_memory=len(self._intake.tail),
            live_waiting=sent.live_waiting,
            held_batches=sent.held_batches,
            rejected_batches=sent.rejected_batches,
            silent_s=round(sent.silent_s, 1),
            last_commit_s=None if last_commit_at is None else round(now - last_commit_at, 1),
            buffer_path=str(self._site.buffer.path),
            buffer_used_bytes=self._buffer.figures().used_bytes,
            report=self._reporter.report(),
            northbound=[module.report() for module in self._northbound],
            certificate=self._certificate(),
        )
