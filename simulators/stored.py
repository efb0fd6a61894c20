"""What the collector has stored, asked for as anybody would: over its HTTP API with a token."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

ANSWER_S = 60.0
EVENTS_PER_PAGE = 5_000
PROGRESS_EVERY = 500


class ApiRefused(Exception):
    """The API answered with an error; the message holds what it said."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class StoredReading(NamedTuple):
    at: int
    value: float | None
    quality: str
    reason: str
    gateway: str
    epoch: str
    seq: int


class StoredEvent(NamedTuple):
    at: int
    device: str
    kind: str
    data: dict[str, Any]


HISTORY_EPOCH = "history-"
"""How epochs of what `dayuan-sim history` sent begin: no device ever said it on a wire."""


class StoredData(NamedTuple):
    """Everything of one site in a period; series by (device, point), ranges of stored seqs by (gateway, epoch)."""

    series: dict[tuple[str, str], list[StoredReading]]
    events: list[StoredEvent]
    ranges: dict[tuple[str, str], list[tuple[int, int]]]
    announced: frozenset[tuple[str, str]]


class CollectorApi:
    """One connection to the collector's API; not to be used by two threads at once."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self.headers = {"Authorization": f"Bearer {token}"}
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: object) -> Any:
        """A GET's JSON. Raises ApiRefused for an answer that is none, OSError when nobody is there."""
        target = path + ("?" + urlencode(query) if query else "")
        try:
            status, body = self._ask(target)
        except (http.client.HTTPException, OSError):
            # A kept connection may have been closed meanwhile: a new one is tried once.
            self.close()
            status, body = self._ask(target)
        if status != 200:
            raise ApiRefused(status, f"{target}: {status} {body[:300].decode(errors='replace')}")
        return json.loads(body)

    def _ask(self, target: str) -> tuple[int, bytes]:
        connection = self._connection or http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_S)
        self._connection = connection
        connection.request("GET", target, headers=self.headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def healthy(self) -> bool:
        """True when the collector answers that it is well."""
        try:
            status, _ = self._ask("/healthz")
        except (OSError, http.client.HTTPException):
            self.close()
            return False
        return status == 200


def first_login(url: str, name: str, once: str, password: str) -> str:
    """Change a one-time password into ``password``; the cookie of the session. Raises ApiRefused."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port or 80, timeout=ANSWER_S)
    cookie = ""
    steps = (
        ("/api/v1/session", {"name": name, "password": once}),
        ("/api/v1/password", {"old": once, "new": password}),
    )
    try:
        for path, body in steps:
            headers = {"Content-Type": "application/json", "Cookie": cookie}
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status not in (200, 204):
                raise ApiRefused(answer.status, f"{path}: {answer.status} {said[:300].decode(errors='replace')}")
            cookie = (answer.getheader("Set-Cookie") or cookie).split(";")[0]
    finally:
        connection.close()
    return cookie


def fetch(
    api: CollectorApi,
    site: str,
    series: Iterable[tuple[str, str]],
    *,
    from_at: int,
    to_at: int,
    progress: Callable[[int, int], None] = lambda done, whole: None,
) -> StoredData:
    """Everything the collector holds of ``site`` in [from_at, to_at): the given series, and all it knows of besides."""
    devices = api.get("/api/v1/devices", site=site)["devices"]
    announced = frozenset((device["id"], point["name"]) for device in devices for point in device["points"])
    wanted = sorted(announced | set(series))
    found: dict[tuple[str, str], list[StoredReading]] = {}
    for number, (device, point) in enumerate(wanted):
        if number % PROGRESS_EVERY == 0 and number:
            progress(number, len(wanted))
        try:
            found[(device, point)] = read_series(api, site, device, point, from_at, to_at)
        except ApiRefused as error:
            if error.status != 404:
                raise
    return StoredData(found, read_events(api, site, from_at, to_at), _ranges(api, site), announced)


def read_series(api: CollectorApi, site: str, device: str, point: str, from_at: int, to_at: int) -> list[StoredReading]:
    """Every reading of one series in [from_at, to_at) that a gateway took, oldest first.

    Raises ApiRefused with 404 when there is none.
    """
    query: dict[str, object] = {
        "site": site,
        "device": device,
        "point": point,
        "from": from_at,
        "to": to_at,
        "step": "raw",
        "origin": 1,
    }
    rows: list[StoredReading] = []
    while True:
        page = api.get("/api/v1/readings", **query)
        place = {name: index for index, name in enumerate(page["columns"])}
        wanted = [place[name] for name in StoredReading._fields]
        epoch = place["epoch"]
        rows += [
            StoredReading(*(row[index] for index in wanted))
            for row in page["rows"]
            if not row[epoch].startswith(HISTORY_EPOCH)
        ]
        if page["next"] is None:
            return rows
        query["next"] = page["next"]


def read_events(api: CollectorApi, site: str, from_at: int, to_at: int) -> list[StoredEvent]:
    """Every event of a site in [from_at, to_at), oldest first."""
    query: dict[str, object] = {"site": site, "from": from_at, "to": to_at, "limit": EVENTS_PER_PAGE}
    rows: list[StoredEvent] = []
    while True:
        page = api.get("/api/v1/events", **query)
        place = {name: index for index, name in enumerate(page["columns"])}
        wanted = [place[name] for name in StoredEvent._fields]
        rows += [StoredEvent(*(row[index] for index in wanted)) for row in page["rows"]]
        if page["next"] is None:
            return rows
        query["next"] = page["next"]


def _ranges(api: CollectorApi, site: str) -> dict[tuple[str, str], list[tuple[int, int]]]:
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for gateway in api.get("/api/v1/gateways", site=site)["gateways"]:
        detail = api.get(f"/api/v1/gateways/{site}/{gateway['id']}")
        for epoch, ranges in detail["ranges"].items():
            if epoch.startswith(HISTORY_EPOCH):
                continue  # may have been broken off; its sender judges it
            found[(gateway["id"], epoch)] = [(int(first), int(last)) for first, last in ranges]
    return found
