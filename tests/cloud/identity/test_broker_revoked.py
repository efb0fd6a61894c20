"""What the broker kept for a gateway that is revoked: nobody is ever given it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from pathlib import Path

import paho.mqtt.client as paho

from cloud.identity.authority import Authority
from cloud.ingest.takeover import take_over
from protocols.clock import SystemClock
from protocols.mqtt_url import parse_mqtt_url
from tests.cloud.identity.tls_broker import WAIT_S, Client, TlsBroker, tls_broker

NAME, TOPIC = "east/b3", "dayuan/1/east/b3/cmd"


class Kept:
    """A gateway with a session that the broker keeps, as the real one has (MQTT 3.1.1)."""

    def __init__(self, broker: TlsBroker) -> None:
        self.got: list[bytes] = []
        self.there, self.subscribed = threading.Event(), threading.Event()
        self.session_kept: bool | None = None
        made = broker.authority.issue_client(NAME)
        self.path = broker.folder / "kept.pem"
        self.path.write_bytes(made.key + made.certificate.pem)
        context = ssl.create_default_context(cafile=str(broker.authority.folder / "ca.pem"))
        context.load_cert_chain(str(self.path))
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=NAME, clean_session=False, reconnect_on_failure=False
        )
        self.client.tls_set_context(context)
        self.client.on_connect = self._connected
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = lambda _c, _u, message: self.got.append(message.payload)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        assert self.there.wait(WAIT_S)

    def _connected(self, _client: object, _data: object, flags: paho.ConnectFlags, *_: object) -> None:
        self.session_kept = flags.session_present
        self.there.set()

    def listen(self) -> None:
        self.client.subscribe(TOPIC, 1)
        assert self.subscribed.wait(WAIT_S)

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_orders_kept_for_a_gateway_that_was_away_are_gone_once_it_is_revoked(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "identity", SystemClock())
    with tls_broker(tmp_path, authority) as broker:
        first = Kept(broker)
        first.listen()
        first.leave()
        collector = Client(broker, "collector").online()
        for number in range(3):
            assert collector.publish(TOPIC, f"order {number}")

        kept = Kept(broker)
        assert kept.session_kept is True, "else this test shows nothing"
        assert _within(lambda: len(kept.got) == 3), kept.got
        kept.leave()
        for number in range(3):
            assert collector.publish(TOPIC, f"later {number}")

        pair = authority.issue_client(NAME, days=1)
        ending = take_over(
            parse_mqtt_url(f"mqtts://localhost:{broker.port}"),
            ca_file=authority.folder / "ca.pem",
            pair=pair.key + pair.certificate.pem,
            client_id=NAME,
        )
        asyncio.run(ending)

        back = Kept(broker)  # as a box would that was enrolled again in that name
        assert back.session_kept is False
        back.listen()
        assert collector.publish(TOPIC, "new")
        assert _within(lambda: b"new" in back.got)
        assert back.got == [b"new"]
        back.leave()
        collector.close()


def _within(condition) -> bool:  # type: ignore[no-untyped-def]
    pause = threading.Event()
    return any(condition() or pause.wait(0.1) for _ in range(100))
