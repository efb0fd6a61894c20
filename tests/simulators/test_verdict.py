"""The verdict must be able to say no: each kind of damage, planted into what was stored, is found."""

import hashlib
import hmac
import math

import pytest

from simulators.ledger import CARD, Expectation, ExpectedEvent, ExpectedReading, Ledger
from simulators.matching import match_polled
from simulators.rules import Band, DeviceRule, Rules, read_rules
from simulators.stored import StoredData, StoredEvent, StoredReading
from simulators.verify import judge

T0 = 1_790_000_000_000
METER, POINT = "b3-main", "active_power_total"
SERIES = (METER, POINT)
SECRET = bytes(range(32))


def rules(**changes) -> Rules:
    band = changes.pop("band", None)
    device = DeviceRule("gw", 5.0, 60_000, {POINT: band} if band else {})
    known = {METER: device, "gate": DeviceRule("gw", 5.0, 60_000)}
    facts = {"site": "s", "devices": known, "flush_s": 1.0, "card_secret": SECRET, "kills": {}, "stops": {}}
    return Rules(**{**facts, **changes})


def reading(at: int, value: float | None, seq: int = 1, **more) -> StoredReading:
    facts = {"quality": "good", "reason": "", "gateway": "gw", "epoch": "e", **more}
    return StoredReading(at=at, value=value, seq=seq, **facts)


@pytest.fixture
def ledger():
    book = Ledger(None)
    yield book
    book.close()


@pytest.fixture
def served(ledger):
    values = [100.0, 101.5, 99.25, 140.0, 141.0, 70.5]
    for number, value in enumerate(values):
        ledger.answered(METER, T0 + 5_000 * number, [POINT], [value])
    return list(ledger.served())


def stored_as_served(served) -> list[StoredReading]:
    return [reading(value.served_at + 3, value.value, seq) for seq, value in enumerate(served, 1)]


def counts(tally) -> tuple[int, int, int, int]:
    return tally.matched, tally.missing, tally.duplicated, tally.altered


LATER = T0 + 1_000_000


def test_all_stored_once_and_unchanged_is_clean(served):
    assert counts(match_polled(SERIES, served, stored_as_served(served), rules(), until_ms=LATER)) == (6, 0, 0, 0)


def test_a_lost_reading_is_missing(served):
    stored = stored_as_served(served)
    del stored[2]
    tally = match_polled(SERIES, served, stored, rules(), until_ms=LATER)
    assert counts(tally) == (5, 1, 0, 0)
    assert tally.findings["missing"][0].at == T0 + 10_000


def test_a_reading_stored_twice_is_duplicated(served):
    stored = stored_as_served(served)
    stored.append(stored[3]._replace(seq=9))
    assert counts(match_polled(SERIES, served, stored, rules(), until_ms=LATER)) == (6, 0, 1, 0)


def test_a_value_that_differs_in_the_last_bit_is_altered(served):
    stored = stored_as_served(served)
    stored[1] = stored[1]._replace(value=math.nextafter(101.5, 200))
    assert counts(match_polled(SERIES, served, stored, rules(), until_ms=LATER)) == (5, 0, 0, 1)


def test_a_value_that_was_never_served_is_altered(served):
    stored = [*stored_as_served(served), reading(T0 - 60_000, 5.0)]
    assert counts(match_polled(SERIES, served, stored, rules(), until_ms=LATER))[3] == 1


def test_two_values_that_changed_places_are_altered(served):
    stored = stored_as_served(served)
    stored[0], stored[3] = stored[0]._replace(value=stored[3].value), stored[3]._replace(value=stored[0].value)
    assert counts(match_polled(SERIES, served, stored, rules(), until_ms=LATER)) == (4, 0, 0, 2)


def test_only_what_lies_in_the_band_is_held_back(served):
    stored = [one for one in stored_as_served(served) if one.value in (100.0, 140.0)]
    tally = match_polled(SERIES, served, stored, rules(band=Band(2.0, 0.0)), until_ms=LATER)
    assert (tally.held_back, tally.missing) == (3, 1)
    assert tally.findings["missing"][0].text == "served 70.5"


def test_a_band_in_percent_is_of_the_last_kept_value(served):
    stored = [one for one in stored_as_served(served) if one.value in (100.0, 140.0, 70.5)]
    tally = match_polled(SERIES, served, stored, rules(band=Band(0.0, 0.015)), until_ms=LATER)
    assert (tally.held_back, tally.missing) == (3, 0)


def test_nothing_is_held_back_beyond_max_silence(ledger):
    for number in range(20):
        ledger.answered(METER, T0 + 5_000 * number, [POINT], [100.0])
    stored = [reading(T0 + 3, 100.0)]
    tally = match_polled(SERIES, list(ledger.served()), stored, rules(band=Band(2.0, 0.0)), until_ms=LATER)
    assert tally.held_back == 12
    assert tally.missing == 7


