"""A broker in memory, with the semantics that matter: sessions, QoS 1, repeats, retained messages, wills, full queues.

And with what goes wrong: connections that are cut or go silent, slow wires, messages that are acknowledged to the
sender and yet lost, doubled or late, restarts that keep everything, forget everything or remember an older state.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from edge.contract import Will
from protocols.batch import digest
from protocols.errors import WireLost
from tests.proof.sim_loop import Trace

ANSWER_S = 10.0
CONNECT_S = 15.0
SILENCE_S = 45.0
"""One and a half keepalives: then a silent connection is given up by both ends."""
QUEUE_MAX = 1000
INFLIGHT_MAX = 20


class Message(NamedTuple):
    topic: str
    payload: bytes
    retain: bool = False
    dup: bool = False


@dataclass
class Weather:
    """What goes wrong with messages on their way, as shares of one."""

    ack_lost: float = 0.0
    ack_late: float = 0.0
    late_s: float = 0.0
    up_lost: float = 0.0
    doubled: float = 0.0
    slow_s: dict[str, float] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    """Client id -> ``refused`` or ``silent``."""


@dataclass
class _Kept:
    """A client as the broker knows it."""

    clean: bool
    filters: list[str] = field(default_factory=list)
    connection: Connection | None = None
    inflight: dict[int, Message] = field(default_factory=dict)
    queue: deque[Message] = field(default_factory=deque)
    mid: int = 0


class Connection:
    """One connection, with its two ends; what is under way when it is cut arrives nowhere."""

    def __init__(self, broker: SimBroker, client_id: str, will: Will | None) -> None:
        self.broker = broker
        self.client_id = client_id
        self.will = will
        self.reason = ""
        self.silent = False
        self.heard = True
        """False when the broker has given it up."""
        self.on_message: Callable[[Message, int], None] = lambda message, mid: None
        self.on_lost: Callable[[str], None] = lambda reason: None
        self._loop = asyncio.get_running_loop()
        self._mid = 0
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._up_at = self._down_at = 0.0

    # The client's end

    async def ask(self, request: Callable[[], None], answer: str) -> None:
        """Send something and wait until the broker has answered it. Raises WireLost."""
        if self.reason:
            raise WireLost(self.reason)
        self._mid += 1
        mid = self._mid
        future = self._waiting[mid] = self._loop.create_future()
        self.up(lambda: self._answer(request, mid))
        timer = self._loop.call_later(ANSWER_S, self.lose, f"no {answer} within {ANSWER_S:g} s")
        try:
            await future
        finally:
            timer.cancel()
            self._waiting.pop(mid, None)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        await self.ask(lambda: self.broker.take(self, Message(topic, payload, retain)), "PUBACK")

    async def subscribe(self, topic_filter: str) -> None:
        await self.ask(lambda: self.broker.subscribe(self, topic_filter), "SUBACK")

    def acknowledge(self, mid: int) -> None:
        if not self.reason:
            self.up(lambda: self.broker.released(self, mid))

    def close(self) -> None:
        """A clean goodbye: no will."""
        if not self.reason:
            self.up(lambda: self.broker.gone(self, graceful=True))
            self.lose("closed")

    def lose(self, reason: str) -> None:
        """The client's end is gone; the broker hears of it by itself."""
        if self.reason:
            return
        self.reason = reason
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(WireLost(reason))
                future.exception()
        if reason != "closed":
            self._loop.call_later(0.05 if not self.silent else SILENCE_S, self.broker.gone, self)
        self.on_lost(reason)

    # Between the ends

    def up(self, then: Callable[[], None]) -> None:
        self._up_at = max(self._up_at, self._loop.time() + self.broker.latency_s(self.client_id))
        self._loop.call_at(self._up_at, self._arrive_up, then)

    def down(self, then: Callable[[], None]) -> None:
        self._down_at = max(self._down_at, self._loop.time() + self.broker.latency_s(self.client_id))
        self._loop.call_at(self._down_at, self._arrive_down, then)

    def cut(self, reason: str) -> None:
        """Both ends see it at once."""
        self.broker.gone(self)
        self.lose(reason)

    def go_silent(self) -> None:
        """Nothing passes any more, and nobody is told."""
        if not self.silent and not self.reason:
            self.silent = True
            self._loop.call_later(SILENCE_S, self.lose, "no answer to a ping")
            self._loop.call_later(SILENCE_S, self.broker.gone, self)

    def _arrive_up(self, then: Callable[[], None]) -> None:
        if self.heard and not self.silent:
            then()

    def _arrive_down(self, then: Callable[[], None]) -> None:
        if not self.reason and not self.silent:
            then()

    def _answer(self, request: Callable[[], None], mid: int) -> None:
        request()
        if self.heard:
            self.down(lambda: self._answered(mid))

    def _answered(self, mid: int) -> None:
        future = self._waiting.get(mid)
        if future is not None and not future.done():
            future.set_result(None)


