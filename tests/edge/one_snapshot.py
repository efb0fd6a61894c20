"""A snapshot of a gateway that is well, to change in one place."""

from __future__ import annotations

from typing import Any

import msgspec

from edge.status import Snapshot
from protocols.status import ClockReport, DeviceReport, Report

WELL = Snapshot(
    site="east-compound",
    gateway="b3",
    software="1.0",
    pid=7,
    at=1_790_000_100_000,
    session_state="online",
    session=3,
    online_s=100.0,
    broker="mqtt://127.0.0.1:1883",
    taken=10,
    produced=10,
    in_memory=0,
    live_waiting=0,
    held_batches=0,
    rejected_batches=0,
    silent_s=0.0,
    last_commit_s=1.0,
    buffer_path="/var/lib/dayuan-edge/buffer.db",
    buffer_used_bytes=4096,
    report=Report(
        epoch="5b1e9c04",
        backlog_batches=0,
        backlog_readings=0,
        backlog_bytes=0,
        buffer_max_bytes=1 << 20,
        oldest_unacked_s=0.0,
        live_in_flight=0,
        backlog_in_flight=0,
        acked_batches=5,
        resent_batches=0,
        quarantined=0,
        dropped_readings=0,
        dropped_events=0,
        untimed=0,
        clock=ClockReport("synced", 1_790_000_100_000),
        devices=[DeviceReport(id="b3-main", state="ok", every_s=1.0, polls=10)],
        uptime_s=100.0,
    ),
)


def snapshot(*, report: dict[str, Any] | None = None, device: dict[str, Any] | None = None, **changes: Any) -> Snapshot:
    """``WELL`` with changes to it, to its report, to the one device in the report."""
    devices = [msgspec.structs.replace(WELL.report.devices[0], **device or {})]
    told = msgspec.structs.replace(WELL.report, **{"devices": devices, **(report or {})})
    return msgspec.structs.replace(WELL, report=told, **changes)
