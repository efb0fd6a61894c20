"""The port and the HTTP server behind it. A crowd that only holds connections open keeps nobody out."""

import contextlib
import ipaddress
import socket
from asyncio import BaseTransport
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from cloud.settings import CloudSettings
from protocols.clock import Clock
from protocols.errors import BadSettings

STOP_PAGES_S = 1
IDLE_S = 30
BYTES_PER_S_LEAST = 1000
"""A body may take `IDLE_S`, and a second more for each so many bytes of it."""
ROOM = 8
"""One in so many connections is kept free: beyond, each new one ends the oldest on which nothing is being answered."""


class Server(uvicorn.Server):
    """Leaves signals to us, and closes connections on which no request is finished in time: uvicorn would wait."""

    async def close_idle(self, clock: Clock) -> None:
        """Until cancelled. What is only waited for ends after `IDLE_S`, a body that drips in as late as its size
        allows; what is being worked on stays."""
        seen: dict[Any, _Seen] = {}
        while True:
            await clock.sleep(IDLE_S / 3)
            now, before = clock.monotonic(), seen
            seen = {}
            for connection in list(self.server_state.connections):
                if _is_answering(connection) and not _is_receiving(connection):
                    continue
                cycle, received = getattr(connection, "cycle", None), getattr(connection, "received", 0)
                known = before.get(connection)
                if known is None or known.cycle is not cycle:
                    known = _Seen(cycle, now, received)
                seen[connection] = known
                body_s = (received - known.received) / BYTES_PER_S_LEAST if _is_receiving(connection) else 0.0
                if now - known.since >= IDLE_S + body_s and connection.transport is not None:
                    connection.transport.close()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Seen(NamedTuple):
    """A connection that was waited for: of which request, since when (s), and the bytes it had sent by then."""

    cycle: object
    since: float
    received: int


def _is_receiving(connection: Any) -> bool:
    """Whether the body of its request is not here whole."""
    cycle = getattr(connection, "cycle", None)
    return cycle is not None and not cycle.response_complete and cycle.more_body


def _is_answering(connection: Any) -> bool:
    cycle = getattr(connection, "cycle", None)
    return cycle is not None and not cycle.response_complete


def _crowded(most: int) -> type[H11Protocol]:
    """A connection of which there are at most ``most`` that wait for a request, or for the rest of one."""
    connected: dict[H11Protocol, None] = {}

    class Connection(H11Protocol):
        received = 0
        """Bytes so far, of all its requests."""

        def data_received(self, data: bytes) -> None:
            self.received += len(data)
            super().data_received(data)

        def connection_made(self, transport: BaseTransport) -> None:
            super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn names a narrower type
            connected[self] = None
            if len(connected) > most:
                others = [each for each in connected if each is not self]
                silent = (each for each in others if not _is_answering(each))
                sending = (each for each in others if _is_receiving(each))
                oldest = next(silent, None) or next(sending, None)
                if oldest is not None:
                    del connected[oldest]
                    # At once: uvicorn counts these to refuse requests, and hears of the end a turn of the loop later.
                    oldest.connections.discard(oldest)
                    oldest.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            connected.pop(self, None)
            super().connection_lost(exc)

    return Connection


def server_settings(app: object, settings: CloudSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # FastAPI is an ASGI application; uvicorn's own types say it narrower
        http=_crowded(settings.connections - max(1, settings.connections // ROOM)),
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=_as_seen(settings.proxies),
        limit_concurrency=settings.connections,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=STOP_PAGES_S,
        h11_max_incomplete_event_size=32 * 1024,
        ssl_certfile=settings.tls_certificate_file,
        ssl_keyfile=settings.tls_key_file,
    )


def _as_seen(proxies: Sequence[str]) -> list[str]:
    """With each IPv4 address or network also as it shows where IPv6 is listened to: ``::ffff:a.b.c.d``."""
    found = list(proxies)
    for each in proxies:
        address, _, length = each.partition("/")
        with contextlib.suppress(ValueError):
            mapped = f"::ffff:{ipaddress.IPv4Address(address)}"
            found.append(f"{mapped}/{96 + int(length)}" if length else mapped)
    return found


def listen(settings: CloudSettings) -> socket.socket:
    """Take the port first of all: a second collector by mistake stops here, before it touches any file."""
    address = settings.listen
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # The protocol is named, else asyncio leaves Nagle's algorithm on and every answer waits 40 ms for the client's ack.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((address.host, address.port))
        taken.listen(512)
    except OSError as error:
        taken.close()
        raise BadSettings(
            f"cannot listen on {address}: {error.strerror or error}; choose another address with --listen",
            file=str(settings.path or "command line"),
            key="listen.address",
        ) from None
    return taken
