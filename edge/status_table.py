"""A snapshot as calm text: what is well in one line each, what is not with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from edge.buffer_peek import FileFigures
from edge.identity import CertificateState
from edge.northbound.contract import NorthName, NorthReport
from edge.status import Snapshot
from protocols.status import BusReport, DeviceReport, GrantsReport, KeptReport, MachineReport

_KIB = 1024
EXPIRES_SOON_S = 86_400.0
NORTH_NAMES: dict[NorthName, str] = {"sparkplug": "sparkplug", "home_assistant": "home ass."}


def as_text(snapshot: Snapshot) -> str:
    """The whole table."""
    return "\n".join(_lines(snapshot))


def file_as_text(found: FileFigures, site: str, gateway: str) -> str:
    """What to say when no gateway runs."""
    lines = [f"gateway {gateway} at {site}: not running", "", f"  buffer    {found.path}"]
    if found.error:
        return "\n".join([*lines, f"            {found.error}"])
    lines.append(
        f"            {_count(found.batches, 'batch', 'batches')} with {found.readings:,} readings and "
        f"{found.events:,} events, {size(found.payload_bytes)}"
    )
    if found.batches:
        lines.append(f"            from {_instant(found.oldest_sealed_at)} to {_instant(found.newest_sealed_at)}")
        lines.append("            (the newest was perhaps sent already: it stays until a newer one exists)")
    if found.untimed:
        lines.append(f"            {found.untimed:,} readings and events wait for the clock to be set")
    if found.quarantined:
        lines.append(f"            {_count(found.quarantined, 'batch', 'batches')} in quarantine")
    return "\n".join(lines)


def _lines(now: Snapshot) -> Iterator[str]:
    report = now.report
    yield f"gateway {now.gateway} at {now.site}: running for {span(report.uptime_s)}  (pid {now.pid}, {now.software})"
    yield ""
    yield f"  broker    {now.broker}  {_session(now)}"
    if now.certificate is not None:
        yield f"  identity  {_certificate(now.certificate)}"
    yield f"  lanes     live {_lane(report.live_in_flight, now.live_waiting)}   backlog {_backlog(now)}"
    yield (
        f"  sent      {report.acked_batches:,} batches acked, {report.resent_batches:,} sent again, "
        f"{now.rejected_batches:,} rejected, {now.held_batches:,} held back"
    )
    yield (
        f"  buffer    {size(now.buffer_used_bytes)} of {size(report.buffer_max_bytes)} used, {now.in_memory:,} "
        f"readings and events not on disk yet  ({now.buffer_path})"
    )
    if report.kept is not None:
        yield f"  kept      {_kept(report.kept, now.at)}"
    if report.disk_full_s is not None:
        yield (
            f"            ! the disk has been full for {span(report.disk_full_s)}: readings are held in memory, "
            "then the oldest are dropped; make room"
        )
    if report.buffer_error:
        yield f"            ! {report.buffer_error}"
    yield f"  readings  {now.taken:,} read, {now.produced:,} kept, {now.taken - now.produced:,} within their deadband"
    yield f"  dropped   {_dropped(now)}"
    yield f"  clock     {_clock(now)}"
    if report.machine is not None:
        yield f"  box       {_machine(report.machine)}"
    if report.grants is not None:
        yield f"  doors     {_grants(report.grants, now.at)}"
    for module in now.northbound:
        yield from _north(module)
    yield ""
    yield from _table(
        ("bus", "kind", "state", "busy", "requests", "timeouts", "errors", "last error"), map(_bus, report.buses)
    )
    yield ""
    yield from _table(
        ("device", "state", "every", "achieved", "last answer", "failures", "last error"),
        (_device(device, now.at) for device in report.devices),
    )


def _session(now: Snapshot) -> str:
    if now.session_state == "online":
        silent = f", no ack for {span(now.silent_s)}" if now.silent_s >= 1 else ""
        return f"online for {span(now.online_s or 0)}, session {now.session}{silent}"
    return f"{now.session_state.replace('_', ' ')}  ! {now.report.link_error or 'no connection yet'}"


def _certificate(held: CertificateState) -> str:
    if not held.name:
        return f"! the certificate cannot be used: {held.trouble}"
    text = f"certificate of {held.name} until {_instant(held.ends_at)[:10]}, signed by {held.authority}"
    return f"{text}  ! {held.trouble}" if held.trouble else f"{text}; renewed from {_instant(held.renews_at)[:10]} on"


def _lane(in_flight: int, waiting: int) -> str:
    return f"{in_flight} on the way, {waiting} waiting"


def _backlog(now: Snapshot) -> str:
    report = now.report
    if not report.backlog_batches:
        return "none: everything is acked"
    return (
        f"{_count(report.backlog_batches, 'batch', 'batches')} with {report.backlog_readings:,} readings, "
        f"{size(report.backlog_bytes)}, the oldest {span(report.oldest_unacked_s)} old; "
        f"{report.backlog_in_flight} on the way"
    )


def _kept(kept: KeptReport, now_ms: int) -> str:
    again = f", {kept.sent:,} sent again since the start" if kept.sent else ""
    if kept.waiting:
        again = f"; the collector lost some: {kept.sent:,} sent again, {kept.waiting:,} to go"
    if not kept.batches:
        return f"nothing that was acked{again}"
    since_s = max(0, now_ms - kept.since) / 1000
    return f"{_count(kept.batches, 'batch', 'batches')} acked in the last {span(since_s)}{again}"


def _dropped(now: Snapshot) -> str:
    report = now.report
    if not (report.dropped_readings or report.dropped_events or report.quarantined):
        return "nothing"
    return (
        f"! {report.dropped_readings:,} readings, {report.dropped_events:,} events (told in gap records), "
        f"{_count(report.quarantined, 'batch', 'batches')} in quarantine"
    )


def _clock(now: Snapshot) -> str:
    clock = now.report.clock
    if clock.state == "unsynced":
        return f"! not set ({_instant(clock.wall_ms)}); {now.report.untimed:,} readings and events wait for their time"
    stepped = f"  ! set by {clock.step_ms / 1000:+.1f} s within the last hour" if clock.state == "stepped" else ""
    return f"{_instant(clock.wall_ms)}{stepped}"


def _machine(box: MachineReport) -> str:
    told = [box.model] if box.model else []
    if box.power == "low":
        told.append("! power supply too weak within the last hour")
    elif box.low_since_start:
        told.append("! power supply was too weak since the box was started")
    if box.temperature_c is not None:
        told.append(f"{box.temperature_c:.0f} degC")
    if box.disk_read_only:
        told.append("! its disk is read-only")
    elif box.disk_free_bytes is not None and box.disk_bytes is not None:
        told.append(f"disk {size(box.disk_free_bytes)} of {size(box.disk_bytes)} free")
    if box.disk_written_day_bytes is not None:
        told.append(f"{size(box.disk_written_day_bytes)} written a day")
    return ", ".join(told) or "tells nothing of itself"


def _grants(grants: GrantsReport, now_ms: int) -> str:
    error = f"  ! {grants.last_error}" if grants.last_error else ""
    if not grants.number:
        return f"! no grant list: every card is refused{error}"
    left_s = (grants.expires_at - now_ms) / 1000
    ends = f"expires in {span(left_s)}" if left_s > 0 else f"! expired {span(-left_s)} ago: cards are refused"
    soon = "! " if 0 < left_s <= EXPIRES_SOON_S else ""
    left_out = f", ! {grants.left_out:,} reads left out" if grants.left_out else ""
    return (
        f"list {grants.number} with {grants.cards:,} cards, {soon}{ends}; "
        f"{grants.decisions:,} decisions{left_out}{error}"
    )


def _north(module: NorthReport) -> Iterator[str]:
    is_well = module.online_s is not None
    state = f"online for {span(module.online_s or 0)}" if is_well else f"! {module.state.replace('_', ' ')}"
    error = f": {module.error}" if module.error and not is_well else ""
    yield f"  {NORTH_NAMES[module.name]}  {module.broker}  {state}{error}"
    dropped = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in module.dropped.items())
    yield (
        f"            {module.sent:,} messages sent, {module.waiting:,} readings waiting; {module.detail}"
        + (f"; ! dropped: {dropped}" if dropped else "")
    )


def _bus(bus: BusReport) -> Sequence[str]:
    state = bus.state if bus.state == "up" else f"! {bus.state}"
    counts = (f"{bus.requests:,}", f"{bus.timeouts:,}", f"{bus.errors:,}")
    return (bus.name, bus.kind, state, f"{bus.busy_share:.0%}", *counts, bus.last_error)


def _device(device: DeviceReport, now_ms: int) -> Sequence[str]:
    state = device.state if device.state in ("ok", "waiting") else f"! {device.state}"
    every = span(device.every_s) if device.every_s else "by itself"
    achieved = "-" if device.achieved_s is None else span(device.achieved_s)
    last = "never" if device.last_ok_at is None else f"{span(max(0, now_ms - device.last_ok_at) / 1000)} ago"
    return (device.id, state, every, achieved, last, f"{device.failures:,}", device.last_error)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    cells = [head, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        yield ("  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))).rstrip()


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def span(seconds: float) -> str:
    """A duration with two figures at most: 0.8 s, 42 s, 3 min, 5.2 h, 12 d."""
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86_400:.0f} d"


def size(count: int) -> str:
    """Bytes for a person: 812 B, 44 KiB, 3.1 MiB."""
    if count < _KIB:
        return f"{count} B"
    units = ["KiB", "MiB", "GiB"]
    number = count / _KIB
    while number >= _KIB and len(units) > 1:
        number /= _KIB
        units.pop(0)
    return f"{number:.1f} {units[0]}" if number < 10 else f"{number:.0f} {units[0]}"
