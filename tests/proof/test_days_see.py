"""What a simulated day must see: with a promise broken on purpose, the oracle says which one."""

from __future__ import annotations

import pytest

from cloud.ingest.identity import Identities, Verdict
from edge.buffer_sqlite import SqliteBuffer
from edge.contract import Link
from edge.uplink import Uplink
from edge.window import Flight
from protocols.batch import open_batch, seal
from tests.proof.days import one_day

SEED = 155
HOURS = 6.0


def broken(promise: str) -> bool:
    return any(what.startswith(promise) for what in one_day(SEED, HOURS).violations)


def test_a_collector_that_stores_a_batch_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Identities, "judge", lambda *_: Verdict.NEW)
    assert broken("I2")


def test_a_gateway_that_takes_the_brokers_acknowledgement_for_the_collectors(monkeypatch: pytest.MonkeyPatch) -> None:
    publish = Uplink._publish

    async def and_forget(self: Uplink, link: Link, flight: Flight) -> None:
        await publish(self, link, flight)
        self._take_stored(flight.batch.place, flight.batch.place)

    monkeypatch.setattr(Uplink, "_publish", and_forget)
    assert broken("I5")


def test_a_gateway_that_does_not_know_a_repeated_device_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqliteBuffer, "has_origin", lambda *_: False)
    assert broken("I2")


def test_a_gateway_that_gives_a_batch_a_new_number_when_it_sends_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    publish = Uplink._publish

    async def renumbered(self: Uplink, link: Link, flight: Flight) -> None:
        if flight.was_sent:
            batch = open_batch(flight.batch.payload)
            seq = batch.identity.seq + 1_000_000
            again = seal(batch.identity.epoch, seq, list(batch.readings()), batch.events, gateway="g1", sealed_at=1)
            flight.batch = flight.batch._replace(payload=again)
        await publish(self, link, flight)

    monkeypatch.setattr(Uplink, "_publish", renumbered)
    assert broken("I2")
