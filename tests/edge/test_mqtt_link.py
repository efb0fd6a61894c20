"""The MQTT door of the gateway against a real mosquitto."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from edge.contract import LinkMessage, Will
from edge.mqtt_link import INCOMING_BYTES_MAX, PUBLISH_BYTES_MAX, MqttDialer, MqttLink
from protocols.errors import BadPayload, WireLost
from protocols.mqtt_url import MqttUrl
from tests.edge.mosquitto import Mosquitto, free_port, mosquitto
from tests.waiting import until


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@asynccontextmanager
async def serving(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[MqttUrl]:
    """A TCP server with this handler; leaving waits until every connection is closed."""
    open_connections = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_connections
        open_connections += 1
        await handler(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        open_connections -= 1

    server = await asyncio.start_server(counted, "127.0.0.1", 0)
    try:
        yield MqttUrl("127.0.0.1", server.sockets[0].getsockname()[1], False)
    finally:
        server.close()
        await until(lambda: open_connections == 0, what="every connection closed")


async def take(link: MqttLink, count: int, within_s: float = 5) -> list[LinkMessage]:
    got: list[LinkMessage] = []
    async with asyncio.timeout(within_s):
        async for message in link.messages():
            got.append(message)
            if len(got) == count:
                break
    return got


async def test_a_message_goes_round_with_qos_1(broker: Mosquitto) -> None:
    async with await MqttDialer(url=broker.url)(client_id="a") as link:
        await link.subscribe("t/+")
        await link.publish("t/1", b"hello")
        [message] = await take(link, 1)
        assert (message.topic, message.payload, message.qos, message.retain) == ("t/1", b"hello", 1, False)
        await link.acknowledge(message)


async def test_a_message_that_was_not_acknowledged_comes_again_to_the_same_session_with_dup(broker: Mosquitto) -> None:
    dial = MqttDialer(url=broker.url, clean_session=False)
    link = await dial(client_id="keeper")
    assert not link.session_present
    await link.subscribe("t")
    for n in range(3):
        await link.publish("t", b"%d" % n)
    first, second, third = await take(link, 3)
    await link.acknowledge(second)
    await link.close()

    async with await dial(client_id="keeper") as link:
        assert link.session_present
        again = await take(link, 2)
        assert [(m.payload, m.dup) for m in again] == [(b"0", True), (b"2", True)]
        for message in again:
            await link.acknowledge(message)
    async with await dial(client_id="keeper") as link:
        await link.publish("t", b"last")
        assert [m.payload for m in await take(link, 1)] == [b"last"]
    assert not first.dup
    assert not third.dup


async def test_messages_queued_for_an_offline_session_arrive_before_subscribe_is_called(broker: Mosquitto) -> None:
    dial = MqttDialer(url=broker.url, clean_session=False)
    async with await dial(client_id="keeper") as link:
        await link.subscribe("t")
    async with await MqttDialer(url=broker.url)(client_id="other") as other:
        for n in range(15):
            await other.publish("t", b"%d" % n)
    async with await dial(client_id="keeper") as link:
        assert [m.payload for m in await take(link, 15)] == [b"%d" % n for n in range(15)]


async def test_retained_messages_are_marked(broker: Mosquitto) -> None:
    async with await MqttDialer(url=broker.url)(client_id="a") as link:
        await link.publish("t/old", b"x", retain=True)
        await link.subscribe("t/#")
        await link.publish("t/new", b"y", retain=True)
        assert [(m.topic, m.retain) for m in await take(link, 2)] == [("t/old", True), ("t/new", False)]


async def test_many_concurrent_publishes_arrive_in_order(broker: Mosquitto) -> None:
    async with await MqttDialer(url=broker.url)(client_id="a") as link:
        await link.subscribe("t")

        async def acknowledging() -> list[bytes]:
            got: list[bytes] = []
            async for message in link.messages():
                got.append(message.payload)
                await link.acknowledge(message)
                if len(got) == 300:
                    break
            return got

        async with asyncio.TaskGroup() as group:
            reader = group.create_task(acknowledging())
            for n in range(300):
                group.create_task(link.publish("t", b"%d" % n))
        assert reader.result() == [b"%d" % n for n in range(300)]


async def test_cancelling_the_reader_loses_no_message(broker: Mosquitto) -> None:
    async with await MqttDialer(url=broker.url)(client_id="a") as link:
        await link.subscribe("t", qos=0)

        async def publishing() -> None:
            for n in range(400):
                await link.publish("t", b"%d" % n, qos=0)
                await asyncio.sleep(0)

        got: list[bytes] = []
        task = asyncio.create_task(publishing())
        async with asyncio.timeout(10):
            while len(got) < 400:
                try:
                    async with asyncio.timeout(0.0004):
                        async for message in link.messages():
                            got.append(message.payload)
                except TimeoutError:
                    pass
        await task
        assert got == [b"%d" % n for n in range(400)]


async def test_a_killed_broker_ends_reader_and_publishers_with_a_reason(broker: Mosquitto) -> None:
    link = await MqttDialer(url=broker.url)(client_id="a")
    await link.subscribe("t")
    await link.publish("t", b"before")
    await until(lambda: len(link._inbox.waiting) == 1)
    broker.kill()
    got = []
    with pytest.raises(WireLost, match="connection lost"):
        async with asyncio.timeout(5):
            async for message in link.messages():
                got.append(message.payload)
    assert got == [b"before"]
    with pytest.raises(WireLost):
        await link.publish("t", b"after")
    with pytest.raises(WireLost):
        await link.acknowledge(LinkMessage("t", b"", 1, 1, False, False))
    await link.close()
    await link.close()


async def test_a_broker_that_freezes_is_noticed_by_the_missing_puback(tmp_path: Path) -> None:
    async def silent_after_connack(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x20\x02\x00\x00")
        while await reader.read(1000):
            pass

    async with serving(silent_after_connack) as url:
        link = await MqttDialer(url=url, answer_s=0.2)(client_id="a")
        with pytest.raises(WireLost, match=r"no PUBACK within 0\.2 s"):
            await link.publish("t", b"x")
        with pytest.raises(WireLost, match="no PUBACK"):
            async for _ in link.messages():
                pass
        await link.close()


async def test_nothing_listening_is_said_so() -> None:
    port = free_port()
    with pytest.raises(WireLost, match="connection refused: nothing listens there"):
        await MqttDialer(url=MqttUrl("127.0.0.1", port, False))(client_id="a")


async def test_an_unknown_host_is_said_so() -> None:
    with pytest.raises(WireLost, match="cannot be resolved"):
        await MqttDialer(url=MqttUrl("no-such-host.invalid", 1883, False))(client_id="a")


async def test_wrong_password_and_missing_password_are_told_apart_from_a_lost_wire(tmp_path: Path) -> None:
    (tmp_path / "passwords").touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(tmp_path / "passwords"), "gate", "right"], check=True)
    secret = tmp_path / "secret"
    with mosquitto(tmp_path, f"password_file {tmp_path / 'passwords'}", anonymous=False) as broker:
        secret.write_text("wrong\n")
        with pytest.raises(WireLost, match="password"):
            await MqttDialer(url=broker.url, username="gate", password_file=secret)(client_id="a")
        with pytest.raises(WireLost, match="password"):
            await MqttDialer(url=broker.url)(client_id="a")
        secret.write_text("right\n")
        async with await MqttDialer(url=broker.url, username="gate", password_file=secret)(client_id="a"):
            pass
        with pytest.raises(WireLost, match="nowhere"):
            await MqttDialer(url=broker.url, username="gate", password_file=tmp_path / "nowhere")(client_id="a")


def make_certificates(folder: Path, host: str) -> None:
    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test ca")
    openssl("req", "-x509", *key, "-keyout", "alien.key", "-out", "alien.pem", "-days", "2", "-subj", "/CN=alien ca")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={host}")
    (folder / "ext").write_text(f"subjectAltName=DNS:{host}\n")
    openssl(
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-out", "server.pem", "-days", "2", "-extfile", "ext"),
    )
    (folder / "server.key").chmod(0o644)


async def test_tls_verifies_authority_and_name(tmp_path: Path) -> None:
    make_certificates(tmp_path, "localhost")
    broker = Mosquitto(tmp_path, "per_listener_settings false")
    files = (f"certfile {tmp_path}/server.pem", f"keyfile {tmp_path}/server.key", f"cafile {tmp_path}/ca.pem")
    port = broker.add_listener(*files)
    broker.start()
    try:
        ca, alien = tmp_path / "ca.pem", tmp_path / "alien.pem"
        async with await MqttDialer(url=MqttUrl("localhost", port, True), ca_file=ca)(client_id="a") as link:
            await link.publish("t", b"x")
        with pytest.raises(WireLost, match=r"certificate is not for 127\.0\.0\.1"):
            await MqttDialer(url=MqttUrl("127.0.0.1", port, True), ca_file=ca)(client_id="a")
        with pytest.raises(WireLost, match=r"not signed by .*alien"):
            await MqttDialer(url=MqttUrl("localhost", port, True), ca_file=alien)(client_id="a")
        with pytest.raises(WireLost, match="set ca_file"):
            await MqttDialer(url=MqttUrl("localhost", port, True))(client_id="a")
        with pytest.raises(WireLost, match="does the broker speak TLS"):
            await MqttDialer(url=MqttUrl("localhost", broker.port, True), ca_file=ca)(client_id="a")
        with pytest.raises(WireLost, match="mqtts://"):
            await MqttDialer(url=MqttUrl("localhost", port, False))(client_id="a")
    finally:
        broker.stop()


async def test_the_will_is_published_on_loss_and_not_on_close(broker: Mosquitto) -> None:
    async with await MqttDialer(url=broker.url)(client_id="watcher") as watcher:
        await watcher.subscribe("will/#")
        link = await MqttDialer(url=broker.url)(client_id="a", will=Will("will/a", b"gone"))
        await link.close()
        lost = await MqttDialer(url=broker.url)(client_id="b", will=Will("will/b", b"gone"))
        sock = lost._paho.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)
        [message] = await take(watcher, 1)
        assert message.topic == "will/b"
        await lost.close()


async def test_an_oversized_publish_is_refused_before_it_leaves(broker: Mosquitto) -> None:
    async with await MqttDialer(url=broker.url)(client_id="a") as link:
        with pytest.raises(BadPayload, match="too_large"):
            await link.publish("t", bytes(PUBLISH_BYTES_MAX + 1))
        await link.publish("t", b"the next one passes")


async def test_an_oversized_message_is_dropped_counted_and_never_comes_back(broker: Mosquitto) -> None:
    dial = MqttDialer(url=broker.url, clean_session=False)
    async with await dial(client_id="keeper") as link:
        await link.subscribe("t")
        big = broker.folder / "big"
        big.write_bytes(bytes(INCOMING_BYTES_MAX + 1))
        command = ["mosquitto_pub", "-p", str(broker.port), "-t", "t", "-q", "1", "-f", str(big)]
        await asyncio.to_thread(subprocess.run, command, check=True)
        await link.publish("t", b"small")
        [message] = await take(link, 1)
        assert message.payload == b"small"
        assert link.dropped == {"too_large": 1}
        await link.acknowledge(message)
    async with await dial(client_id="keeper") as link:
        await link.publish("t", b"next")
        assert [m.payload for m in await take(link, 1)] == [b"next"]
        assert not link.dropped


async def test_a_refused_subscription_is_told(tmp_path: Path) -> None:
    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\x20\x02\x00\x00")
        subscribe = await reader.read(100)
        writer.write(b"\x90\x03" + subscribe[2:4] + b"\x80")
        await reader.read(100)

    async with serving(refuses) as url:
        link = await MqttDialer(url=url)(client_id="a")
        with pytest.raises(WireLost, match="refused the subscription"):
            await link.subscribe("secret/#")
        await link.close()


async def test_a_cancelled_connect_leaves_nothing_behind() -> None:
    async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()

    gone = asyncio.Event()
    async with serving(never_answers) as url:
        connecting = asyncio.create_task(MqttDialer(url=url, answer_s=0.3)(client_id="a"))
        await asyncio.sleep(0.05)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        async with asyncio.timeout(3):
            await gone.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux only")
async def test_the_socket_sends_at_once_and_gives_up_on_a_dead_peer(broker: Mosquitto) -> None:
    async with await MqttDialer(url=broker.url)(client_id="a") as link:
        sock = link._paho.socket()
        assert isinstance(sock, socket.socket)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