class SimBroker:
    """See the module. `met` counts what went wrong."""

    def __init__(self, rng: random.Random, trace: Trace) -> None:
        self._rng = rng
        self._trace = trace
        self._loop = asyncio.get_running_loop()
        self.is_up = True
        self.weather = Weather()
        self.met: Counter[str] = Counter()
        self.retained: dict[str, bytes] = {}
        self._clients: dict[str, _Kept] = {}
        self._saved: dict[str, _Kept] = {}
        self.dials: Counter[str] = Counter()

    async def dial(self, client_id: str, will: Will | None, *, clean: bool) -> Connection:
        self.dials[client_id] += 1
        await asyncio.sleep(2 * self.latency_s(client_id))
        block = self.weather.blocked.get(client_id)
        if block == "silent":
            await asyncio.sleep(CONNECT_S)
            raise WireLost(f"no answer within {CONNECT_S:g} s")
        if block or not self.is_up:
            raise WireLost("connection refused")
        known = self._clients.get(client_id)
        if known is not None and known.connection is not None:
            known.connection.cut("taken over")
            known = self._clients.get(client_id)
        if known is None or clean or known.clean:
            known = self._clients[client_id] = _Kept(clean)
        connection = Connection(self, client_id, will)
        known.connection = connection
        self._trace(f"broker: {client_id} connects, {len(known.queue)} wait")
        waiting, known.queue = known.queue, deque()
        again = [message._replace(dup=True) for message in known.inflight.values()]
        known.inflight = {}
        # The client sets its callbacks before the first message can arrive.
        self._loop.call_soon(self._send_all, known, connection, [*again, *waiting])
        return connection

    def subscribe(self, connection: Connection, topic_filter: str) -> None:
        known = self._clients[connection.client_id]
        if topic_filter not in known.filters:
            known.filters.append(topic_filter)
        for name, payload in list(self.retained.items()):
            if matches(topic_filter, name):
                self._send(known, Message(name, payload, retain=True))

    def take(self, connection: Connection | None, message: Message) -> None:
        """Take a message and pass it on; it is acknowledged to its sender whatever becomes of it."""
        topic, payload = message.topic, message.payload
        channel = topic.rpartition("/")[2]
        if channel != "status":  # a status says how much memory this process has
            self._trace(f"broker: {topic} {digest(payload)}")
        if message.retain:
            self.retained[topic] = payload
        weather, rng = self.weather, self._rng
        if channel == "ack" and rng.random() < weather.ack_lost:
            self.met["acks lost"] += 1
            return
        if channel == "up" and rng.random() < weather.up_lost:
            self.met["batches lost by the broker"] += 1
            return
        if channel == "ack" and rng.random() < weather.ack_late:
            self.met["acks late"] += 1
            self._loop.call_later(rng.uniform(0.0, weather.late_s), self._route, topic, payload)
            return
        self._route(topic, payload)
        if channel in ("up", "ack") and rng.random() < weather.doubled:
            self.met["messages doubled"] += 1
            self._loop.call_later(rng.choice((0.0, 1.0, 200.0)), self._route, topic, payload)

    def released(self, connection: Connection, mid: int) -> None:
        known = self._clients.get(connection.client_id)
        if known is None or known.connection is not connection:
            return
        known.inflight.pop(mid, None)
        while known.queue and len(known.inflight) < INFLIGHT_MAX:
            self._send(known, known.queue.popleft())

    def gone(self, connection: Connection, *, graceful: bool = False) -> None:
        """The broker gives a connection up."""
        if not connection.heard:
            return
        connection.heard = False
        known = self._clients.get(connection.client_id)
        if known is None or known.connection is not connection:
            return
        known.connection = None
        self._trace(f"broker: {connection.client_id} is gone{' with a goodbye' if graceful else ''}")
        if known.clean:
            del self._clients[connection.client_id]
        if connection.will is not None and not graceful:
            will = connection.will
            self.take(None, Message(will.topic, will.payload, will.retain))

    def cut(self, client_id: str) -> None:
        connection = self._connection(client_id)
        if connection is not None:
            self.met["connections cut"] += 1
            connection.cut("reset by the other side")

    def go_silent(self, client_id: str) -> None:
        connection = self._connection(client_id)
        if connection is not None:
            self.met["connections gone silent"] += 1
            connection.go_silent()

    def save(self) -> None:
        """What a broker that writes its state now and then would find after a crash."""
        self._saved = {
            name: replace(
                known,
                connection=None,
                filters=list(known.filters),
                inflight=dict(known.inflight),
                queue=deque(known.queue),
            )
            for name, known in self._clients.items()
            if not known.clean
        }

    def stop(self, memory: str) -> None:
        """Crash. ``memory``: what the next start finds: ``all``, ``old`` (as it was saved) or ``nothing``."""
        self._trace(f"broker stops, remembers {memory}")
        self.met[f"broker restarts, remembering {memory}"] += 1
        self.is_up = False
        for known in list(self._clients.values()):
            if known.connection is not None:
                connection, known.connection = known.connection, None
                connection.heard = False
                connection.lose("the broker is gone")
        if memory == "all":
            self._clients = {name: known for name, known in self._clients.items() if not known.clean}
            return
        self.retained.clear()
        self._clients = {} if memory == "nothing" else self._saved
        self._saved = {}

    def start(self) -> None:
        self.is_up = True
        self._trace("broker starts")

    def latency_s(self, client_id: str) -> float:
        slow_s = self.weather.slow_s.get(client_id, 0.0)
        return self._rng.uniform(0.001, slow_s or 0.03)

    def _connection(self, client_id: str) -> Connection | None:
        known = self._clients.get(client_id)
        return known.connection if known is not None else None

    def _route(self, topic: str, payload: bytes) -> None:
        if not self.is_up:
            return
        for known in list(self._clients.values()):
            if any(matches(each, topic) for each in known.filters):
                self._send(known, Message(topic, payload))

    def _send_all(self, known: _Kept, connection: Connection, messages: list[Message]) -> None:
        if known.connection is not connection:
            known.queue.extendleft(reversed(messages))
            return
        newer, known.queue = known.queue, deque()
        for message in [*messages, *newer]:
            self._send(known, message)

    def _send(self, known: _Kept, message: Message) -> None:
        connection = known.connection
        if connection is None or len(known.inflight) >= INFLIGHT_MAX:
            if len(known.queue) >= QUEUE_MAX:
                self.met["messages beyond the broker's queue"] += 1
            else:
                known.queue.append(message)
            return
        known.mid += 1
        mid = known.mid
        known.inflight[mid] = message
        connection.down(lambda: connection.on_message(message, mid))


def matches(topic_filter: str, topic: str) -> bool:
    """MQTT's rule for ``+``; ``#`` is not used here."""
    wanted, parts = topic_filter.split("/"), topic.split("/")
    return len(wanted) == len(parts) and all(a in ("+", b) for a, b in zip(wanted, parts, strict=True))
