"""Balance with uncertainty, and which child explains the gap."""

from decimal import Decimal

import numpy as np
import pytest

from cloud.energy.balance import Metered, balance
from cloud.energy.contract import BASE_MS, MICRO, Intervals, Source
from cloud.energy.suspects import suspects

DAYS = 14
N = 96 * DAYS
END = N * BASE_MS


def metered(name: str, kwh, accuracy: str = "0.5") -> Metered:
    micro = np.rint(np.asarray(kwh) * MICRO).astype(np.int64)
    full, none = np.full(N, BASE_MS, np.int32), np.zeros(N, np.uint8)
    return Metered(name, Intervals(0, micro, full, none, none.copy()), Decimal(accuracy))


def loads(seed: int = 1):
    """Offices by day, cooling in the afternoon, a data room that never rests; each with its own noise."""
    random = np.random.default_rng(seed)
    hour = np.arange(N) / 4 % 24
    office = np.where((hour > 8) & (hour < 18), 20.0, 3.0) * random.uniform(0.8, 1.2, N)
    cooling = np.clip(np.sin((hour - 9) / 12 * np.pi), 0, 1) * 30 * np.repeat(random.uniform(0.4, 1.6, DAYS), 96)
    room = 8.0 * random.uniform(0.95, 1.05, N)
    return office, cooling, room


OFFICE, COOLING, ROOM = loads()
FED = OFFICE + COOLING + ROOM


def children(office=OFFICE, cooling=COOLING, room=ROOM) -> list[Metered]:
    return [metered("office", office), metered("cooling", cooling), metered("room", room)]


def test_errors_within_their_classes_are_balanced() -> None:
    found = balance(metered("main", FED * 1.002), children(), 0, END)
    assert found.verdict == "balanced"
    assert not found.significant
    assert found.gap > 0


def test_a_real_loss_is_a_gap() -> None:
    found = balance(metered("main", FED * 1.04), children(), 0, END)
    assert found.verdict == "gap"
    assert found.share == pytest.approx(1 - 1 / 1.04, rel=1e-3)


def test_children_beyond_their_parent_are_an_error_of_entry() -> None:
    assert balance(metered("main", FED), children(office=OFFICE * 1.5), 0, END).verdict == "children_exceed"


def test_a_missing_child_is_no_loss() -> None:
    broken = children()
    broken[1].intervals.source[:96] = Source.MISSING
    broken[1].intervals.micro[:96] = 0
    broken[1].intervals.covered_ms[:96] = 0
    found = balance(metered("main", FED), broken, 0, END)
    assert found.verdict == "balanced"
    assert found.coverage == pytest.approx(1 - 1 / DAYS)
    broken[1].intervals.source[: 96 * 3] = Source.MISSING
    assert balance(metered("main", FED), broken, 0, END).verdict == "too_little_known"


def test_the_uncertainty_is_that_of_the_classes() -> None:
    """1 000 kWh of class 1 and 1 000 kWh of class 0.5: sqrt(10^2 + 5^2) / sqrt(3) kWh."""
    flat = np.full(N, 1000 / N)
    found = balance(metered("main", flat, "1"), [metered("sub", flat, "0.5")], 0, END)
    assert found.uncertainty / MICRO == pytest.approx((125 / 3) ** 0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("wrong", "culprit", "fault", "factor"),
    [
        ({"cooling": COOLING * 20}, "cooling", "multiplier", 1 / 20),
        ({"cooling": COOLING / 20}, "cooling", "multiplier", 20.0),
        ({"office": OFFICE / 3}, "office", "multiplier", 3.0),
        ({"office": OFFICE / 3**0.5}, "office", "multiplier", 3**0.5),
        ({"office": -OFFICE}, "office", "reversed", -1.0),
    ],
)
def test_the_child_that_is_entered_wrongly_is_named(wrong, culprit: str, fault: str, factor: float) -> None:
    noise = np.random.default_rng(5).normal(1, 0.003, N)
    first = suspects(metered("main", FED * noise), children(**wrong), 0, END)[0]
    assert (first.meter, first.fault) == (culprit, fault)
    assert first.factor == pytest.approx(factor)
    assert first.certain


def test_a_child_that_never_rests_looks_like_a_base_load_and_so_is_not_certain() -> None:
    noise = np.random.default_rng(5).normal(1, 0.01, N)
    found = suspects(metered("main", FED * noise), children(room=ROOM / 3**0.5), 0, END)
    assert [(each.meter, each.fault) for each in found] == [("room", "multiplier"), ("main", "base_load")]
    assert not found[0].certain


def test_a_child_that_the_parent_does_not_feed_is_named() -> None:
    first = suspects(metered("main", FED - COOLING), children(), 0, END)[0]
    assert (first.meter, first.fault, first.certain) == ("cooling", "double_counted", True)


def test_a_gap_that_follows_the_parent_is_a_share_nobody_measures() -> None:
    first = suspects(metered("main", FED * 1.08), children(), 0, END)[0]
    assert (first.meter, first.fault) == ("main", "share_unmetered")
    assert first.slope == pytest.approx(0.08 / 1.08, rel=1e-3)


def test_a_constant_gap_is_a_base_load() -> None:
    first = suspects(metered("main", FED + 2.5), children(), 0, END)[0]
    assert (first.fault, first.slope) == ("base_load", pytest.approx(10.0))


def test_noise_has_no_suspect() -> None:
    random = np.random.default_rng(3)
    assert suspects(metered("main", FED + random.normal(0, 3, N)), children(), 0, END) == []


def test_two_days_are_needed() -> None:
    assert suspects(metered("main", FED), children(cooling=COOLING * 2), 0, 96 * BASE_MS) == []
