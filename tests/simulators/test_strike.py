"""Who comes to a door whose gateway decides, and when it can be pushed."""

import random
from collections import Counter

from simulators.devices.mqtt.strike import Strike
from simulators.world.people import make_people

PEOPLE = make_people(random.Random(1), 64)


def test_regulars_come_and_now_and_then_a_stranger():
    strike, rng = Strike(lambda: False, (0, 10), None), random.Random(2)
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
    way_in = Strike(lambda: current[0], (0, 4), inside)
    way_out = Strike(lambda: current[0], (0, 4), inside, leaves=True)
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
    strike = Strike(lambda: True, (0, 8), inside)
    came = [each.card in inside for each in (strike.somebody(rng, PEOPLE) for _ in range(600)) if each]
    assert 0 < sum(came) / len(came) < 0.3
