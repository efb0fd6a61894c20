"""Who listens to live state, and what goes out to them when.

A change goes out at once when its entity has been quiet, else at most every ``interval_s`` of the entity (an event or
a change of state does not wait that long). Every frame is built once and queued for all clients; a queue is bounded,
and a client that cannot follow gets a fresh snapshot in place of what it missed. The cursor ``epoch.seq`` moves with
every delta and alarm; values and entities remember the seq at which they last went out, so a client that comes back is
told what changed since, from the state itself.
"""

import asyncio
import math
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import numpy as np

from cloud.live.beginnings import Beginnings
from cloud.live.client import Client
from cloud.live.encoded import EncodedEntities
from cloud.live.entities import Change, Entity
from cloud.live.frames import Frame, Recent, event
from cloud.live.state import LiveState
from cloud.store.contract import Ints, Longs
from protocols.clock import Clock
from protocols.errors import Retryable

RESUME_SPAN = 20_000
"""A cursor further behind than this gets a snapshot: it would be most of the state anyway."""
REMEMBERED = 1_000
"""Removals and alarms that a client coming back is told of."""
SHARE = 4
"""Building frames and sending them may take one part in this many of a core; what comes faster waits."""
PAUSE_MAX_S = 0.25
GAP_S = 0.02
"""Between two deltas, so that what comes within a moment goes out together."""
SENDING_MAX_S = 0.001
"""Sending to one client counts for no more: one that reads slowly takes time, but not ours."""
HEARTBEAT_S = 1.0
URGENT_INTERVAL_S = 0.02
"""What happened (a card at a door) does not wait behind the values beside it."""


class TooManyClients(Retryable):
    """Every place is taken."""


