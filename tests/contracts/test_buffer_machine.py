"""Buffer, uplink and acks as one state machine: whatever happens in whatever order, the books balance.

A model of the collector stores what reaches it. At every step: produced = stored + still in the buffer + told in gap
records; nothing has two contents; no seq is given out twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from edge.buffer import Change, Draft, Kind
from protocols.ack import Ack, Rejection
from protocols.batch import digest, peek
from protocols.errors import StoreUnavailable
from protocols.reading import Event, Reading
from tests.contracts.buffer_model import AT, BufferModel, contents
from tests.edge.fake_link import FakeLink


class BufferAndAcks(BufferModel):
    @initialize()
    def start(self) -> None:
        self.open()

    # Rules

    @rule(readings=st.integers(1, 3), with_event=st.booleans())
    def produce(self, readings: int, with_event: bool) -> None:
        drafts = []
        numbers = []
        if with_event:
            self.number += 1
            numbers.append(self.number)
            drafts.append(Draft(Kind.EVENTS, events=[Event("gate", "button", AT, {"detail": str(self.number)})]))
        made = []
        for _ in range(readings):
            self.number += 1
            numbers.append(self.number)
            made.append(Reading("meter", "active_power_total", float(self.number), AT + self.number))
        drafts.append(Draft(Kind.TELEMETRY, readings=made))
        done = self.uplink.take_done()
        change = Change(
            sealed_at=AT,
            drafts=drafts,
            release=done.release,
            rejected=done.rejected,
            pinned=self.uplink.pinned(),
        )
        try:
            committed = self.run(self.buffer.commit(change))
        except StoreUnavailable:
            assert self.fails
            self.uplink.give_back(done)
            return
        for batch in committed.batches:
            self.newest = batch.identity
            assert batch.identity not in self.names, "a seq was given out twice"
            self.names[batch.identity] = batch.payload
            for number in contents(batch.payload):
                self.produced[number] = batch.identity
        assert set(numbers) <= set(self.produced)
        self.uplink.offer(committed.batches)

    @rule()
    def release_only(self) -> None:
        done = self.uplink.take_done()
        try:
            self.run(self.buffer.commit(Change(sealed_at=AT, release=done.release, rejected=done.rejected)))
        except StoreUnavailable:
            self.uplink.give_back(done)

    @rule()
    def release_on_a_failing_disk(self) -> None:
        self.fails = True
        self.release_only()
        self.fails = False

    @rule(fails=st.booleans())
    def disk(self, fails: bool) -> None:
        self.fails = fails

    @precondition(lambda self: self.serving is None)
    @rule()
    def connect(self) -> None:
        async def begin() -> None:
            self.link = FakeLink()
            self.seen_on_link = 0
            self.serving = asyncio.ensure_future(self.uplink.serve(self.link))

        self.run(begin())
        self.turn()

    @precondition(lambda self: self.serving is not None)
    @rule()
    def disconnect(self) -> None:
        assert self.serving is not None
        self.serving.cancel()
        self.run(asyncio.wait([self.serving]))
        self.serving = self.link = None

    @precondition(lambda self: self.link is not None)
    @rule(fate=st.sampled_from(["store", "store", "store", "lose", "reject", "hold"]))
    def deliver(self, fate: str) -> None:
        self.turn()
        assert self.link is not None
        waiting = self.link.published[self.seen_on_link :]
        if not waiting:
            return
        self.seen_on_link += 1
        payload = waiting[0][1]
        identity = peek(payload)
        assert self.names[identity] == payload, "altered on the way"
        if fate == "store" or identity in self.collector:
            self.collector[identity] = payload
            self.answers.append(Ack(identity.epoch, stored=[(identity.seq, identity.seq)]))
        elif fate in ("reject", "hold"):
            if fate == "reject":
                self.refused_by_collector.add(identity)
            refusal = Rejection(digest(payload), "schema", seq=identity.seq, hold=fate == "hold")
            self.answers.append(Ack(identity.epoch, rejected=[refusal]))

    @precondition(lambda self: self.answers)
    @rule(place=st.integers(0, 20), twice=st.booleans(), lose=st.booleans())
    def answer(self, place: int, twice: bool, lose: bool) -> None:
        ack = self.answers.pop(place % len(self.answers))
        self.acks_sent.append(ack)
        if lose:
            return
        for _ in range(1 + twice):
            self.uplink.take_ack(ack)
        self.turn()

    @precondition(lambda self: self.acks_sent)
    @rule(place=st.integers(0, 200))
    def ack_from_long_ago(self, place: int) -> None:
        """The network gives back what it had kept: from before a restart, or for an epoch that is over."""
        self.uplink.take_ack(self.acks_sent[place % len(self.acks_sent)])
        self.turn()

    @rule(first=st.integers(1, 50), length=st.integers(0, 50), epoch=st.sampled_from(["", "deadbeef"]))
    def stray_ack(self, first: int, length: int, epoch: str) -> None:
        self.uplink.take_ack(Ack(epoch, stored=[(first, first + length)]))

    @rule(seconds=st.sampled_from([0.6, 11.0, 61.0, 310.0]))
    def pass_time(self, seconds: float) -> None:
        self.run(self.clock.advance(seconds))
        self.turn()
        if self.serving is not None and self.serving.done():
            self.serving.exception()
            self.serving = self.link = None

    @precondition(lambda self: self.link is not None)
    @rule()
    def hold_and_come_back(self) -> None:
        """The collector holds one batch back, and later takes everything."""
        self.turn()
        self.deliver("hold")
        while self.answers:
            self.answer(0, False, False)
        self.pass_time(310.0)

    @precondition(lambda self: self.link is not None)
    @rule(fates=st.lists(st.sampled_from(["store", "store", "store", "lose", "reject", "hold"]), max_size=8))
    def answer_all(self, fates: list[str]) -> None:
        """A collector at work: it takes what has arrived and answers."""
        for fate in [*fates, "store"]:
            self.deliver(fate)
        while self.answers:
            self.answer(0, False, False)
        self.release_only()

    @rule()
    def crash(self) -> None:
        self.killed()
        epoch = self.epoch
        self.open()
        assert self.epoch == epoch, "a kill is no reason for a new epoch"

    @rule()
    def replace_file(self) -> None:
        """A new card is put in; acks for what was on the old one are still under way."""
        self.killed()
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        epoch = self.epoch
        self.gone |= set(self.names) - set(self.collector)
        self.newest = None
        self.open()
        assert self.epoch != epoch, "seqs of the old epoch would be given out again"

    @rule()
    def lose_log(self) -> None:
        """The log of a killed process is gone: a new epoch, and what is in the file still belongs to the old one."""
        self.killed()
        path = self.folder / "buffer.db"
        with contextlib.closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA locking_mode = EXCLUSIVE")
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path.with_name("buffer.db-wal").unlink(missing_ok=True)
        epoch = self.epoch
        self.open()
        assert self.epoch != epoch, "what the log held may have been published: its seqs are used up"

    @rule()
    def lose_newest(self) -> None:
        """The card kept the file and not the log: what was in it is nowhere but where it was sent."""
        self.killed()
        self.folder.joinpath("buffer.db-wal").unlink(missing_ok=True)
        epoch = self.epoch
        self.open()
        assert self.epoch != epoch, "what the log held may have been published: its seqs are used up"
        kept = {batch.identity for batch in self.everything()}
        self.gone |= set(self.names) - kept - set(self.collector)
        self.newest = max(kept, key=list(self.names).index, default=None)

    @rule(batches=st.integers(1, 6), loss=st.sampled_from(["file", "log", "newest"]))
    def new_epoch_while_acks_are_under_way(self, batches: int, loss: str) -> None:
        """Acks for seqs of the old epoch arrive when batches of the new one are on their way."""
        self.fails = False
        for _ in range(batches):
            self.produce(1, False)
        if self.serving is None:
            self.connect()
        for _ in range(batches):
            self.deliver("store")
        old = list(self.answers)
        {"file": self.replace_file, "log": self.lose_log, "newest": self.lose_newest}[loss]()
        for _ in range(batches):
            self.produce(1, False)
        self.connect()
        for ack in old:
            self.uplink.take_ack(ack)
        self.release_only()

    @rule()
    def restart(self) -> None:
        if self.serving is not None:
            self.disconnect()
        self.run(self.buffer.close())
        self.open()

    # What always holds

    @invariant()
    def books_balance(self) -> None:
        if not hasattr(self, "buffer"):
            return
        kept = {batch.identity: batch for batch in self.everything()}
        for identity, batch in kept.items():
            assert batch.payload == self.names[identity]
        isolated = self.buffer.figures().quarantined
        missing = {name for name in self.names if name not in kept and name not in self.collector} - self.gone
        assert missing <= self.refused_by_collector, missing
        assert len(missing) <= isolated + len(self.refused_by_collector & set(self.collector))
        # The newest batch stays on the disk when it is acked, and counts no more.
        assert len(kept) - self.buffer.figures().batches in (0, 1)

    def teardown(self) -> None:
        if hasattr(self, "buffer"):
            self.settle()
            self.run(self.buffer.close())
        self.loop.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def settle(self) -> None:
        """After the last fault: everything that was not refused arrives, once."""
        self.fails = False
        if self.serving is None:
            self.connect()
        self.answers.clear()
        for _ in range(200):
            self.run(self.clock.advance(61.0))
            self.turn()
            if self.serving is None or self.serving.done():
                if self.serving is not None:
                    self.serving.exception()
                self.connect()
            assert self.link is not None
            while self.seen_on_link < len(self.link.published):
                self.deliver("store")
            for ack in self.answers:
                self.uplink.take_ack(ack)
            self.answers.clear()
            self.release_only()
            # What was refused may have been answered before a restart that forgot the answer; what was stored before
            # one is sent again.
            lacking = set(self.names) - set(self.collector) - self.refused_by_collector - self.gone
            left = {batch.identity for batch in self.everything()} - self.refused_by_collector
            if not lacking and left <= {self.newest}:
                break
        assert not lacking, f"never arrived: {sorted(lacking)}"
        assert left <= {self.newest}, "acked, and never deleted"
        assert self.serving is not None
        self.disconnect()


TestBufferAndAcks = BufferAndAcks.TestCase
TestBufferAndAcks.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
