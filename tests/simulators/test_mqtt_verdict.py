"""The verdict on devices that publish: times of receipt, QoS 0, and values that a broker keeps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulators.ledger import Expectation, ExpectedEvent, ExpectedReading, Ledger
from simulators.matching import Tally
from simulators.rules import DeviceRule, Rules
from simulators.stored import StoredEvent, StoredReading
from simulators.told_matching import match_events, match_told_readings

T0 = 1_790_000_000_000
LATER = T0 + 10_000_000


def rules(**ended: list[int]) -> Rules:
    device = DeviceRule("gw", 5.0, 60_000, {})
    return Rules(site="s", devices={"plug": device}, flush_s=1.0, card_secret=b"", kills=dict(ended), stops={})


def kept(at: int, value: float | None, *, reason: str = "", seq: int = 1) -> StoredReading:
    return StoredReading(at, value, "uncertain" if reason else "good", reason, "gw", "e", seq)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    book = Ledger(None)
    yield book
    book.close()


def say(ledger: Ledger, at: int, value: float, *, qos: int = 0, retain: bool = False, optional: bool = False) -> None:
    wanted = Expectation((ExpectedReading("relay_on", value, at, optional, True),), ())
    number = ledger.publishing("plug", at, "t", b"?", wanted, qos=qos, retain=retain)
    ledger.attempted(number, at)
    ledger.confirmed(number, at + 2)


def judged(ledger: Ledger, *stored: StoredReading, **ended: list[int]) -> Tally:
    series = {("plug", "relay_on"): list(stored)}
    return match_told_readings(list(ledger.published()), series, rules(**ended), until_ms=LATER)


def wrong(tally: Tally) -> tuple[int, int, int]:
    return tally.missing, tally.duplicated, tally.altered


def test_a_reading_without_a_time_is_found_at_its_receipt_and_only_there(ledger: Ledger) -> None:
    say(ledger, T0, 1.0)
    assert judged(ledger, kept(T0 + 400, 1.0)).matched == 1
    assert wrong(judged(ledger, kept(T0 - 60_000, 1.0)))[0] == 1
    assert wrong(judged(ledger, kept(T0 + 400, 0.0)))[0] == 1
    assert wrong(judged(ledger)) == (1, 0, 0)


def test_two_that_are_equal_need_two(ledger: Ledger) -> None:
    say(ledger, T0, 1.0)
    say(ledger, T0 + 1_000, 1.0)
    assert judged(ledger, kept(T0 + 5, 1.0), kept(T0 + 1_005, 1.0, seq=2)).matched == 2
    assert wrong(judged(ledger, kept(T0 + 5, 1.0))) == (1, 0, 0)


def test_an_optional_point_may_be_left_out_but_not_be_another(ledger: Ledger) -> None:
    say(ledger, T0, 1.0, optional=True)
    assert wrong(judged(ledger)) == (0, 0, 0)
    assert judged(ledger, kept(T0 + 1, 1.0)).matched == 1
    assert sum(wrong(judged(ledger, kept(T0 + 1, 7.0)))) == 1


def test_qos_0_to_a_gateway_that_is_away_is_counted_apart_and_qos_1_is_not(ledger: Ledger) -> None:
    say(ledger, T0, 1.0)
    away = judged(ledger, gw=[T0 - 3_000])
    assert wrong(away) == (0, 0, 0)
    assert away.lost_at_qos0 == 1
    assert wrong(judged(ledger, gw=[T0 - 300_000])) == (1, 0, 0)
    other = Ledger(None)
    say(other, T0, 1.0, qos=1)
    assert wrong(judged(other, gw=[T0 - 3_000])) == (1, 0, 0)
    other.close()


def test_a_value_that_the_broker_kept_may_be_told_again_as_such_and_no_other(ledger: Ledger) -> None:
    say(ledger, T0, 1.0, retain=True)
    first = kept(T0 + 1, 1.0)
    again = judged(ledger, first, kept(T0 + 90_000, 1.0, reason="retained", seq=2))
    assert wrong(again) == (0, 0, 0)
    assert again.told_again == 1
    assert sum(wrong(judged(ledger, first, kept(T0 + 90_000, 0.0, reason="retained", seq=2)))) == 1
    assert sum(wrong(judged(ledger, first, kept(T0 + 90_000, 1.0, seq=2)))) == 1
    plain = Ledger(None)
    say(plain, T0, 1.0)
    assert sum(wrong(judged(plain, first, kept(T0 + 90_000, 1.0, reason="retained", seq=2)))) == 1
    plain.close()


def test_an_event_without_a_time_is_one_event_at_its_receipt(ledger: Ledger) -> None:
    wanted = Expectation((), (ExpectedEvent("lock_operated", T0, {"action": "unlock"}, True),))
    ledger.attempted(ledger.publishing("plug", T0, "t", b"?", wanted), T0)
    ledger.confirmed(1, T0 + 2)
    stored = StoredEvent(T0 + 30, "plug", "lock_operated", {"action": "unlock"})
    published = list(ledger.published())
    assert match_events(published, [stored], rules(), until_ms=LATER).matched == 1
    twice = match_events(published, [stored, stored._replace(at=T0 + 900)], rules(), until_ms=LATER)
    assert twice.duplicated == 1
    assert match_events(published, [], rules(), until_ms=LATER).missing == 1