class Stream:
    """The clients of live state. ``run`` must run for held-back changes and heartbeats to go out."""

    def __init__(self, live: LiveState, clock: Clock, *, clients_max: int = 200, per_owner_max: int = 20) -> None:
        self._live, self._clock = live, clock
        self._clients_max, self._per_owner_max = clients_max, per_owner_max
        self._ended = False
        self._epoch = secrets.token_hex(4)
        self._seq = 1
        self._floor = 0
        self._clients: set[Client] = set()
        self._went_at: dict[int, float] = {}
        self._not_before = self._urgent_not_before = 0.0
        self._sending_s = 0.0
        """What was spent on sending since the last delta was built."""
        self._removed: deque[tuple[int, str]] = deque(maxlen=REMEMBERED)
        self._fresh_removed: list[str] = []
        self._alarms: deque[tuple[int, Frame]] = deque(maxlen=REMEMBERED)
        self._recent = Recent()
        self._wake = asyncio.Event()
        self._planned = math.inf
        """When the task that sends what was held back looks again."""
        self._encoder = msgspec.json.Encoder()
        self.entities = EncodedEntities(live, clock)
        self.beginnings = Beginnings(
            self.entities,
            self._recent,
            clock,
            at=lambda: (self._seq, self.cursor),
        )
        live.on_change = self._changed
        live.on_restructure = self._restructured
        live.on_removed = self._fresh_removed.append

    @property
    def cursor(self) -> str:
        return f"{self._epoch}.{self._seq}"

    @property
    def clients(self) -> int:
        """How many listen."""
        return len(self._clients)

    @property
    def settled(self) -> bool:
        """True when nothing changed since the cursor last moved."""
        return not (self._live.dirty or self._fresh_removed or self._live.values.pending.any())

    def credentials(self) -> set[str]:
        """Of everybody who listens."""
        return {client.credential for client in self._clients}

    def settle(self) -> None:
        """Let the cursor stand for everything that is known, where that costs nothing: when nobody listens."""
        if not self._clients:
            self._emit(force=True)

    @contextmanager
    def join(self, since: str | None, *, credential: str, owner: str, packed: bool = False) -> Iterator[Client]:
        """Listen for as long as the block lasts. ``since`` is the cursor the client has. Raises TooManyClients."""
        if self._ended:
            raise TooManyClients("the collector is stopping")
        if len(self._clients) >= self._clients_max:
            raise TooManyClients(f"{self._clients_max} pages are listening already")
        if sum(client.owner == owner for client in self._clients) >= self._per_owner_max:
            raise TooManyClients(f"{owner} has {self._per_owner_max} pages listening already")
        self.settle()
        client = Client(credential, owner, packed)
        if since is None:
            client.lagging = "start"
        else:
            client.lagging = self._resume(client, since)
        client.ready.set()
        self._clients.add(client)
        try:
            yield client
        finally:
            self._clients.discard(client)

    async def take(self, client: Client) -> bytes | None:
        """What to send next, waiting for it; None when the stream is over."""
        if client.taken_at is not None:
            self._sending_s += min(self._clock.monotonic() - client.taken_at, SENDING_MAX_S)
            client.taken_at = None
        while not client.closed:
            if client.lagging is not None:
                client.begin(await self.beginnings.frames(client.lagging, packed=client.packed))
            if client.frames:
                client.taken_at = self._clock.monotonic()
                return client.next()
            client.ready.clear()
            await client.ready.wait()
        return None

    def publish_alarm(self, alarm: object) -> None:
        """Tell everybody of an alarm that began, changed or ended."""
        self._seq += 1
        told = event("alarm", self._encoder.encode(alarm), self.cursor)
        self._alarms.append((self._seq, told))
        self._recent.add(self._seq, told)
        self._send(told)

    def end(self, credential: str | None = None) -> None:
        """End the streams of a credential; without one all, for good."""
        self._ended |= credential is None
        for client in self._clients:
            if credential in (None, client.credential):
                client.closed = True
                client.ready.set()

    async def run(self) -> None:
        """Send heartbeats and what was held back, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat(), name="stream heartbeat")
            tasks.create_task(self._send_held_back(), name="stream held back")

    # --- inside ---

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(HEARTBEAT_S)
            self.beginnings.forget_old()
            if self._clients:
                self._send(self._heartbeat())

    async def _send_held_back(self) -> None:
        while True:
            self._planned = math.inf
            await self._wake.wait()
            while self._clients and (due_at := self._due_at()) is not None:
                self._planned = due_at
                self._wake.clear()
                await self._until(due_at)
                self._planned = 0.0  # awake: what is still held back is looked at in the next round
                self._emit()
            self._wake.clear()

    async def _until(self, due_at: float) -> None:
        """Wait for an instant, or for something that is due earlier."""
        sleeping = asyncio.create_task(self._clock.sleep_until(due_at), name="stream sleep")
        waking = asyncio.create_task(self._wake.wait(), name="stream wake")
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    def _heartbeat(self, cursor: str | None = None) -> Frame:
        now = {"cursor": self.cursor, "as_of": self._clock.now_ms()}
        return event("hb", self._encoder.encode(now), cursor)

    def _changed(self) -> None:
        if not self._clients:
            return
        not_before = self._urgent_not_before if self._live.urgent else self._not_before
        if self._clock.monotonic() >= not_before:
            self._emit()
        elif not_before < self._planned:
            self._wake.set()

    def _restructured(self) -> None:
        self._seq += 1
        self._floor = self._seq
        self._recent.skip(self._seq)
        for client in self._clients:
            client.drop("gap")

    def _due_at(self) -> float | None:
        """When the next held-back change may go out; None when nothing waits."""
        live = self._live
        waiting = set(np.unique(live.values.entity[live.values.pending]).tolist()) | live.dirty
        if not waiting:
            return 0.0 if self._fresh_removed else None
        return min(self._entity_due_at(index) for index in waiting)

    def _entity_due_at(self, index: int) -> float:
        went_at = self._went_at.get(index, 0.0)
        if index in self._live.urgent:
            return max(went_at + URGENT_INTERVAL_S, self._urgent_not_before)
        return max(went_at + self._live.entities[index].interval_s, self._not_before)

    def _emit(self, *, force: bool = False) -> None:
        """Send what is due: urgent entities, those quiet for their interval, everything when forced."""
        live, began = self._live, self._clock.monotonic()
        pending = np.flatnonzero(live.values.pending)
        owners = live.values.entity[pending]
        due: set[int] = set()
        soonest = math.inf
        for index in live.dirty.union(np.unique(owners).tolist()):
            due_at = self._entity_due_at(index)
            if force or due_at <= began:
                due.add(index)
            else:
                soonest = min(soonest, due_at)
        if soonest < self._planned:
            self._wake.set()
        if not due and not self._fresh_removed:
            return
        self._seq += 1
        changes = self._take_removed()
        for entity, series in self._grouped(due, pending, owners):
            entity.rev += 1
            entity.emitted = self._seq
            if self._clients:
                self._went_at[entity.index] = began
                changes.append(live.views.change(entity, series))
            entity.renamed = False
            entity.changed_attributes.clear()
        live.dirty -= due
        live.urgent -= due
        if not self._clients:
            self._recent.skip(self._seq)
            return
        delta = {"cursor": self.cursor, "as_of": self._clock.now_ms(), "changes": changes}
        told = event("delta", self._encoder.encode(delta), self.cursor)
        self._recent.add(self._seq, told)
        self._send(told)
        self._pause(began)

    def _pause(self, began: float) -> None:
        """A share of a core is ours; what happens need not wait for more than it takes to tell."""
        now = self._clock.monotonic()
        took, self._sending_s = now - began + self._sending_s, 0.0
        self._not_before = max(self._not_before, now + min(max(GAP_S, took * SHARE), PAUSE_MAX_S))
        self._urgent_not_before = now + took

    def _grouped(self, due: set[int], pending: Longs, owners: Ints) -> list[tuple[Entity, list[int]]]:
        """The due entities with their pending series, which are marked as gone out."""
        live = self._live
        by_entity: dict[int, list[int]] = {index: [] for index in due}
        going = np.isin(owners, np.fromiter(due, np.int32, len(due)))
        chosen = pending[going]
        live.values.pending[chosen] = False
        live.values.emitted[chosen] = self._seq
        for index, series in zip(owners[going].tolist(), chosen.tolist(), strict=True):
            by_entity[index].append(series)
        return [(live.entities[index], series) for index, series in by_entity.items() if index not in live.removed]

    def _take_removed(self) -> list[Change]:
        """Entities that are gone since the last delta."""
        # One that came up again meanwhile is told as gone too, before it is told anew: its attributes are others.
        gone = list(dict.fromkeys(self._fresh_removed))
        self._fresh_removed.clear()
        for name in gone:
            if len(self._removed) == REMEMBERED:
                self._floor = max(self._floor, self._removed[0][0])
            self._removed.append((self._seq, name))
        return [Change(id=name, deleted=True) for name in gone]

    def _send(self, frame: Frame) -> None:
        for client in self._clients:
            client.put(frame)

    def _resume(self, client: Client, since: str) -> str | None:
        """Queue what changed since a cursor; or the reason why it must be a snapshot."""
        epoch, _, text = since.partition(".")
        if epoch != self._epoch or not text.isascii() or not text.isdecimal() or int(text) > self._seq:
            return "epoch"
        seq = int(text)
        if seq < max(self._floor, self._seq - RESUME_SPAN):
            return "gap"
        recent = self._recent.after(seq)
        if recent is not None:
            client.frames.extend(recent or [self._heartbeat(self.cursor)])
            return None
        live = self._live
        changes = [
            Change(id=name, deleted=True) for name in dict.fromkeys(name for at, name in self._removed if at > seq)
        ]
        for entity in live.shown():
            if entity.emitted > seq:
                ids = [one for one in entity.series.values() if live.values.emitted[one] > seq]
                changes.append(live.views.change(entity, ids, everything=True))
        if changes:
            delta = {"cursor": self.cursor, "as_of": self._clock.now_ms(), "changes": changes}
            client.frames.append(event("delta", self._encoder.encode(delta), self.cursor))
        else:
            client.frames.append(self._heartbeat(self.cursor))
        client.frames.extend(told for at, told in self._alarms if at > seq)
        return None
