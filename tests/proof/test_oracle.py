"""The oracle's judge sees what is gone, doubled, altered, moved, invented or late; and excuses only what it may."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from protocols.ack import Ack, encode_ack
from protocols.batch import digest, seal
from protocols.reading import Event, Reading
from simulators.told_matching import card_key
from tests.proof.oracle import SALT, Life, Oracle, salt
from tests.proof.oracle_judge import EVENT, Stored, StoredBatch, StoredTap, judge, of_the_rest

SECRET = bytes(32)
POINTS = ("active_power_l1", "active_power_l2")
ANSWERS = 6
AT = 1_800_000_000_000
KILLED_AT = AT + 3_500


def value(n: int, point: str) -> float:
    return float(n * SALT + salt("a-m1", point))


def payload(seq: int, n: int, key: str) -> bytes:
    readings = [Reading("a-m1", point, value(n, point), AT + n * 1000) for point in POINTS]
    return seal(
        "e", seq, readings, [Event("a-tag", EVENT, AT + n * 1000, {"card_key": key})], gateway="a", sealed_at=AT
    )


def world() -> tuple[Oracle, Stored]:
    """Six answers and six taps, a batch each; the gateway was killed after the third, all was stored."""
    oracle = Oracle(SECRET)
    oracle.add_meter("a-m1", "a", POINTS)
    payloads = []
    for n in range(1, ANSWERS + 1):
        if n == 4:
            oracle.ended("a", Life(AT, KILLED_AT, -9, clean=False))
        oracle.answer("a-m1", AT + n * 1000, oracle.life_of("a"))
        number, tap = oracle.tap("a-tag", "a", 0, n, faulty_broker=False)
        tap.attempts, tap.confirmed_at = 1, AT + n * 1000
        payloads.append(payload(n, n, card_key(SECRET, number.lower())))
        oracle.published("a", payloads[-1])
    oracle.acknowledged("a", encode_ack(Ack("e", [(1, ANSWERS)], [], AT)))
    ns = np.repeat(np.arange(1, ANSWERS + 1), 2)
    stored = Stored(
        {0: ("a-m1", POINTS[0]), 1: ("a-m1", POINTS[1])},
        {n: StoredBatch(("a", "e", n), digest(payloads[n - 1]), 2, 1) for n in range(1, ANSWERS + 1)},
        of_series=np.tile([0, 1], ANSWERS),
        at=AT + ns * 1000,
        value=np.array([value(n, POINTS[place % 2]) for place, n in enumerate(ns)]),
        quality=np.zeros(2 * ANSWERS, np.int64),
        batch=ns,
        taps=[StoredTap("a-tag", key, tap.n) for key, tap in oracle.taps.items()],
        events=Counter(range(1, ANSWERS + 1)),
    )
    return oracle, stored


def without(stored: Stored, rows: list[int]) -> Stored:
    columns = {
        name: np.delete(getattr(stored, name), rows) for name in ("of_series", "at", "value", "quality", "batch")
    }
    return replace(stored, **columns)


def doubled(stored: Stored, row: int) -> Stored:
    names = ("of_series", "at", "value", "quality", "batch")
    return replace(stored, **{name: np.append(getattr(stored, name), getattr(stored, name)[row]) for name in names})


def wrong(oracle: Oracle, stored: Stored) -> str:
    return " | ".join(judge(oracle, stored, timeout_ms=4_500).wrong)


def test_what_was_stored_once_and_unchanged_is_right() -> None:
    assert wrong(*world()) == ""


@pytest.mark.parametrize("row", [0, 4, 11])
def test_a_reading_that_is_gone_is_found(row: int) -> None:
    oracle, stored = world()
    said = wrong(oracle, without(stored, [row]))
    assert "rows of a promised batch differ" in said
    assert "a batch has not its rows" in said


def test_only_the_end_of_a_killed_life_may_be_gone_and_only_what_nobody_promised() -> None:
    oracle, stored = world()
    oracle.promises.clear()
    oracle.acked.clear()
    stored.batches[3] = replace_rows(stored.batches[3])
    found = judge(oracle, without(stored, [4, 5]), timeout_ms=4_500)
    assert found.wrong == []
    assert found.counts["in the memory of a gateway when it was killed"] == 2
    assert found.oldest_in_memory_ms == 500
    stored.batches[2] = replace_rows(stored.batches[2])
    said = wrong(oracle, without(stored, [2, 3]))
    assert "a reading is gone: a-m1/active_power_l1 n=2 of life 0" in said
    oracle.ended("a", Life(KILLED_AT, AT + 9_000, 0, clean=True))
    stored.batches[5], stored.batches[6] = replace_rows(stored.batches[5]), replace_rows(stored.batches[6])
    assert "n=5 of life 1" in wrong(oracle, without(stored, [8, 9, 10, 11])), "a life that ended cleanly keeps all"


def replace_rows(batch: StoredBatch) -> StoredBatch:
    return batch._replace(readings=0)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_left_of_a_life_is_counted_as_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lives, there = rng.integers(0, 4, 30), rng.random(30) < rng.random()
    left, tail = of_the_rest(lives, there)
    for place in range(30):
        rest = lives[place:] == lives[place]
        assert left[place] == rest.sum()
        assert tail[place] == (not there[place:][rest].any())


def test_two_hundred_thousand_readings_that_are_gone_are_judged_in_seconds() -> None:
    oracle, amount = Oracle(SECRET), 200_000
    oracle.add_meter("a-m1", "a", POINTS[:1])
    meter = oracle.meters["a-m1"]
    meter.at.extend(range(AT, AT + amount))
    meter.life.extend([0] * amount)
    number, empty = np.array([amount]), np.zeros(0, np.int64)
    stored = Stored(
        {0: ("a-m1", POINTS[0])},
        {},
        of_series=np.zeros(1, np.int64),
        at=AT + number,
        value=np.array([value(amount, POINTS[0])]),
        quality=np.zeros(1, np.int64),
        batch=empty,
        taps=[],
    )
    began = time.thread_time()
    said = wrong(oracle, stored)
    assert f"{amount - 1} x a reading is gone: a-m1/active_power_l1 n=1 of life 0; " in said
    assert time.thread_time() - began < 5.0


def test_a_reading_that_is_there_twice_is_found() -> None:
    oracle, stored = world()
    said = wrong(oracle, doubled(stored, 0))
    assert "a reading is stored twice: a-m1/active_power_l1 n=1" in said
    assert "a later reading stands before an earlier one" in said


def test_values_that_are_altered_of_another_series_or_never_served_are_found() -> None:
    for changed in (value(2, POINTS[1]), value(2, POINTS[0]) + 0.5, value(ANSWERS + 1, POINTS[0])):
        oracle, stored = world()
        stored.value[2] = changed
        assert "a value that was never served" in wrong(oracle, stored)


def test_a_value_stamped_before_it_was_served_or_after_its_gateway_ended_is_found() -> None:
    oracle, stored = world()
    stored.at[2] -= 2_000
    assert "stamped before it was served" in wrong(oracle, stored)
    oracle, stored = world()
    stored.at[2] += 60_000
    assert "stamped after its gateway had ended" in wrong(oracle, stored)


def test_batches_that_are_gone_other_ones_or_leave_a_hole_are_found() -> None:
    oracle, stored = world()
    lost = stored.batches.pop(3)
    said = wrong(oracle, stored)
    for part in (
        "promised batch is not stored",
        "that was acked",
        "acked batch is not stored",
        "seq of a/e is nowhere: 3",
    ):
        assert part in said
    stored.batches[3] = lost._replace(digest="0" * 16)
    assert "another one" in wrong(oracle, stored)
    stored.batches[3] = lost._replace(name=("a", "f", 3))
    stored.batches[2] = stored.batches[2]._replace(name=("a", "g", 2))
    assert "began 3 epochs in 1 kills" in wrong(oracle, stored)


def test_taps_that_are_gone_doubled_invented_or_in_another_order_are_found() -> None:
    oracle, stored = world()
    gone = stored.taps.pop(2)
    assert "a tap is gone: a-tag n=3" in wrong(oracle, stored)
    stored.taps.append(gone)
    assert "a later tap stands before an earlier one: a-tag n=3" in wrong(oracle, stored)
    stored.taps.append(gone)
    assert "a tap is stored twice: a-tag n=3 x 2" in wrong(oracle, stored)
    stored.taps.append(StoredTap("a-tag", "00", 1))
    assert "a card that nobody held" in wrong(oracle, stored)


def test_a_tap_may_be_gone_only_with_the_broker_that_had_just_confirmed_it() -> None:
    oracle, stored = world()
    stored.taps.pop(2)
    (tap,) = (tap for tap in oracle.taps.values() if tap.n == 3)
    oracle.ended("broker", Life(AT, AT + 3_600, -9, clean=False))
    assert "a tap is gone" in wrong(oracle, stored), "its own broker was not killed"
    tap.faulty_broker = True
    assert wrong(oracle, stored) == ""
    tap.confirmed_at = AT
    assert "a tap is gone" in wrong(oracle, stored)
    oracle.broker_emptied_at = [AT + 20_000]
    assert wrong(oracle, stored) == "", "it waited in a broker that came back without its file"
    (later,) = (each for each in oracle.taps.values() if each.n == 4)
    later.faulty_broker, later.confirmed_at = True, AT + 30_000
    tap.confirmed_at = AT + 25_000
    assert wrong(oracle, stored) == "", "the broker knew of no gateway yet"
    later.confirmed_at = AT + 24_000
    assert "a tap is gone" in wrong(oracle, stored), "its gateway was there again"
    tap.confirmed_at = AT
    tap.faulty_broker = False
    assert "a tap is gone" in wrong(oracle, stored)


def test_a_batch_whose_bytes_change_on_the_way_is_found() -> None:
    oracle, stored = world()
    oracle.published("a", payload(1, 2, "other"))
    assert "batch e/1 on the wire has other bytes than before" in wrong(oracle, stored)
