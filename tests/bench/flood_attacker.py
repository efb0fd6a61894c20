"""One bad client against the broker, as hard as one process can.

``python -m tests.bench.flood_attacker KIND PORT PAIR``

PAIR: a file with the key and certificate of an enrolled gateway; of use to those kinds that are let in. Works until it
is killed, and says ``ready`` when the flood has begun.
"""

import contextlib
import os
import socket
import ssl
import sys
import threading
from collections.abc import Callable

HERE = "127.0.0.1"
HELD = 200
NAME = b"east/bad"
DRIP_S = 1.0
RUBBISH = os.urandom(10_000)
THREADS = 4
PAUSE = threading.Event()
"""Never set."""

Work = Callable[[int, str], None]


def tls(port: int, pair: str) -> ssl.SSLSocket:
    """A connection; without a certificate when ``pair`` is empty."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if pair:
        context.load_cert_chain(pair)
    return context.wrap_socket(socket.create_connection((HERE, port), 10))


def packet(first: int, body: bytes) -> bytes:
    """An MQTT packet."""
    length, size = b"", len(body)
    while True:
        length += bytes([size % 128 | (128 if size >= 128 else 0)])
        size //= 128
        if not size:
            return bytes([first]) + length + body


def text(words: bytes) -> bytes:
    """As MQTT writes it."""
    return len(words).to_bytes(2, "big") + words


CONNECT = packet(0x10, text(b"MQTT") + b"\x04\x02\x00\x3c" + text(NAME))


def logged_in(port: int, pair: str) -> ssl.SSLSocket:
    """A session in the name of the certificate."""
    link = tls(port, pair)
    link.sendall(CONNECT)
    link.recv(4)
    return link


def strangers(port: int, pair: str) -> None:
    """Handshakes that come to nothing."""
    del pair
    tls(port, "").recv(1)


def half_open(port: int, pair: str) -> None:
    """Connections that are begun and never finished: half without a certificate, half with one."""
    held: list[socket.socket] = []
    while True:
        while len(held) < HELD // THREADS:
            bare = len(held) % 2 == 0
            link = socket.create_connection((HERE, port), 10) if bare else tls(port, pair)
            link.sendall(b"\x16\x03" if bare else CONNECT[:3])
            held.append(link)
        PAUSE.wait(DRIP_S)
        for link in list(held):
            try:
                link.send(b"\x01")
            except OSError:
                held.remove(link)
                link.close()


def reconnects(port: int, pair: str) -> None:
    """In, and out again at once."""
    logged_in(port, pair).close()


def huge(port: int, pair: str) -> None:
    """A message of 256 MB, as far as it is taken."""
    with logged_in(port, pair) as link:
        link.sendall(b"\x30\xff\xff\xff\x7f" + text(b"dayuan/1/east/bad/up"))
        while True:
            link.sendall(RUBBISH)


def rubbish(port: int, pair: str) -> None:
    """What no batch is, where batches go."""
    with logged_in(port, pair) as link:
        while True:
            link.sendall(packet(0x30, text(b"dayuan/1/east/bad/up") + os.urandom(8) + RUBBISH))


def confirmed(port: int, pair: str) -> None:
    """The same with QoS 1, which the broker keeps."""
    with logged_in(port, pair) as link:
        number = 0
        threading.Thread(target=_emptied, args=(link,), daemon=True).start()
        while True:
            number = number % 65_000 + 1
            link.sendall(packet(0x32, text(b"dayuan/1/east/bad/up") + number.to_bytes(2, "big") + RUBBISH))


def _emptied(link: ssl.SSLSocket) -> None:
    with contextlib.suppress(OSError):
        while link.recv(65_536):
            pass


def topics(port: int, pair: str) -> None:
    """Topics that are none of its own, a new one each time."""
    with logged_in(port, pair) as link:
        while True:
            link.sendall(packet(0x30, text(b"dayuan/1/east/b3/" + os.urandom(4).hex().encode()) + b"x"))


KINDS: dict[str, Work] = {
    "strangers": strangers,
    "half-open": half_open,
    "reconnects": reconnects,
    "huge": huge,
    "rubbish": rubbish,
    "rubbish with QoS 1": confirmed,
    "topics": topics,
}


def again(work: Work, port: int, pair: str) -> None:
    """Whatever the broker thinks of it."""
    while True:
        try:
            work(port, pair)
        except OSError:
            PAUSE.wait(0.001)


def main() -> None:
    kind, port, pair = sys.argv[1:4]
    many = 1 if kind in ("huge", "rubbish", "rubbish with QoS 1", "topics") else THREADS
    for _ in range(many):
        threading.Thread(target=again, args=(KINDS[kind], int(port), pair), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
