"""The broker's certificate is renewed while it serves: nobody is cut off, nothing is lost, and new clients see it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from cloud.identity.authority import Authority, BadAuthority
from cloud.identity.broker_files import CERTIFICATE, KEY, broker_certificate, is_ending, renew_broker
from cloud.identity.certificate_watch import GRACE_MS, CertificateWatch
from cloud.identity.private_files import PUBLIC, put
from cloud.registry.database import Database
from cloud.registry.identity_book import IdentityBook
from cloud.settings import load_cloud
from cloud.store.contract import GatewayKey
from protocols.certificates import Certificate, make_request, new_key, read_certificate, read_request
from protocols.clock import ManualClock, SystemClock
from tests.cloud.identity.tls_broker import WAIT_S, Client, TlsBroker, tls_broker

START = 1_790_000_000_000


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[TlsBroker]:
    with tls_broker(tmp_path, Authority(tmp_path / "identity", SystemClock())) as running:
        yield running


def shown_by(broker: TlsBroker) -> int:
    """The serial number of the certificate that the broker shows."""
    made = broker.authority.issue_client("collector")
    pair = broker.folder / "looking.pem"
    pair.write_bytes(made.key + made.certificate.pem)
    context = ssl.create_default_context(cafile=str(broker.authority.folder / "ca.pem"))
    context.load_cert_chain(str(pair))
    with socket.create_connection(("127.0.0.1", broker.port), 5) as wire:
        with context.wrap_socket(wire, server_hostname="localhost") as link:
            der = link.getpeercert(binary_form=True)
    assert der is not None
    return read_certificate(ssl.DER_cert_to_PEM_cert(der).encode()).serial


def test_a_renewed_certificate_is_shown_to_new_clients_and_those_within_lose_nothing(broker: TlsBroker) -> None:
    short = broker.authority.renew_server(broker_certificate(broker.files).pem, days=1 / 24)
    put(broker.files / CERTIFICATE, short.pem, PUBLIC)
    gateway, collector = Client(broker, "east/b3").online(), Client(broker, "collector").online()
    collector.subscribe("dayuan/1/+/+/up")
    sent = 0
    made = short
    for _ in range(3):
        for _ in range(20):
            assert gateway.publish("dayuan/1/east/b3/up", str(sent))
            sent += 1
        made, told = renew_broker(broker.files, broker.authority)
        assert told
        for _ in range(20):
            assert gateway.publish("dayuan/1/east/b3/up", str(sent))
            sent += 1
    deadline = time.monotonic() + WAIT_S
    while (shown_by(broker) != made.serial or len(collector.got) < sent) and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert shown_by(broker) == made.serial
    assert [int(payload) for _, payload in collector.got] == list(range(sent))
    assert not gateway.gone.is_set()
    assert not collector.gone.is_set()
    for each in (gateway, collector):
        each.close()


def test_names_and_key_stay_and_another_authority_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ours", SystemClock())
    authority.open()
    pair = authority.issue_server(["broker.example", "10.0.0.5"], days=1)
    (tmp_path / CERTIFICATE).write_bytes(pair.certificate.pem)
    (tmp_path / KEY).write_bytes(pair.key)
    made, told = renew_broker(tmp_path, authority)
    assert (made.public_key, made.name, told) == (pair.certificate.public_key, "broker.example", False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / CERTIFICATE, tmp_path / KEY)
    assert made.not_after > pair.certificate.not_after
    other = Authority(tmp_path / "other", SystemClock())
    other.open()
    with pytest.raises(BadAuthority, match="by this authority"):
        renew_broker(tmp_path, other)
    with pytest.raises(BadAuthority, match="broker files"):
        renew_broker(tmp_path / "nothing", authority)
    assert broker_certificate(tmp_path) == made


class Board:
    """Alarms that stand."""

    def __init__(self) -> None:
        self.standing: dict[tuple[str, str], Mapping[str, str]] = {}

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, str]) -> None:
        self.standing[kind, source] = args

    def clear_alarm(self, kind: str, source: str) -> None:
        self.standing.pop((kind, source), None)


async def test_the_collector_renews_when_a_third_is_left_and_says_so_when_it_cannot(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, board = ManualClock(START), Board()
    authority = Authority(tmp_path / "identity", clock)
    authority.open()
    pair = authority.issue_server(["broker.example"], days=30)
    (tmp_path / CERTIFICATE).write_bytes(pair.certificate.pem)
    settings = msgspec.structs.replace(load_cloud(None), broker_files=tmp_path)
    watch = CertificateWatch(settings, authority, IdentityBook(database, clock), clock, board)
    await clock.advance(19 * 86_400)
    await watch.look()
    assert broker_certificate(tmp_path) == pair.certificate
    await clock.advance(86_400 + 3600)

    def full(*_: object) -> None:
        raise BadAuthority("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("cloud.identity.certificate_watch.renew_broker", full)
        await watch.look()
    assert board.standing["broker_certificate_ending", "collector"]["detail"] == "disk full"
    await watch.look()
    assert board.standing == {}
    assert not is_ending(broker_certificate(tmp_path), clock.now_ms())


async def test_a_gateway_that_did_not_renew_is_an_alarm_until_it_does_or_is_revoked(
    tmp_path: Path, database: Database
) -> None:
    clock, board = ManualClock(START), Board()
    authority, book = Authority(tmp_path / "identity", clock), IdentityBook(database, clock)
    authority.open()
    keys = [GatewayKey("east", "b3"), GatewayKey("east", "b4")]
    for key in keys:
        await book.put_code(key, "code", expires_at=START + 1)
        assert await book.enrol(key, "code", issued(authority, key))
    watch = CertificateWatch(load_cloud(None), authority, book, clock, board)
    third_s = 365 * 86_400 / 3
    await clock.advance(2 * third_s)
    await watch.look()
    assert board.standing == {}, "it may ask within the hour"
    await clock.advance(GRACE_MS / 1000)
    await watch.look()
    assert set(board.standing) == {("gateway_certificate_ending", f"east/{name}") for name in ("b3", "b4")}
    assert board.standing["gateway_certificate_ending", "east/b3"]["until"].startswith("20")
    assert await book.add_certificate(keys[0], issued(authority, keys[0]))
    await book.revoke(keys[1], "")
    await watch.look()
    assert board.standing == {}


def issued(authority: Authority, key: GatewayKey) -> Certificate:
    name = f"{key.site}/{key.gateway}"
    return authority.issue_gateway(read_request(make_request(new_key(), name)), name)
