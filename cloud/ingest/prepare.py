"""A group of messages becomes the work of one commit, and the answers that go out when it is durable.

Runs in the ingest worker's thread. Nothing here changes what is known to be stored: ``settle`` does, after the commit.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from cloud.ingest.checks import REFUSALS, reason_word, refusals, refuse_event
from cloud.ingest.contract import AlarmArgs, Committed
from cloud.ingest.counting import Counters
from cloud.ingest.decode import Columns, decode_columns
from cloud.ingest.expired import Expiry
from cloud.ingest.identity import BatchName, Identities, Stream, Verdict
from cloud.ingest.message import Incoming
from cloud.ingest.prepared import Accepted, AlarmCall, Answer, Prepared, committed, join, latency_ms
from cloud.ingest.quarantine import DETAIL_MAX, PAYLOAD_MAX, Quarantine, SampleBudget
from cloud.ingest.strangers import Strangers
from cloud.ingest.wrong_clocks import Moved, WrongClocks, spell_off
from cloud.store.contract import (
    BatchRow,
    Codes,
    CommitStore,
    CommitWork,
    EventRow,
    FenceRow,
    GatewayKey,
    QuarantineRow,
    RefusedRow,
    Remembered,
)
from cloud.store.group_news import Head, News
from cloud.store.series_book import NO_SERIES, GatewayBook, QualityBook, SeriesBook
from protocols.ack import Rejection
from protocols.batch import Batch, Identity, digest, open_batch, peek
from protocols.clock import Clock
from protocols.errors import BadBatch
from protocols.events import GATEWAY_DEVICE
from protocols.reading import Event


class _Named(NamedTuple):
    message: Incoming
    gateway: int
    identity: Identity
    digest: str
    batch: Batch | None

    @property
    def name(self) -> BatchName:
        return self.gateway, self.identity.epoch, self.identity.seq


class Preparer:
    """Holds what is known of earlier commits. ``prepare`` and ``settle`` are called in turns by one thread."""

    def __init__(
        self, store: CommitStore, clock: Clock, refusal: Callable[[GatewayKey], str | None] = lambda _: None
    ) -> None:
        self._strangers = Strangers(refusal)
        self.expiry: Expiry | None = None
        """What is too old to be stored; None stores all."""
        self._store = store
        self._clock = clock
        self.gateways = GatewayBook()
        self.series = SeriesBook()
        self.qualities = QualityBook()
        self.identities = Identities()
        self.counters = Counters()
        self._quarantine = Quarantine()
        self._samples = SampleBudget()
        self._clocks = WrongClocks(self.series, self.qualities)
        self._next_batch = 1
        self._tables_seen: dict[tuple[int, bytes], None] = {}
        self.series_seen: dict[int, set[int]] = {}
        """Gateway -> series numbers since the start, for what is unannounced or unknown."""

    def load(self) -> None:
        """Take up what the store remembers. Blocking; once, before the first ``prepare``."""
        self.take_up(self._store.remembered())

    def take_up(self, remembered: Remembered) -> None:
        """Go on from this."""
        self.gateways.load(remembered.gateways)
        self.series.load(remembered.series)
        self.qualities.load(remembered.qualities)
        self.identities.load(remembered)
        self.counters.load(remembered.counters)
        self._quarantine.load(remembered.quarantined)
        self._next_batch = remembered.next_batch

    def take_up_again(self, remembered: Remembered) -> None:
        """The same later on, when what was known is too old to be brought up to date."""
        self.learn(
            News(
                head=Head(),
                series=remembered.series,
                gateways=remembered.gateways,
                qualities=remembered.qualities,
                quarantined=remembered.quarantined,
            )
        )
        self.identities.load(remembered)
        self.counters.load(remembered.counters)

    def learn(self, news: News) -> None:
        """What other collectors of a group committed. What was prepared and not settled before is void if it touches
        that (``News.touches``)."""
        if news.series:
            self._clocks = WrongClocks(self.series, self.qualities)
        self.series.take(news.series)
        self.gateways.take(news.gateways)
        self.qualities.take(news.qualities)
        for row in news.batches:
            self.identities.stored((row.gateway, row.epoch, row.seq), row.digest)
            self.counters.stored_elsewhere(row)
        for fence in news.fences or ():
            self.identities.put_fence(fence)
        self._quarantine.load(news.quarantined)

    def prepare(self, group: Sequence[Incoming]) -> Prepared:
        """Decide about every message. Raises StoreUnavailable when the store cannot be asked for digests."""
        prepared = Prepared()
        named = [found for message in group if (found := self._identify(message, prepared)) is not None]
        unknown = self.identities.unknown_digests([one.name for one in named])
        for name, known in self._store.digests(unknown).items() if unknown else ():
            self.identities.learn(name, known)
        for one in named:
            self._decide(one, prepared)
        self._build(prepared)
        return prepared

    def prepare_refusal(self, message: Incoming, detail: str) -> Prepared:
        """For a batch that the store itself refuses: it goes to quarantine."""
        prepared = Prepared()
        found = self._identify(message, prepared)
        if found is not None:
            self._reject(found.message, found.gateway, found.identity, "store_refused", detail, prepared)
        self._build(prepared)
        return prepared

    def settle(self, prepared: Prepared) -> None:
        """The work is durable: from now on its batches are known."""
        work = prepared.work
        self.series.confirm(work.new_series)
        self.gateways.confirm(work.new_gateways)
        self.qualities.confirm(work.new_qualities)
        for name, known in prepared.coming.items():
            self.identities.stored(name, known)
        for fence in prepared.fences.values():
            self.identities.put_fence(fence)
        for row in prepared.quarantined:
            self._quarantine.keep(row)
        self.counters.add(prepared.delta)
        for one in prepared.accepted:
            self._next_batch = max(self._next_batch, one.row.id + 1)
            self.counters.last_batch(one.row.gateway, one.message.received_at, latency_ms(one, work.stored_at))
        prepared.committed = Committed([committed(one, work.stored_at) for one in prepared.accepted])

    def lift(self, stream: Stream) -> CommitWork | None:
        """The work that lifts a fence, None when there is none to lift. ``settle_lift`` after its commit."""
        fence = self.identities.fence_of(stream)
        if fence is None or fence.lifted_at is not None:
            return None
        now = self._clock.now_ms()
        lifted = FenceRow(
            gateway=fence.gateway,
            epoch=fence.epoch,
            seq=fence.seq,
            stored_digest=fence.stored_digest,
            other_digest=fence.other_digest,
            fenced_at=fence.fenced_at,
            lifted_at=now,
        )
        return CommitWork(stored_at=now, fences=[lifted])

    def settle_lift(self, work: CommitWork) -> None:
        """A lifted fence is durable."""
        for fence in work.fences:
            self.identities.put_fence(fence)

    # --- one message -------------------------------------------------------------------------------------------------

    def _identify(self, message: Incoming, prepared: Prepared) -> _Named | None:
        if self._strangers.turned_away(message, prepared):
            return None
        gateway = self.gateways.number(message.key)
        if gateway is None or not message.payload:
            prepared.ignored += 1
            return None
        try:
            if message.payload[:1] == b"{":
                batch = open_batch(message.payload)
                return _Named(message, gateway, batch.identity, digest(message.payload), batch)
            return _Named(message, gateway, peek(message.payload), digest(message.payload), None)
        except BadBatch as error:
            self._reject(message, gateway, None, error.reason, error.detail, prepared)
            return None

    def _decide(self, one: _Named, prepared: Prepared) -> None:
        message, gateway, identity, known, _ = one
        epoch, seq = identity
        stream = (gateway, epoch)
        verdict = self.identities.judge(one.name, known, prepared.coming)
        fenced = stream in prepared.fences or self.identities.fenced(stream)
        if verdict is Verdict.REPEATED:
            prepared.count(gateway, "duplicates")
            prepared.answers.append(Answer(message.key, epoch, seq))
        elif fenced:
            prepared.count(gateway, "held")
            self._hold(one, prepared)
        elif verdict is Verdict.CONFLICT:
            self._conflict(one, prepared)
        elif verdict is Verdict.NEW:
            self._open(one, prepared)
        else:
            reason = verdict.name.lower()
            self._reject(message, gateway, identity, reason, "this gateway sends no sound sequence", prepared)

    def _hold(self, one: _Named, prepared: Prepared) -> None:
        detail = "two different batches came under one number; an administrator must look"
        rejection = Rejection(one.digest, "fenced", detail, one.identity.seq, hold=True)
        prepared.answers.append(Answer(one.message.key, one.identity.epoch, one.identity.seq, rejection))

    def _conflict(self, one: _Named, prepared: Prepared) -> None:
        stream = (one.gateway, one.identity.epoch)
        stored = self.identities.stored_digest(one.name, prepared.coming)
        if self.identities.fence_of(stream) is not None:  # it was lifted: the stored batch stands, this one does not
            detail = f"another batch is stored under this number ({stored})"
            self._reject(one.message, one.gateway, one.identity, "identity_conflict", detail, prepared)
            return
        prepared.fences[stream] = FenceRow(
            gateway=one.gateway,
            epoch=one.identity.epoch,
            seq=one.identity.seq,
            stored_digest=stored,
            other_digest=one.digest,
            fenced_at=one.message.received_at,
        )
        self._keep(one.message, one.gateway, one.identity, "identity_conflict", f"stored: {stored}", prepared)
        prepared.count(one.gateway, "held")
        self._hold(one, prepared)
        source = _source(one.message.key)
        args: AlarmArgs = {"epoch": one.identity.epoch, "seq": one.identity.seq}
        prepared.alarms.append(AlarmCall("identity_conflict", source, args))

    def _open(self, one: _Named, prepared: Prepared) -> None:
        message, gateway, identity, known, opened = one
        try:
            batch = opened if opened is not None else open_batch(message.payload)
            if batch.gateway not in ("", message.key.gateway):
                detail = f"the batch says it is from {batch.gateway[:40]!r}"
                self._reject(message, gateway, identity, "foreign", detail, prepared)
                args = {"claimed": batch.gateway[:40]}
                prepared.alarms.append(AlarmCall("foreign_batch", _source(message.key), args))
                return
            columns = decode_columns(batch, message.key.site, self.series, self.qualities)
        except BadBatch as error:
            self._reject(message, gateway, identity, error.reason, error.detail, prepared)
            return
        self._see(gateway, batch, columns)
        moved = self._clocks.correct((gateway, identity.epoch), identity.seq, batch, columns, message.received_at)
        if moved is not None:
            columns = moved.columns
            self._tell_clock(one, moved, prepared)
        codes = refusals(columns, self.qualities)
        if codes is not None:
            self._refuse(one, batch, columns, codes, prepared)
            kept = codes == 0
            columns = Columns(*(column[kept] for column in columns))
        events = self._events(one, batch.events if moved is None else moved.events, prepared)
        refused = batch.count + len(batch.events) - len(columns.series) - len(events)
        columns, events = self._young(one, columns, events, prepared)
        row = BatchRow(
            id=self._next_batch + len(prepared.accepted),
            gateway=gateway,
            epoch=identity.epoch,
            seq=identity.seq,
            digest=known,
            readings=len(columns.series),
            events=len(events),
            received_at=message.received_at,
        )
        prepared.coming[one.name] = known
        prepared.accepted.append(Accepted(message, row, columns, events, refused))
        prepared.answers.append(Answer(message.key, identity.epoch, identity.seq))
        prepared.count(gateway, "stored_batches")
        prepared.count(gateway, "stored_readings", len(columns.series))
        prepared.count(gateway, "stored_events", len(events))

    def _young(
        self, one: _Named, columns: Columns, events: list[Event], prepared: Prepared
    ) -> tuple[Columns, list[Event]]:
        """Without what is of people and already too old to be kept; it is counted."""
        if self.expiry is None:
            return columns, events
        now = self._clock.now_ms()
        young = self.expiry.columns(columns, self.series.names(), now), self.expiry.events(events, now)
        expired = len(columns.at) + len(events) - len(young[0].at) - len(young[1])
        if expired:
            prepared.count(one.gateway, "expired", expired)
        return young

    def _see(self, gateway: int, batch: Batch, columns: Columns) -> None:
        table = (gateway, batch.series_key)
        if table in self._tables_seen:
            return
        if len(self._tables_seen) >= 4096:
            self._tables_seen.clear()
        self._tables_seen[table] = None
        numbers = np.unique(columns.series).tolist()
        self.series_seen.setdefault(gateway, set()).update(number for number in numbers if number != NO_SERIES)

    def _tell_clock(self, one: _Named, moved: Moved, prepared: Prepared) -> None:
        prepared.count(one.gateway, "retimed", moved.items)
        count = self.counters.of(one.gateway).retimed + prepared.delta[(one.gateway, "retimed")]
        args: AlarmArgs = {"off": spell_off(moved.off_ms), "count": count}
        kind = "gateway_clock_wrong"
        if moved.device and moved.device != GATEWAY_DEVICE:
            kind, args = "device_clock_wrong", {**args, "device": _printable(moved.device)[:64]}
        prepared.alarms.append(AlarmCall(kind, _source(one.message.key), args))

    def _events(self, one: _Named, events: Sequence[Event], prepared: Prepared) -> list[Event]:
        kept: list[Event] = []
        for event in events:
            reason = refuse_event(event)
            if reason is None:
                word = reason_word(event.reason)
                kept.append(event if word == event.reason else msgspec.structs.replace(event, reason=word))
                continue
            self._refused(one, event.device, event.kind, event.at, str(event.data), reason, prepared)
        return kept

    def _refuse(self, one: _Named, batch: Batch, columns: Columns, codes: Codes, prepared: Prepared) -> None:
        places = batch.indices()
        for place in np.flatnonzero(codes).tolist():
            device, point = batch.series[places[place]]
            value = repr(float(columns.value[place]))
            reason = REFUSALS[int(codes[place])]
            self._refused(one, device, point, int(columns.at[place]), value, reason, prepared)

    def _refused(
        self, one: _Named, device: str, point: str, at: int, value: str, reason: str, prepared: Prepared
    ) -> None:
        name = f"refused.{reason}"
        prepared.count(one.gateway, name)
        args: AlarmArgs = {
            "reason": reason,
            "count": prepared.delta[(one.gateway, name)],
            "device": device,
            "point": point,
        }
        source = _source(one.message.key)
        if not prepared.alarms or prepared.alarms[-1][:2] != ("readings_refused", source):
            prepared.alarms.append(AlarmCall("readings_refused", source, args))
        if not self._samples.take(one.gateway, one.message.received_at):
            return
        prepared.refused.append(
            RefusedRow(
                received_at=one.message.received_at,
                gateway=one.gateway,
                epoch=one.identity.epoch,
                seq=one.identity.seq,
                device=_printable(device)[:64],
                point=_printable(point)[:64],
                at=max(-(2**63), min(2**63 - 1, at)),
                value=_printable(value)[:200],
                reason=reason,
            )
        )

    def _reject(
        self, message: Incoming, gateway: int, identity: Identity | None, reason: str, detail: str, prepared: Prepared
    ) -> None:
        prepared.count(gateway, "rejected")
        payload_digest = self._keep(message, gateway, identity, reason, detail, prepared)
        seq = None if identity is None else identity.seq
        rejection = Rejection(payload_digest, reason, _printable(detail)[:DETAIL_MAX], seq)
        prepared.answers.append(Answer(message.key, "" if identity is None else identity.epoch, seq, rejection))

    def _keep(
        self, message: Incoming, gateway: int, identity: Identity | None, reason: str, detail: str, prepared: Prepared
    ) -> str:
        """Put a batch into quarantine unless it lies there; its digest."""
        payload_digest = digest(message.payload)
        coming = prepared.kept.setdefault(gateway, set())
        if not self._quarantine.wants(gateway, payload_digest, coming):
            return payload_digest
        coming.add(payload_digest)
        prepared.quarantined.append(
            QuarantineRow(
                received_at=message.received_at,
                gateway=gateway,
                topic=message.topic,
                epoch="" if identity is None else identity.epoch,
                seq=None if identity is None else identity.seq,
                digest=payload_digest,
                reason=reason,
                detail=_printable(detail)[:DETAIL_MAX],
                size=len(message.payload),
                payload=message.payload[:PAYLOAD_MAX],
            )
        )
        if reason != "identity_conflict":
            args = {"reason": reason, "detail": _printable(detail)[:DETAIL_MAX]}
            prepared.alarms.append(AlarmCall("batch_rejected", _source(message.key), args))
        return payload_digest

    # --- the whole ---------------------------------------------------------------------------------------------------

    def _build(self, prepared: Prepared) -> None:
        accepted = prepared.accepted
        prepared.work = CommitWork(
            stored_at=self._clock.now_ms(),
            batches=[one.row for one in accepted],
            readings=join(accepted),
            events=[EventRow(one.row.id, one.message.key.site, event) for one in accepted for event in one.events],
            new_series=self.series.pending(),
            new_gateways=self.gateways.pending(),
            new_qualities=self.qualities.pending(),
            quarantined=prepared.quarantined,
            refused=prepared.refused,
            counters=self.counters.to_write(prepared.delta),
            fences=list(prepared.fences.values()),
        )


def _source(key: GatewayKey) -> str:
    return f"{key.site}/{key.gateway}"


def _printable(text: str) -> str:
    """Without lone surrogates and control characters, which neither a database nor a page takes."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character if character.isprintable() else " " for character in clean)
