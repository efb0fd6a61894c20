"""The world is a pure function of seed and time."""

import itertools
import random
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from simulators import sample_site
from simulators.world.day import busy
from simulators.world.driver import Driver
from simulators.world.load import MeteredLoad
from simulators.world.people import make_people
from simulators.world.rooms import Room
from simulators.world.rounds import ROUNDS, card_taps, patrol_routes, walker
from simulators.world.routes import make_timetable
from simulators.world.streets import inside, metres, nearest_on_road

ORIGIN_MS = 1_790_000_000_000
ZONE = ZoneInfo("Asia/Shanghai")


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


def vehicles() -> list[str]:
    return sorted(sample_site.slots())


@pytest.mark.parametrize("vehicle", vehicles())
def test_a_vehicle_keeps_to_the_roads_of_the_map_and_leaves_through_a_gate(vehicle):
    timetable = make_timetable(random.Random(vehicle), bay=0, drives=True, vehicle=vehicle)
    whole_ms = timetable.out.lasts_ms + timetable.wait_ms + timetable.back.lasts_ms + timetable.park_ms
    seen = [timetable.place_at(ORIGIN_MS + at) for at in range(0, whole_ms, 2_000)]
    in_the_compound = [spot for spot in seen if inside(spot)]
    assert max(nearest_on_road(spot)[1] for spot in in_the_compound) < 28  # a slot lies so far from its road
    assert timetable.home in seen
    assert any(not inside(spot) for spot in seen)
    gates = sample_site.points("gate").values()
    assert min(metres(gate, spot) for gate in gates for spot in in_the_compound) < 10


def test_every_vehicle_has_a_slot_of_its_own():
    homes = [make_timetable(random.Random(1), bay=0, drives=False, vehicle=name).home for name in vehicles()]
    assert len(homes) == len(set(homes)) == 24


def test_one_seed_gives_one_journey():
    one, other = (make_timetable(random.Random(9), bay=3, drives=True, vehicle="car-04") for _ in range(2))
    assert one == other
    assert one != make_timetable(random.Random(10), bay=3, drives=True, vehicle="car-04")


def test_a_driver_arrives_where_it_was_sent_and_comes_home():
    home = sample_site.slots()["car-01"]
    driver = Driver(lambda at_ms: home, home)
    there = sample_site.points("place")["rail-station"]
    arrives = driver.go(ORIGIN_MS, there)
    assert driver.place_at(ORIGIN_MS - 1) == home
    assert driver.place_at(arrives) == there
    assert driver.fix_at(arrives).speed_kmh == 0
    assert driver.fix_at((ORIGIN_MS + arrives) // 2).speed_kmh > 20
    back = driver.go(arrives + 60_000, home, gate=1)
    assert driver.place_at(arrives + 59_000) == there
    assert driver.place_at(back) == home


def test_a_driver_who_is_called_back_turns_where_it_is():
    home = sample_site.slots()["car-01"]
    driver = Driver(lambda at_ms: home, home)
    arrives = driver.go(ORIGIN_MS, sample_site.points("place")["city-archive"])
    turn = ORIGIN_MS + (arrives - ORIGIN_MS) // 3
    before = driver.place_at(turn)
    driver.go(turn, home)
    assert metres(before, driver.place_at(turn)) < 1
    with pytest.raises(ValueError, match="cannot begin before"):
        driver.go(turn - 1, home)


@pytest.mark.parametrize("walk", ROUNDS, ids=lambda walk: walk.id)
def test_a_guard_is_at_every_checkpoint_within_its_window(walk):
    [route] = [each for each in patrol_routes(ORIGIN_MS, ZONE) if each["id"] == walk.id]
    noon_ms = ORIGIN_MS // 86_400_000 * 86_400_000 + 4 * 3_600_000  # 12:00 there
    place_at = walker(walk.guards[0], ZONE)
    known = sample_site.points("checkpoint")
    for checkpoint in route["checkpoints"]:
        window = range(noon_ms + checkpoint["from_min"] * 60_000, noon_ms + checkpoint["until_min"] * 60_000, 1_000)
        there = [at for at in window if metres(place_at(at), known[checkpoint["id"]]) < 5]
        assert len(there) >= 20, checkpoint
    by_night = walker(walk.guards[1], ZONE)
    assert len({by_night(noon_ms + at) for at in range(0, 900_000, 30_000)}) == 1


def test_people_are_in_a_room_while_they_meet():
    room = Room()
    room.meet(1_000, 5_000)
    assert [room.occupied(at) for at in (999, 1_000, 4_999, 5_000)] == [False, True, True, False]
    room.end(3_000)
    assert [room.occupied(at) for at in (2_999, 3_000)] == [True, False]


def test_mornings_are_busier_than_afternoons_and_nights_are_not_dead():
    midnight = ORIGIN_MS // 86_400_000 * 86_400_000 - 8 * 3_600_000
    at = {hour: busy(midnight + hour * 3_600_000, ZONE) for hour in (3, 8, 12, 15)}
    assert at[8] > at[12] > at[15] > at[3] > 0


def test_guards_hold_their_cards_to_readers_while_they_stand_at_the_checkpoint():
    doors = {
        row["devices"]["reader"]: row["checkpoint"] for row in sample_site.tables()["reader"] if "checkpoint" in row
    }
    taps = list(itertools.islice(card_taps(ORIGIN_MS, ZONE), 60))
    assert [tap.at_ms for tap in taps] == sorted(tap.at_ms for tap in taps)
    assert {tap.door for tap in taps} == set(doors)
    known = sample_site.points("checkpoint")
    for tap in taps:
        assert metres(walker(tap.guard, ZONE)(tap.at_ms), known[doors[tap.door]]) < 1


def test_only_rounds_that_have_not_begun_are_due():
    quarter = ORIGIN_MS // 900_000 * 900_000
    at_once, late = ({each["id"]: each["starts"] for each in patrol_routes(quarter + ms, ZONE)} for ms in (0, 400_000))
    assert all(len(starts) == 24 for starts in at_once.values())
    assert [len(late[name]) for name in ("round-north", "round-south", "round-east")] == [23, 23, 24]
