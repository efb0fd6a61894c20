"""What people do through the collector's HTTP API, by a dispatcher's token. A collector that is away is asked again."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from protocols.clock import Clock

ANSWER_S = 20.0
DESKS = 6
AGAIN_S = (0.5, 1.0, 2.0, 4.0)
"""How long is waited before a collector that did not answer is asked again; the last goes on."""


class Refused(Exception):
    """The collector said no. ``code`` is its word for why."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code = status, code
        super().__init__(f"{code}: {message}")


class ClerkApi:
    """A few dispatchers with one token at one collector; more than ``DESKS`` questions at once wait for a desk.

    Changes carry an Idempotency-Key where the API takes one, so that a change whose answer was lost is made once.
    """

    def __init__(self, url: str, token: str, clock: Clock) -> None:
        where = urlsplit(url)
        self._host, self._port = where.hostname or "127.0.0.1", where.port or 80
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._clock = clock
        self._desks = asyncio.Semaphore(DESKS)
        self._idle: list[http.client.HTTPConnection] = []

    async def get(self, path: str, **query: object) -> Any:
        """An answer's JSON. Raises Refused."""
        return await self._ask("GET", path + ("?" + urlencode(query) if query else ""), None, "")

    async def post(self, path: str, body: object, key: str = "") -> Any:
        """Change something. Raises Refused."""
        return await self._ask("POST", path, body, key)

    async def put(self, path: str, body: object) -> Any:
        """Replace something. Raises Refused."""
        return await self._ask("PUT", path, body, "")

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _ask(self, method: str, target: str, body: object, key: str) -> Any:
        """Until there is an answer: a collector that was killed comes back."""
        tried = 0
        while True:
            try:
                async with self._desks:
                    status, text = await asyncio.to_thread(self._once, method, target, body, key)
            except (OSError, http.client.HTTPException):
                status, text = 503, b""
            if status not in (429, 502, 503, 504):
                return _answer(status, text, target)
            await self._clock.sleep(AGAIN_S[min(tried, len(AGAIN_S) - 1)])
            tried += 1

    def _once(self, method: str, target: str, body: object, key: str) -> tuple[int, bytes]:
        connection = self._connection()
        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        try:
            connection.request(method, target, _sent(body), headers)
            answer = connection.getresponse()
            status, text = answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        self._idle.append(connection)
        return status, text

    def _connection(self) -> http.client.HTTPConnection:
        try:
            return self._idle.pop()
        except IndexError:
            return http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_S)


def _sent(body: object) -> bytes | None:
    """A text goes as it is, all else as JSON."""
    return None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()


def _answer(status: int, text: bytes, target: str) -> Any:
    try:
        told = json.loads(text)
    except ValueError:
        raise Refused(status, "no_json", f"{target}: {text[:120]!r}") from None
    if status >= 400:
        error = told.get("error", {}) if isinstance(told, dict) else {}
        raise Refused(status, str(error.get("code", status)), str(error.get("message", told)))
    return told
