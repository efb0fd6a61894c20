"""The collector's own figures, as Prometheus text."""

import resource
from collections.abc import Iterable, Mapping
from pathlib import Path

from fastapi import APIRouter, Response

from cloud.api.services import Services
from cloud.privacy.wiring import Privacy
from protocols.status import Report

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

EXAMPLE = """\
# HELP dayuan_broker_connected 1 while the broker is connected
# TYPE dayuan_broker_connected gauge
dayuan_broker_connected 1
"""

Labels = Mapping[str, str]


class MetricsText:
    """Builds the text: one ``# HELP`` and ``# TYPE`` per name, then its samples."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, name: str, kind: str, about: str, samples: Iterable[tuple[Labels, float | int | None]]) -> None:
        """Add a metric; samples that are None are left out."""
        lines = [f"{name}{_labels(labels)} {_number(value)}" for labels, value in samples if value is not None]
        if lines:
            self._lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}", *lines]

    def gauge(self, name: str, about: str, value: float | int | None) -> None:
        """A gauge without labels."""
        self.add(name, "gauge", about, [({}, value)])

    def counter(self, name: str, about: str, value: float | int | None) -> None:
        """A counter without labels."""
        self.add(name, "counter", about, [({}, value)])

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def routes(services: Services) -> APIRouter:
    """``/metrics``."""
    router = APIRouter(tags=["health"])

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"example": EXAMPLE}}}})
    async def metrics() -> Response:
        """Prometheus text; scrape it with a token."""
        out = MetricsText()
        await _whole(services, out)
        _gateways(services, out)
        return Response(out.text(), headers={"Content-Type": CONTENT_TYPE})

    return router


async def _whole(services: Services, out: MetricsText) -> None:
    path = services.ingest.view()
    out.gauge("dayuan_broker_connected", "1 while the broker is connected", int(path.connected))
    out.gauge("dayuan_store_failing", "1 while commits fail", int(path.store_failing_since is not None))
    out.gauge("dayuan_ingest_queued_messages", "messages waiting to be committed", path.queued_messages)
    out.gauge("dayuan_ingest_queued_bytes", "their bytes", path.queued_bytes)
    out.counter("dayuan_ingest_commits_total", "commits since the start", path.commits)
    out.gauge("dayuan_ingest_commit_seconds", "length of the last commit", path.commit_ms_last / 1000)
    out.counter("dayuan_ingest_ignored_messages_total", "messages on topics that are not ours", path.ignored_messages)
    out.counter("dayuan_ingest_dropped_messages_total", "messages lost before they were read", path.dropped_messages)
    out.counter("dayuan_ingest_handler_failures_total", "failures behind the store", path.handler_failures)
    if services.features is not None:
        phones = services.features.gps_in
        counted = [("stored", phones.stored), ("repeated", phones.repeated), ("refused", phones.refused)]
        counted.append(("expired", phones.expired))
        samples = [({"what": what}, count) for what, count in counted]
        out.add("dayuan_gps_in_positions_total", "counter", "positions of phones, by what became of them", samples)
    if services.privacy is not None:
        await _retention(services, services.privacy, out)
    size = await services.store.size()
    out.gauge("dayuan_store_readings", "readings at rest", size.readings)
    out.gauge("dayuan_store_batches", "batches at rest", size.batches)
    out.gauge("dayuan_store_events", "events at rest", size.events)
    out.gauge("dayuan_store_bytes", "bytes of the store's file", size.file_bytes)
    out.gauge("dayuan_sse_clients", "pages that listen", services.stream.clients)
    snapshots = services.stream.beginnings.sent.items()
    out.add(
        "dayuan_sse_snapshots_total", "counter", "snapshots sent, by reason", [({"reason": r}, n) for r, n in snapshots]
    )
    kinds: dict[str, int] = {}
    for alarm in services.alarms.active():
        kinds[alarm.kind] = kinds.get(alarm.kind, 0) + 1
    out.add("dayuan_alarms_active", "gauge", "active alarms", [({"kind": k}, n) for k, n in kinds.items()])
    out.gauge("process_resident_memory_bytes", "memory of the collector", _rss())
    used = resource.getrusage(resource.RUSAGE_SELF)
    out.counter("process_cpu_seconds_total", "processor time of the collector", used.ru_utime + used.ru_stime)


async def _retention(services: Services, privacy: Privacy, out: MetricsText) -> None:
    runs = sorted((await privacy.keeper.runs()).items())
    figures = (
        ("dayuan_retention_deleted_total", "counter", "rows of people deleted by age", "total"),
        ("dayuan_retention_last_run_ms", "gauge", "when the last round was, ms since 1970", "run_at"),
        ("dayuan_retention_kept_since_ms", "gauge", "what is older is gone, ms since 1970", "kept_since"),
        ("dayuan_retention_longest_slice_ms", "gauge", "longest slice of the last round", "longest_ms"),
    )
    for name, kind, told, field in figures:
        out.add(name, kind, told, [({"class": kept}, getattr(run, field)) for kept, run in runs])
    told = "bytes that deleted rows left in the store's file and that are not overwritten yet"
    out.gauge("dayuan_retention_unclean_bytes", told, privacy.keeper.unclean_bytes)
    late = [
        ({"site": key.site, "gateway": key.gateway}, services.ingest.counters(key).expired)
        for key in services.ingest.gateways()
    ]
    told = "readings and events of people that came too old to be kept, and were not stored"
    out.add("dayuan_gateway_expired_total", "counter", told, late)


def _gateways(services: Services, out: MetricsText) -> None:
    rows = []
    for entity in services.live.shown():
        if entity.is_gateway:
            shown = services.live.views.view(entity).attributes
            rows.append(({"site": entity.site, "gateway": entity.gateway}, shown))
    counted = (
        ("stored_batches", "dayuan_gateway_batches_total", "batches stored"),
        ("stored_readings", "dayuan_gateway_readings_total", "readings stored"),
        ("duplicates", "dayuan_gateway_duplicates_total", "batches that came again"),
        ("rejected", "dayuan_gateway_rejected_total", "batches rejected"),
        ("retimed", "dayuan_gateway_retimed_total", "readings and events whose impossible time was corrected"),
    )
    for attribute, name, about in counted:
        out.add(name, "counter", about, [(labels, _figure(shown[attribute])) for labels, shown in rows])
    refused: list[tuple[Labels, float | int | None]] = []
    for labels, shown in rows:
        reasons = shown["refused"]
        assert isinstance(reasons, dict)
        refused += [({**labels, "reason": str(reason)}, count) for reason, count in reasons.items()]
    out.add("dayuan_gateway_readings_refused_total", "counter", "readings refused, by reason", refused)
    flags = (("online", "1 while its session lives"), ("fenced", "1 while its batches wait for a person"))
    for flag, about in flags:
        out.add(f"dayuan_gateway_{flag}", "gauge", about, [(labels, int(bool(shown[flag]))) for labels, shown in rows])
    reports = [(labels, report) for labels, shown in rows if isinstance(report := shown["report"], Report)]
    said = (
        ("backlog_batches", "batches waiting on the gateway"),
        ("backlog_readings", "readings waiting on the gateway"),
        ("backlog_bytes", "bytes waiting on the gateway"),
        ("oldest_unacked_s", "age of its oldest unacknowledged batch, s"),
        ("dropped_readings", "readings dropped by policy"),
        ("quarantined", "batches in the gateway's quarantine"),
    )
    for field, about in said:
        samples = [(labels, _figure(getattr(report, field))) for labels, report in reports]
        out.add(f"dayuan_gateway_{field}", "gauge", about, samples)


def _figure(value: object) -> float | int | None:
    return value if isinstance(value, int | float) else None


def _rss() -> int:
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * resource.getpagesize()


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + pairs + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float | int) -> str:
    return repr(float(value)) if isinstance(value, float) else str(value)
