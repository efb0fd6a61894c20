"""Who comes to a door whose gateway decides, and when it can be pushed."""

import itertools
import random
from collections import Counter

from simulators.devices.mqtt.strike import WALK_S, Strike, Whereabouts
from simulators.world.people import make_people

EVERYWHERE = Whereabouts(itertools.count(1000.0, WALK_S).__next__)
"""A minute passes between any two questions."""
PEOPLE = make_people(random.Random(1), 64)


def test_regulars_come_and_now_and_then_a_stranger():
    strike, rng = Strike("d", lambda: False, (0, 10), None, EVERYWHERE), random.Random(2)
    regulars, known = {each.card for each in PEOPLE[:10]}, {each.card for each in PEOPLE}
    came = Counter(
        "regular" if each.card in regulars else "somebody" if each.card in known else "stranger"
        for each in (strike.somebody(rng, PEOPLE) for _ in range(1000))
        if each
    )
    assert came["regular"] > 800
    assert came["stranger"] > 20
    assert came["somebody"] > 40


def test_a_door_opens_only_while_its_strike_has_current_and_the_zone_knows_who_went():
    current, inside, rng = [False], set[str](), random.Random(3)
    way_in = Strike("d", lambda: current[0], (0, 4), inside, EVERYWHERE)
    way_out = Strike("d", lambda: current[0], (0, 4), inside, EVERYWHERE, leaves=True)
    assert way_out.somebody(rng, PEOPLE) is None, "nobody is inside"
    while (came := way_in.somebody(rng, PEOPLE)) is None or came not in PEOPLE[:4]:
        pass
    assert not way_in.gives_way()
    assert not inside
    current[0] = True
    assert way_in.gives_way()
    assert inside == {came.card}
    left = way_out.somebody(rng, PEOPLE)
    assert left == came
    assert way_out.gives_way()
    assert not inside


def test_who_is_inside_hardly_comes_in_again():
    inside, rng = {each.card for each in PEOPLE[:4]}, random.Random(4)
    strike = Strike("d", lambda: True, (0, 8), inside, EVERYWHERE)
    came = [each.card in inside for each in (strike.somebody(rng, PEOPLE) for _ in range(600)) if each]
    assert 0 < sum(came) / len(came) < 0.3


def test_hardly_anybody_is_at_two_doors_within_a_minute():
    now, rng = [1000.0], random.Random(5)
    whereabouts = Whereabouts(lambda: now[0])
    north, south = (Strike(name, lambda: True, (0, 64), None, whereabouts) for name in ("north", "south"))
    came = [{each.card for each in (door.somebody(rng, PEOPLE) for _ in range(40)) if each} for door in (north, south)]
    assert len(came[0] & came[1]) <= 1
    now[0] += WALK_S
    assert {each.card for each in (south.somebody(rng, PEOPLE) for _ in range(200)) if each} & came[0]
