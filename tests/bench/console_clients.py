"""Listeners of the stream in a process of their own.

    python -m tests.bench.console_clients HOST PORT TOKEN N plain|gzip

Plain sockets and one loop, so that listening costs little beside what is measured. Each client only looks for the
marker ``"sent_at":MS``, which some vehicles carry, and notes how old it is. Compressed streams: all clients are sent
the same bytes, so one in ``OPENED_EVERY`` opens what it gets and says what was in a chunk of this length and ending;
the others note when such a chunk had come.

Line by line on standard output, as JSON: ``{"listening": N}`` when each has its snapshot; after a line on standard
input ``{"counting": true}``; after another one the figures.
"""

import json
import re
import resource
import select
import socket
import sys
import time
import zlib

SENT_AT = re.compile(rb'"sent_at":(\d{13})')
OPENED_EVERY = 25
TAIL = 24
LOOK_S = 0.05


class Listener:
    """One stream."""

    def __init__(self, host: str, port: int, request: bytes, *, opens: bool) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.sendall(request)
        self.socket.setblocking(False)
        self.opens = zlib.decompressobj(31) if opens else None
        self.tail = b""
        self.got = 0
        self.snapshots = 0
        self.began = False
        self.chunks: list[tuple[bytes, float]] = []
        self.buffer = b""


class Crowd:
    """All of them."""

    def __init__(self, host: str, port: int, token: str, many: int, coding: str) -> None:
        lines = ["GET /api/v1/stream HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {token}"]
        if coding == "gzip":
            lines.append("Accept-Encoding: gzip")
        request = "\r\n".join([*lines, "", ""]).encode()
        self.packed = coding == "gzip"
        self.counting = False
        self.lags: list[float] = []
        self.known: dict[bytes, list[int]] = {}
        self.unmatched = 0
        self.poll = select.epoll()
        self.by_number: dict[int, Listener] = {}
        self.space = memoryview(bytearray(1 << 20))
        for number in range(many):
            listener = Listener(host, port, request, opens=self.packed and number % OPENED_EVERY == 0)
            self.by_number[listener.socket.fileno()] = listener
            self.poll.register(listener.socket.fileno(), select.EPOLLIN)
            self.look(0)

    def look(self, within_s: float) -> None:
        """Read what has come."""
        for number, _ in self.poll.poll(within_s):
            listener = self.by_number[number]
            size = listener.socket.recv_into(self.space)
            if not size:
                raise SystemExit("the collector ended a stream")
            listener.got += size
            if self.packed:
                self.take_packed(listener, bytes(self.space[:size]))
            else:
                self.take_plain(listener, self.space[:size])

    def take_plain(self, listener: Listener, part: memoryview) -> None:
        now = time.time() * 1000
        if not self.counting:
            text = listener.tail + bytes(part)
            listener.snapshots += text.count(b"event: snapshot")
            listener.began |= listener.snapshots > 0
            listener.tail = text[-TAIL:] if not text.endswith(b"event: snapshot") else b""
            return
        # What a cut between two reads hides is one marker of thousands.
        self.lags += [(now - int(at)) / 1000 for at in SENT_AT.findall(part)]

    def take_packed(self, listener: Listener, part: bytes) -> None:
        """Cut at the chunks of HTTP, which are what the collector sent at once."""
        now = time.time() * 1000
        listener.buffer += part
        if not listener.began:
            head, found, rest = listener.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            assert b"gzip" in head, head
            listener.began, listener.buffer = True, rest
        while True:
            size, found, rest = listener.buffer.partition(b"\r\n")
            if not found or len(rest) < int(size, 16) + 2:
                return
            length = int(size, 16)
            chunk, listener.buffer = rest[:length], rest[length + 2 :]
            self.take_chunk(listener, chunk, now)

    def take_chunk(self, listener: Listener, chunk: bytes, now: float) -> None:
        key = len(chunk).to_bytes(4, "big") + chunk[-TAIL - 8 :]
        if listener.opens is not None:
            text = listener.opens.decompress(chunk)
            listener.snapshots += text.count(b"event: snapshot")
            self.known[key] = [int(at) for at in SENT_AT.findall(text)]
        if self.counting:
            listener.chunks.append((key, now))

    def figures(self) -> dict[str, object]:
        lags = list(self.lags)
        for listener in self.by_number.values():
            for key, now in listener.chunks:
                sent = self.known.get(key)
                self.unmatched += sent is None
                lags += [(now - at) / 1000 for at in sent or ()]
        lags.sort()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "lags": len(lags),
            "p50": lags[len(lags) // 2] if lags else None,
            "p99": lags[int(len(lags) * 0.99)] if lags else None,
            "most": lags[-1] if lags else None,
            "bytes": sum(each.got for each in self.by_number.values()),
            "unmatched": self.unmatched,
            "cpu_s": usage.ru_utime + usage.ru_stime,
        }


def main(host: str, port: str, token: str, many: str, coding: str) -> None:
    crowd = Crowd(host, int(port), token, int(many), coding)
    listeners = crowd.by_number.values()
    looking = [each for each in listeners if each.opens is not None] if crowd.packed else list(listeners)
    while not (all(each.began for each in listeners) and all(each.snapshots for each in looking)):
        crowd.look(LOOK_S)
    _say({"listening": len(listeners)})
    commands = select.epoll()
    commands.register(sys.stdin.fileno(), select.EPOLLIN)
    for step in ("counting", "done"):
        while not commands.poll(0):
            crowd.look(LOOK_S)
        sys.stdin.readline()
        if step == "counting":
            crowd.counting = True
            for each in listeners:
                each.got = 0
            _say({"counting": True})
    _say(crowd.figures())


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
