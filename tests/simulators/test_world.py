"""The world is a pure function of seed and time."""

import random
from itertools import pairwise

import pytest

from simulators.world.load import MeteredLoad
from simulators.world.people import make_people
from simulators.world.routes import make_timetable

ORIGIN_MS = 1_790_000_000_000


def test_the_same_seed_makes_the_same_world():
    one, other = (MeteredLoad(random.Random(5), watts=900, phases=3, origin_ms=ORIGIN_MS) for _ in range(2))
    assert one.at(ORIGIN_MS + 123_456) == other.at(ORIGIN_MS + 123_456)
    assert make_people(random.Random(5), 30) == make_people(random.Random(5), 30)


def test_totals_are_the_sums_of_their_phases():
    truth = MeteredLoad(random.Random(6), watts=5000, phases=3, origin_ms=ORIGIN_MS).at(ORIGIN_MS + 7_000_000)
    for total, parts in (
        ("active_power_total", "active_power_l{}"),
        ("active_energy_import_total", "active_energy_import_l{}"),
        ("reactive_power_total", "reactive_power_l{}"),
    ):
        assert truth[total] == pytest.approx(sum(truth[parts.format(n)] for n in (1, 2, 3)))


def test_cards_are_all_different_and_of_a_length_readers_know():
    cards = [person.card for person in make_people(random.Random(1), 500)]
    assert len(set(cards)) == 500
    assert {len(card) for card in cards} == {8, 14}


def test_a_vehicle_drives_its_loop_without_jumps_and_comes_home():
    timetable = make_timetable(random.Random(3), bay=4, drives=True)
    fixes = [timetable.fix_at(ORIGIN_MS + 1000 * second) for second in range(4000)]
    steps = [abs(b.latitude - a.latitude) + abs(b.longitude - a.longitude) for a, b in pairwise(fixes)]
    assert max(steps) < 0.0006
    assert max(fix.speed_kmh for fix in fixes) < 90
    assert any(fix.speed_kmh == 0 for fix in fixes)
    assert any(fix.speed_kmh > 20 for fix in fixes)
