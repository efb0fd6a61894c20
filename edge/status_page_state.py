"""What the status page shows, gathered from outside the gateway: site file, sockets, buffer file. Never raises."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from edge import config_start, latest, status_socket
from edge.buffer_peek import FileFigures, look
from edge.introduce import software_version
from edge.latest import Values
from edge.settings import Site
from edge.site_warnings import warnings
from edge.status import Snapshot
from protocols.clock import Clock
from protocols.errors import BadSettings
from protocols.points import VOCABULARY

SITE_FILE_S = 30.0
"""A site file that looks unchanged is read again after so long: its profiles may have changed."""
READ_MAX = 1 << 20


class SiteFileError(msgspec.Struct, frozen=True, kw_only=True):
    """Why the gateway cannot start with its site file."""

    message: str
    file: str = ""
    line: int = 0
    key: str = ""
    allowed: str = ""


class PointRow(msgspec.Struct, frozen=True, kw_only=True):
    """One point now. ``value`` is None when the reading is bad; ``age_s`` by the gateway's own clock."""

    device: str
    point: str
    en: str
    zh: str
    unit: str
    value: float | None
    state_en: str = ""
    state_zh: str = ""
    quality: str
    reason: str = ""
    age_s: float
    is_stale: bool


class PageState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page shows."""

    at: int
    software: str
    site_file: str
    error: SiteFileError | None = None
    warnings: list[str] = []
    revision: int = 0
    """Of the file that runs, or would; 0 for the one on the box."""
    trying: bool = False
    running: bool = False
    socket_error: str = ""
    snapshot: Snapshot | None = None
    points: list[PointRow] = []
    buffer: FileFigures | None = None


class PageDesk:
    """Makes page states; keeps what it knows of the site file between them. Call it from one thread at a time."""

    def __init__(self, site_file: Path, clock: Clock) -> None:
        self._path, self._clock = site_file, clock
        self._site: Site | None = None
        self._error: SiteFileError | None = None
        self._warnings: list[str] = []
        self._revision, self._trying = 0, False
        self._buffer_path: Path | None = None
        self._seen: tuple[int, int] | None = None
        self._read_at = float("-inf")

    def state(self) -> PageState:
        """Now."""
        self._read_site_file()
        path = self._buffer_path
        snapshot, values, trouble = _ask(path) if path is not None else (None, None, "")
        return PageState(
            at=self._clock.now_ms(),
            software=software_version(),
            site_file=str(self._path),
            error=self._error,
            warnings=self._warnings,
            revision=self._revision,
            trying=self._trying,
            running=snapshot is not None,
            socket_error=trouble,
            snapshot=snapshot,
            points=_points(values) if values is not None else [],
            buffer=look(path) if path is not None and snapshot is None else None,
        )

    def _read_site_file(self) -> None:
        now = self._clock.monotonic()
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            seen = None
        if seen == self._seen and not self._revision and now - self._read_at < SITE_FILE_S:
            return
        self._seen, self._read_at = seen, now
        self._error, self._warnings = None, []
        try:
            in_force = config_start.look(self._path, self._clock, config_start.boot_id())
            self._revision, self._trying, site = in_force.revision, in_force.trying, in_force.site
            self._warnings, self._buffer_path = warnings(site), site.buffer.path
        except BadSettings as error:
            self._error = SiteFileError(
                message=error.message,
                file=error.file,
                line=error.line,
                key=error.key,
                allowed=error.allowed,
            )
            self._buffer_path = self._buffer_path or named_buffer(self._path)


def named_buffer(site_file: Path) -> Path | None:
    """Where a site file that is wrong elsewhere says its buffer is; None when it does not say it readably."""
    try:
        with site_file.open("rb") as file:
            table: Any = tomllib.loads(file.read(READ_MAX).decode("utf-8")).get("buffer", {})
    except (OSError, ValueError, RecursionError):
        return None
    name = table.get("path", "buffer.db") if isinstance(table, dict) else "buffer.db"
    return site_file.resolve().parent / name if isinstance(name, str) and name else None


def _ask(buffer_path: Path) -> tuple[Snapshot | None, Values | None, str]:
    try:
        snapshot = status_socket.ask(buffer_path)
        return snapshot, latest.ask(buffer_path) if snapshot is not None else None, ""
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        return None, None, f"the gateway's socket does not answer as it should: {error}"


def _points(values: Values) -> list[PointRow]:
    every = {device.id: device.every_s for device in values.devices}
    rows = []
    for reading in sorted(values.readings, key=lambda each: (each.device, each.point)):
        word = VOCABULARY.get(reading.point)
        age_s = max(0.0, (values.at - reading.observed_at) / 1000)
        each_s = every.get(reading.device, 0.0)
        state = int(reading.value) if reading.value is not None and word and word.kind == "state" else None
        rows.append(
            PointRow(
                device=reading.device,
                point=reading.point,
                en=word.en if word else reading.point,
                zh=word.zh if word else reading.point,
                unit=word.unit if word else "",
                value=reading.value,
                state_en=_label(word.labels_en, state) if word else "",
                state_zh=_label(word.labels_zh, state) if word else "",
                quality=reading.quality.value,
                reason=reading.reason,
                age_s=round(age_s, 1),
                is_stale=bool(each_s) and age_s > max(3 * each_s, 5.0),
            )
        )
    return rows


def _label(labels: tuple[str, ...], state: int | None) -> str:
    return labels[state] if state is not None and 0 <= state < len(labels) else ""
