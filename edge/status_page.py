"""The status page's server: a few fixed files and one JSON, over HTTP/1.1, by hand so that a box needs no framework.

Everything a visitor can send is bounded: the size of a request, the time it may take, how many there are at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import urllib.parse
from collections.abc import Mapping
from importlib import resources
from typing import NamedTuple

import msgspec

from edge.status_page_state import PageDesk, PageState
from edge.status_page_token import Gate
from protocols.clock import Clock

log = logging.getLogger(__name__)

HEAD_MAX, BODY_MAX = 8192, 1024
REQUEST_S, TURNED_AWAY_S = 10.0, 1.0
VISITORS_MAX = 32
FRESH_S = 1.0
"""Visitors who ask within this time of each other share one look."""

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/words.js": ("words.js", "text/javascript; charset=utf-8"),
    "/enter": ("enter.html", "text/html; charset=utf-8"),
}
COOKIE = "dayuan-page"
ALWAYS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Connection": "close",
}
REASONS = {200: "OK", 303: "See Other", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 413: "Content Too Large", 421: "Misdirected Request", 429: "Too Many Requests",
           503: "Service Unavailable"}  # fmt: skip


class Request(NamedTuple):
    """What was asked; header names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """What is answered."""

    status: int
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = {}


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class StatusPage:
    """Serves one gateway's page. ``run`` until cancelled; ``port`` is known once ``ready`` is set."""

    def __init__(self, desk: PageDesk, gate: Gate, clock: Clock, *, host: str, port: int) -> None:
        self._desk, self._gate, self._clock = desk, gate, clock
        self._host, self.port = host, port
        self._loopback = is_loopback(host)
        self._visits: set[asyncio.Task[None]] = set()
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._state = b""
        self.ready = asyncio.Event()
        folder = resources.files("edge") / "page"
        self._files = {path: (folder.joinpath(name).read_bytes(), kind) for path, (name, kind) in FILES.items()}

    async def run(self) -> None:
        """Serve. Raises OSError when the address cannot be had."""
        server = await asyncio.start_server(self._visit, self._host, self.port, limit=HEAD_MAX)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        try:
            async with server:
                await server.serve_forever()
        finally:
            for visit in self._visits:
                visit.cancel()
            await asyncio.gather(*self._visits, return_exceptions=True)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        try:
            if len(self._visits) > 2 * VISITORS_MAX:
                return
            if len(self._visits) > VISITORS_MAX:
                async with asyncio.timeout(TURNED_AWAY_S):
                    await reader.readuntil(b"\r\n\r\n")  # closed on what it said, nobody would read the answer
                    await _send(writer, Answer(503, b"too many visitors at once; try again\n"))
                return
            async with asyncio.timeout(REQUEST_S):
                try:
                    request = await _read(reader)
                    answer = await self._answer(request)
                except _Refused as refused:
                    answer = Answer(refused.status, REASONS[refused.status].encode() + b"\n")
                await _send(writer, answer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._visits.discard(visit)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, request: Request) -> Answer:
        if self._loopback and not _is_local_name(request.headers.get("host", "")):
            raise _Refused(421)  # another site's name that leads here: its pages must not read ours
        if request.method == "POST" and request.path == "/enter":
            return self._enter(request)
        if request.method != "GET":
            raise _Refused(405)
        if request.path not in self._files and request.path != "/state.json":
            raise _Refused(404)
        if not self._may_see(request):
            if request.path == "/":
                return Answer(303, headers={"Location": "/enter"})
            if request.path == "/state.json":
                raise _Refused(429 if self._gate.is_busy() else 401)
        if request.path == "/state.json":
            return Answer(200, await self._look(), "application/json")
        return Answer(200, *self._files[request.path])

    def _may_see(self, request: Request) -> bool:
        if self._gate.is_open:
            return True
        for part in request.headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == COOKIE and self._gate.knows(value):
                return True
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._gate.takes(token.strip())

    def _enter(self, request: Request) -> Answer:
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise _Refused(403)
        if self._gate.is_busy():
            raise _Refused(429)
        fields = urllib.parse.parse_qs(request.body.decode("utf-8", "replace"), max_num_fields=4)
        if not self._gate.takes(fields.get("token", [""])[0].strip()):
            return Answer(303, headers={"Location": "/enter?wrong"})
        cookie = f"{COOKIE}={self._gate.begin()}; HttpOnly; SameSite=Strict; Path=/"
        return Answer(303, headers={"Location": "/", "Set-Cookie": cookie})

    async def _look(self) -> bytes:
        async with self._looking:
            now = self._clock.monotonic()
            if now - self._looked_at >= FRESH_S:
                state: PageState = await asyncio.to_thread(self._desk.state)
                self._state, self._looked_at = msgspec.json.encode(state), now
            return self._state


def is_loopback(host: str) -> bool:
    """True when only this machine reaches a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_local_name(host: str) -> bool:
    name, colon, _ = host.rpartition(":")
    if not colon or (name.count(":") and not name.endswith("]")):
        name = host
    return is_loopback(name.strip("[]").lower())


async def _read(reader: asyncio.StreamReader) -> Request:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise _Refused(413) from None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise _Refused(400)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or name.lower() in headers:
            raise _Refused(400)
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise _Refused(400)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()):
        raise _Refused(400)
    if len(length) > 6 or int(length) > BODY_MAX:
        raise _Refused(413)
    return Request(words[0], words[1].partition("?")[0], headers, await reader.readexactly(int(length)))


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    headers = {**ALWAYS, "Content-Type": answer.kind, "Content-Length": str(len(answer.body)), **answer.headers}
    lines = [
        f"HTTP/1.1 {answer.status} {REASONS[answer.status]}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + answer.body)
    await writer.drain()