def test_only_values_just_before_a_kill_are_excused(served):
    stored = [one for one in stored_as_served(served) if one.value not in (99.25, 140.0)]
    killed = rules(kills={"gw": [T0 + 15_400]})
    tally = match_polled(SERIES, served, stored, killed, until_ms=LATER)
    assert (tally.lost_in_memory, tally.missing) == (1, 1)
    assert tally.findings["missing"][0].text == "served 99.25"


def test_a_kill_of_another_gateway_excuses_nothing(served):
    stored = [one for one in stored_as_served(served) if one.value != 140.0]
    tally = match_polled(SERIES, served, stored, rules(kills={"other": [T0 + 15_400]}), until_ms=LATER)
    assert tally.missing == 1


def test_a_first_answer_that_came_too_late_is_told_apart(ledger):
    for at, value in ((0, 1.0), (5_000, 2.0), (7_100, 3.0), (10_000, 4.0)):
        ledger.answered(METER, T0 + at, [POINT], [value])
    stored = [reading(T0 + at + 2, value) for at, value in ((0, 1.0), (7_100, 3.0), (10_000, 4.0))]
    tally = match_polled(SERIES, list(ledger.served()), stored, rules(), until_ms=LATER)
    assert (tally.asked_again, tally.missing, tally.matched) == (1, 0, 3)


def test_what_was_asked_just_before_an_order_need_not_be_stored(ledger):
    for at, value in ((0, 0.0), (2_000, 0.0), (6_000, 1.0), (8_000, 0.0), (13_000, 1.0)):
        ledger.answered(METER, T0 + at, [POINT], [value])
    stored = [reading(T0 + at + 2, value) for at, value in ((0, 0.0), (6_000, 1.0), (13_000, 1.0))]
    known = rules(orders={METER: [T0 + 2_100, T0 + 9_100]})
    tally = match_polled(SERIES, list(ledger.served()), stored, known, until_ms=LATER)
    assert (tally.before_order, tally.missing) == (1, 1)
    assert tally.findings["missing"][0].at == T0 + 8_000


def test_no_value_must_be_stored_as_no_value(ledger):
    ledger.answered(METER, T0, [POINT], [math.nan])
    ledger.answered(METER, T0 + 5_000, [POINT], [math.nan])
    absent = reading(T0 + 1, None, quality="bad", reason="sentinel")
    tally = match_polled(SERIES, list(ledger.served()), [absent, reading(T0 + 5_001, 6553.5)], rules(), until_ms=LATER)
    assert counts(tally) == (1, 0, 0, 1)


def test_a_gateway_s_own_no_answer_is_no_value_of_the_meter(served):
    said = reading(T0 + 7_000, None, quality="bad", reason="device_error")
    tally = match_polled(SERIES, served, [*stored_as_served(served), said], rules(), until_ms=LATER)
    assert (tally.matched, tally.said_by_gateway, tally.altered) == (6, 1, 0)


def test_what_the_ledger_has_forgotten_is_judged_no_more(ledger):
    for number in range(40):
        ledger.answered(METER, T0 + 5_000 * number, [POINT], [float(number)])
    ledger.forget_before(T0 + 100_000)
    assert ledger.kept_from() == T0 + 100_000
    kept = list(ledger.served())
    assert kept[0].served_at == T0 + 40_000
    stored = [reading(value.served_at + 2, value.value) for value in kept if value.served_at >= T0 + 100_000]
    late = rules(from_ms=ledger.kept_from())
    assert counts(match_polled(SERIES, kept, stored, late, until_ms=LATER)) == (20, 0, 0, 0)
    assert counts(match_polled(SERIES, kept, stored[1:], late, until_ms=LATER)) == (19, 1, 0, 0)


# --- messages ---


def say(ledger, *, at=T0, attempts=1, confirmed=True, card="04A1B2C3"):
    event = ExpectedEvent("access_granted", at, {CARD: card, "reason": "Always"})
    expected = Expectation((ExpectedReading("door_open", 1.0, at),), (event,))
    number = ledger.publishing("gate", at, "doors/gate/send", b"{}", expected)
    for _ in range(attempts):
        ledger.attempted(number, at)
    if confirmed:
        ledger.confirmed(number, at + 20)


def key_of(card: str) -> str:
    return hmac.new(SECRET, b"uid:" + bytes.fromhex(card), hashlib.sha256).hexdigest()[:32]


def granted(at=T0, card="04A1B2C3") -> StoredEvent:
    return StoredEvent(at, "gate", "access_granted", {"card_key": key_of(card), "reason": "Always", "door": None})


def data(readings=(), events=(), ranges=None) -> StoredData:
    return StoredData({("gate", "door_open"): list(readings)}, list(events), ranges or {}, frozenset())


def verdict_of(ledger, stored, **changes):
    known = rules(**changes)
    known.devices.pop(METER, None)
    return judge(ledger, stored, known, until_ms=LATER)


