"""A real mosquitto on the files that `dayuan-cloud broker files` writes, and clients with certificates."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from cloud.identity.authority import Authority
from cloud.identity.broker_files import CONF, write_broker_files
from cloud.settings import ListenAddress
from tests.edge.mosquitto import Mosquitto, free_port

WAIT_S = 20.0


class TlsBroker(Mosquitto):
    """As `Mosquitto`, with the settings of the project as they are.

    ``own_user``: started by root it becomes the user mosquitto, which must be able to come to ``folder``.
    """

    def __init__(
        self, folder: Path, authority: Authority, members: tuple[str, ...] = (), *, own_user: bool = False
    ) -> None:
        super().__init__(folder)
        self.authority = authority
        self.files = folder / "broker"
        self.port = free_port()
        authority.open()
        listen = ListenAddress("127.0.0.1", self.port)
        crl = authority.revocation_list([])
        names = ["localhost", "127.0.0.1"]
        write_broker_files(self.files, authority, listen=listen, names=names, connections=100, crl=crl, members=members)
        self._conf = self.files / CONF
        if not own_user:
            self._conf.write_text("user root\n" + self._conf.read_text())


@contextmanager
def tls_broker(
    folder: Path, authority: Authority, members: tuple[str, ...] = (), *, own_user: bool = False
) -> Iterator[TlsBroker]:
    broker = TlsBroker(folder, authority, members, own_user=own_user)
    try:
        yield broker.start()  # type: ignore[misc]
    finally:
        broker.stop()


class Client:
    """One MQTT 5 client, as that version says whether a publish was allowed. `got`: (topic, payload) in order."""

    def __init__(self, broker: TlsBroker, name: str, *, client_id: str = "x", pair: bytes | None = None) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.connected, self.gone = threading.Event(), threading.Event()
        self.refused: object = None
        self._codes: dict[int, object] = {}
        self._answered = threading.Condition()
        self._broker = broker
        path = broker.folder / f"{name.replace('/', '-')}-{id(self)}.pem"
        if pair is None:
            made = broker.authority.issue_client(name)
            pair = made.key + made.certificate.pem
        path.write_bytes(pair)
        context = ssl.create_default_context(cafile=str(broker.authority.folder / "ca.pem"))
        context.load_cert_chain(str(path))
        version = paho.CallbackAPIVersion.VERSION2
        self.paho = paho.Client(version, client_id=client_id, protocol=paho.MQTTv5, reconnect_on_failure=False)
        self.paho.tls_set_context(context)
        self.paho.on_connect = self._on_connect
        self.paho.on_disconnect = lambda *_: self.gone.set()
        self.paho.on_message = lambda _c, _u, message: self.got.append((message.topic, message.payload))
        self.paho.on_publish = lambda _c, _u, mid, code, _p: self._answer(mid, code.value)
        self.paho.on_subscribe = lambda _c, _u, mid, _codes, _p: self._answer(mid, 0)

    def connect(self) -> Client:
        self.paho.connect("127.0.0.1", self._broker.port)
        self.paho.loop_start()
        return self

    def online(self) -> Client:
        self.connect()
        assert self.connected.wait(WAIT_S), self.refused
        return self

    def subscribe(self, *filters: str) -> None:
        for each in filters:
            self._wait(self.paho.subscribe(each, 1)[1])

    def publish(self, topic: str, payload: str = "x", *, retain: bool = False) -> bool:
        """True when the broker allowed it."""
        code = self._wait(self.paho.publish(topic, payload, 1, retain).mid)
        if isinstance(code, int) and code < 128:
            return True
        self.close()  # mosquitto 2.0.11 itself ends a connection after it refused a publish
        self.connected.clear()
        self.gone.clear()
        self.online()
        return False

    def vanish(self) -> None:
        """End without goodbye, so that the will is sent."""
        handle = self.paho.socket()
        assert handle is not None
        handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()
        self.paho._sock_close()  # its thread may have ended before it said goodbye
        for pipe in (self.paho._sockpairR, self.paho._sockpairW):  # paho leaves them open
            if pipe is not None:
                pipe.close()
        self.paho._sockpairR = self.paho._sockpairW = None

    def _on_connect(self, _client: object, _data: object, _flags: object, code: ReasonCode, _: object) -> None:
        if code.is_failure:
            self.refused = code
            self.gone.set()
        else:
            self.connected.set()

    def _answer(self, mid: int, code: object) -> None:
        with self._answered:
            self._codes[mid] = code
            self._answered.notify_all()

    def _wait(self, mid: int | None) -> object:
        assert mid is not None
        with self._answered:
            assert self._answered.wait_for(lambda: mid in self._codes, WAIT_S), "no answer"
            return self._codes.pop(mid)
