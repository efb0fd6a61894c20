"""The status of a gateway: online or offline by session, with its report on itself. JSON on the wire, retained.

A will says ``offline`` with the number of the session it was made for; whoever reads it ignores an offline of an
older session than the newest online.
"""

from typing import Annotated, Literal

import msgspec

from protocols.errors import BadAck

STATUS_MAX = 1024 * 1024

_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Text = Annotated[str, msgspec.Meta(max_length=400)]

DeviceState = Literal["waiting", "ok", "failing", "lost"]
"""waiting: not heard yet; ok; failing: the last tries failed; lost: backed off, probed rarely."""


class ClockReport(msgspec.Struct, frozen=True):
    """``unsynced``: the wall clock was not set yet. ``stepped``: it jumped within the last hour."""

    state: Literal["synced", "unsynced", "stepped"]
    wall_ms: int
    step_ms: int = 0


class BusReport(msgspec.Struct, frozen=True, kw_only=True):
    """One bus since the start. ``busy_share``: of the last minute, 0 to 1."""

    name: _Text
    kind: _Text
    state: Literal["connecting", "up", "down"]
    busy_share: float = 0.0
    requests: int = 0
    timeouts: int = 0
    errors: int = 0
    last_error: _Text = ""


class DeviceReport(msgspec.Struct, frozen=True, kw_only=True):
    """One device. ``achieved_s``: median time between its last answers, None before there are two."""

    id: _Text
    state: DeviceState
    every_s: float
    achieved_s: float | None = None
    last_ok_at: int | None = None
    last_error: _Text = ""
    polls: int = 0
    failures: int = 0
    overruns: int = 0
    refused: int = 0


class GrantsReport(msgspec.Struct, frozen=True, kw_only=True):
    """The list of grants that a gateway with doors goes by: ``number`` 0 when it has none. Since its start:
    ``refused`` lists, ``decisions``, and reads that were ``left_out`` because they came too fast."""

    number: _Whole = 0
    cards: int = 0
    issued_at: _Whole = 0
    expires_at: _Whole = 0
    refused: int = 0
    last_error: _Text = ""
    decisions: int = 0
    left_out: int = 0


class MachineReport(msgspec.Struct, frozen=True, kw_only=True):
    """The box itself; None and ``unknown``: it does not tell. ``power``: ``low`` when its supply was too weak within
    the last hour; ``low_since_start``: since the box was started. ``temperature_c``: its hottest part. The disk is
    the one of the buffer; ``disk_written_day_bytes``: what all programs write to it in a day, by the rate since the
    gateway's start."""

    model: _Text = ""
    power: Literal["good", "low", "unknown"] = "unknown"
    low_since_start: bool = False
    temperature_c: float | None = None
    disk_free_bytes: _Whole | None = None
    disk_bytes: _Whole | None = None
    disk_read_only: bool = False
    disk_written_day_bytes: _Whole | None = None
    memory_free_bytes: _Whole | None = None


class KeptReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Acked batches that the gateway still has, in case the collector loses them: ``batches``, the first of them acked
    at ``since``. ``spans``: [epoch, first, last] seqs; between them every batch is kept, or was dropped or set apart.
    ``waiting`` of them were asked for and go up once more, ``sent`` did since the start."""

    batches: int = 0
    since: _Whole = 0
    spans: list[tuple[_Text, _Whole, _Whole]] = []
    waiting: int = 0
    sent: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway says of itself. Batches and readings waiting for an ack are its backlog.

    ``disk_full_s``: for how long the buffer's disk has been full, None when it is not. ``in_memory``: readings and
    events that are not on disk yet; more than a flush holds, while the disk takes nothing. ``kept``: None when acked
    batches are deleted.
    """

    epoch: str
    backlog_batches: int
    backlog_readings: int
    backlog_bytes: int
    buffer_max_bytes: int
    oldest_unacked_s: float
    live_in_flight: int
    backlog_in_flight: int
    acked_batches: int
    resent_batches: int
    quarantined: int
    dropped_readings: int
    dropped_events: int
    untimed: int
    clock: ClockReport
    buses: list[BusReport] = []
    devices: list[DeviceReport] = []
    disk_full_s: float | None = None
    in_memory: int = 0
    buffer_error: _Text = ""
    link_error: _Text = ""
    rss_bytes: int = 0
    uptime_s: float = 0.0
    grants: GrantsReport | None = None
    machine: MachineReport | None = None
    kept: KeptReport | None = None
    site_file_judged: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    """The newest revision of a site file from afar that it has judged, whatever became of it."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """``at``: gateway's wall clock, ms; 0 in a will."""

    v: int = 1
    state: Literal["online", "offline"]
    session: _Whole
    at: _Whole = 0
    report: Report | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Status)


def encode_status(status: Status) -> bytes:
    """The status as published."""
    return _encoder.encode(status)


def parse_status(payload: bytes) -> Status:
    """Read a status; raises BadAck that says what is wrong with it."""
    if len(payload) > STATUS_MAX:
        raise BadAck("too_large", f"{len(payload)} bytes")
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise BadAck("schema", str(error)) from None