def test_a_message_that_became_its_reading_and_event_is_clean(ledger):
    say(ledger)
    verdict = verdict_of(ledger, data([reading(T0, 1.0)], [granted()], {("gw", "e"): [(1, 7)]}))
    assert verdict.ok
    assert next(iter(verdict.lines())) == "produced 2  stored 2  missing 0  duplicated 0  altered 0"


def test_a_lost_event_is_missing(ledger):
    say(ledger)
    verdict = verdict_of(ledger, data([reading(T0, 1.0)]))
    assert (verdict.missing, verdict.ok) == (1, False)


def test_an_event_stored_twice_is_duplicated(ledger):
    say(ledger)
    assert verdict_of(ledger, data([reading(T0, 1.0)], [granted(), granted()])).duplicated == 1


def test_an_event_with_another_card_is_altered(ledger):
    say(ledger)
    verdict = verdict_of(ledger, data([reading(T0, 1.0)], [granted(card="04A1B2C4")]))
    assert (verdict.altered, verdict.missing) == (1, 0)


def test_a_reading_stored_twice_under_neighbouring_instants_is_duplicated(ledger):
    say(ledger)
    assert verdict_of(ledger, data([reading(T0, 1.0), reading(T0 + 1, 1.0)], [granted()])).duplicated == 1


def test_a_message_the_device_sent_twice_may_be_stored_twice(ledger):
    say(ledger, attempts=2)
    twice = data([reading(T0, 1.0), reading(T0 + 1, 1.0)], [granted(), granted()])
    verdict = verdict_of(ledger, twice)
    assert verdict.ok
    assert verdict.events.sent_twice + verdict.readings.sent_twice == 2


def test_a_message_the_broker_never_confirmed_is_told_apart(ledger):
    say(ledger)
    say(ledger, at=T0 + 9_000, confirmed=False)
    verdict = verdict_of(ledger, data([reading(T0, 1.0)], [granted()]))
    assert verdict.ok
    assert verdict.events.unconfirmed == 1


def say_without_a_time(ledger, at: int, value: float) -> None:
    expected = Expectation(
        (ExpectedReading("door_open", value, at, received=True),),
        (ExpectedEvent("card_read", at, {CARD: "04A1B2C3"}, received=True),),
    )
    number = ledger.publishing("gate", at, "doors/gate", b"{}", expected)
    ledger.attempted(number, at)
    ledger.confirmed(number, at + 20)


def test_what_holds_no_time_is_stored_with_that_of_receipt(ledger):
    say_without_a_time(ledger, T0, 1.0)
    say_without_a_time(ledger, T0 + 5_000, 0.0)
    taps = [granted(at=at)._replace(kind="card_read") for at in (T0 + 8, T0 + 90_000)]
    verdict = verdict_of(ledger, data([reading(T0 + 8, 1.0), reading(T0 + 90_000, 0.0)], taps))
    assert verdict.ok, verdict
    early = verdict_of(ledger, data([reading(T0 - 8, 1.0), reading(T0 + 5_001, 0.0)], taps))
    assert (early.missing, early.altered) == (1, 1), early
    lost = verdict_of(ledger, data([reading(T0 + 8, 1.0)], taps[:1]))
    assert (lost.missing, lost.duplicated, lost.altered) == (2, 0, 0), lost
    twice = verdict_of(ledger, data([reading(T0 + 8, 1.0), reading(T0 + 5_002, 0.0)], [*taps, taps[1]]))
    assert twice.duplicated == 1, twice


def test_a_hole_in_the_numbers_of_the_batches_is_seen(ledger):
    say(ledger)
    verdict = verdict_of(ledger, data([reading(T0, 1.0)], [granted()], {("gw", "e"): [(1, 3), (5, 9)]}))
    assert not verdict.ok
    assert "1-3, 5-9" in verdict.holes[0]


def test_a_device_nobody_asked_is_named(ledger):
    say(ledger)
    known = rules()
    verdict = judge(ledger, data([reading(T0, 1.0)], [granted()]), known, until_ms=LATER)
    assert (verdict.unheard, verdict.ok) == ([METER], False)


def test_nothing_produced_is_no_proof(ledger):
    assert not judge(ledger, data(), rules(devices={}), until_ms=LATER).ok


def test_rules_are_read_from_a_site_file(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(
        '[gateway]\nsite = "s"\nid = "gw"\n[buffer]\nflush_every = "2 s"\n[defaults]\nevery = "5 s"\n'
        '[[device]]\nid = "m"\nmax_silence = "1 min"\ndeadband = { frequency = 0.02, power_factor_total = "1 %" }\n'
    )
    read = read_rules([path], [])
    assert read.flush_s == 2.0
    assert read.devices["m"].every_s == 5.0
    assert read.devices["m"].max_silence_ms == 60_000
    assert read.devices["m"].bands["power_factor_total"].holds(0.908, 0.9)
    assert not read.devices["m"].bands["frequency"].holds(50.03, 50.0)
