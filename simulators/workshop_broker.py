"""The broker of a test: started on a free port, listened to and published to by the test itself."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from pathlib import Path

from simulators.broker import Account, Broker
from simulators.rules import BROKER, KILLED, STOPPED
from simulators.wires.mqtt import BrokerAccount, MqttWire, Received
from simulators.workshop import Workshop

TESTER, GATEWAY, COLLECTOR = "tester", "gateway", "collector"
DOWN_AFTER_S = 5.0

_ACCOUNTS = (
    Account(TESTER, publish=("#",), subscribe=("#",)),
    # The rights of real ones: a test with these finds what only works with an account that may do everything.
    Account(
        GATEWAY,
        publish=tuple(f"dayuan/1/+/+/{channel}" for channel in ("up", "birth", "status")),
        subscribe=("#",),
    ),
    Account(
        COLLECTOR,
        publish=tuple(f"dayuan/1/+/+/{channel}" for channel in ("ack", "cmd", "config", "grants")),
        subscribe=tuple(f"dayuan/1/+/+/{channel}" for channel in ("up", "birth", "status")),
    ),
)


class NoBroker(Exception):
    """There is no broker to be started; the message says what to install."""


class Listener:
    """A subscription that the test holds: everything that was published since it began, or was retained."""

    def __init__(self, workshop: Workshop, wire: MqttWire, topic: str) -> None:
        self._workshop, self._wire, self.topic = workshop, wire, topic
        self._received: list[Received] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        self._tasks = [
            asyncio.create_task(self._wire.run(), name=f"listener[{self.topic}]"),
            asyncio.create_task(self._collect(), name=f"collect[{self.topic}]"),
        ]
        await self._wire.wait_connected()

    async def _collect(self) -> None:
        async for message in self._wire.messages():
            self._received.append(message)

    def messages(self, at_least: int = 0, within_s: float = 5.0) -> list[Received]:
        """Everything so far, oldest first: ``topic``, ``payload`` (bytes), ``retain``; waits for ``at_least``."""
        __tracebackhide__ = True
        self._workshop.until(
            lambda: len(self._received) >= at_least,
            within_s,
            lambda: f"{at_least} messages on {self.topic}; there came {len(self._received)}",
        )
        return list(self._received)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


class LocalBroker:
    """A broker with an account that may use every topic. ``host``, ``port``, ``url``, ``username``, ``password()``."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._broker = Broker(workshop.folder / "broker", port=workshop.new_port(), accounts=_ACCOUNTS)
        if self._broker.embedded and importlib.util.find_spec("amqtt") is None:
            raise NoBroker(
                "neither mosquitto nor the embedded broker is installed: `apt-get install mosquitto`, "
                "or `pip install 'dayuan[sim]'` for the embedded one"
            )
        self._broker.prepare()
        workshop.logs.append(self._broker.child.log)
        self._listeners: list[Listener] = []
        self._clients = 0
        self.account = self._broker.account(TESTER)
        self.host, self.port, self.username = self.account.host, self.account.port, TESTER
        self.url = f"mqtt://{self.host}:{self.port}"
        assert self.account.password_file is not None
        self.password_file: Path = self.account.password_file

    @property
    def software(self) -> str:
        """mosquitto, or the embedded one."""
        return self._broker.software

    @property
    def running(self) -> bool:
        return self._broker.child.running

    @property
    def log(self) -> Path:
        return self._broker.child.log

    def password(self) -> str:
        """Of the account; made anew for each test."""
        return self.password_file.read_text(encoding="utf-8").strip()

    def account_of(self, name: str) -> BrokerAccount:
        """Another account: "gateway" and "collector" have the rights that such a part needs and no more."""
        return self._broker.account(name)

    def listen(self, topic: str) -> Listener:
        """Subscribe to a topic filter, QoS 1; what is published from now on waits for `Listener.messages`."""
        listener = Listener(self._workshop, self._wire("listener", topic), topic)
        self._workshop.do(listener.begin)
        self._listeners.append(listener)
        return listener

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        """Publish once with QoS 1; returns when the broker has it."""
        body = payload.encode() if isinstance(payload, str) else payload
        wire = self._wire("publisher")

        async def send() -> None:
            running = asyncio.create_task(wire.run(), name="publisher")
            try:
                await wire.publish(topic, body, retain=retain)
            finally:
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running

        self._workshop.do(send)

    def _wire(self, role: str, *topics: str) -> MqttWire:
        self._clients += 1
        return MqttWire(self.account, f"{role}-{self._clients}", self._workshop.clock, subscribe=topics)

    def start(self) -> None:
        """Start it, or start it again after `stop` or `kill`: the same port, the same accounts."""
        if not self.running:
            self._workshop.do(lambda: self._broker.start(self._workshop.clock))

    def stop(self) -> None:
        """End it as an operator would."""
        self._workshop.do(lambda: self._broker.child.stop(DOWN_AFTER_S))
        self._happened(STOPPED)

    def kill(self) -> None:
        """SIGKILL: what it had not yet written to its disk is gone."""
        self._workshop.do(self._broker.child.kill)
        self._happened(KILLED)

    def _happened(self, what: str) -> None:
        now_ms = self._workshop.clock.now_ms()
        self._workshop.call(lambda: self._workshop.ledger.happened(now_ms, what, BROKER))

    def close(self) -> None:
        for listener in self._listeners:
            self._workshop.do(listener.end)
        self._workshop.do(lambda: self._broker.child.stop(DOWN_AFTER_S))
