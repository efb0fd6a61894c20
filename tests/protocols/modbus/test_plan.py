"""Requests: few, legal, no value torn; and what a refusal teaches."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.modbus.plan import NOTHING_LEARNED, Block, Learned, explore, plan_reads, prefixes
from protocols.modbus.point import ModbusPoint
from protocols.modbus.profile import ModbusProfile, decode_modbus
from protocols.modbus.registers import BIT_AREAS, BITS_PER_READ_MAX
from protocols.settings import Document
from tests.protocols.modbus.shipped import shipped

NAMES = [
    *("voltage_l1_n", "voltage_l2_n", "voltage_l3_n", "current_l1", "current_l2", "current_l3"),
    *("active_power_l1", "active_power_l2", "active_power_l3", "active_power_total", "frequency", "current_n"),
]
WORDS = {"uint16": 1, "float32": 2, "float64": 4}


def profile_of(
    places: list[tuple[int, str]],
    *,
    max_registers: int = 60,
    max_gap: int = 0,
    others: dict[int, list[int]] | None = None,
) -> ModbusProfile:
    rows = "\n".join(
        f'{name} = {{ at = {at}, type = "{kind}", alternatives = {(others or {}).get(at, [])} }}'
        for name, (at, kind) in zip(NAMES, places, strict=False)
    )
    return decode_modbus(
        Document(
            "test.toml",
            '[profile]\nid = "a/b"\nvendor = "A"\nmodel = "B"\nkind = "meter"\nprotocol = "modbus"\n'
            f"[modbus]\nmax_registers = {max_registers}\nmax_gap = {max_gap}\n[points]\n{rows}\n",
        )
    )


def shape(blocks: tuple[Block, ...]) -> list[tuple[int, int]]:
    return [(block.start, block.count) for block in blocks]


def test_neighbours_are_read_in_one_request() -> None:
    profile = profile_of([(0, "float32"), (2, "float32"), (4, "uint16")])
    assert shape(plan_reads(profile, profile.points)) == [(0, 5)]


def test_registers_nobody_asked_for_are_read_over_only_where_the_profile_allows_it() -> None:
    places = [(0, "uint16"), (1, "uint16"), (5, "uint16")]
    for max_gap, wanted in ((0, [(0, 2), (5, 1)]), (2, [(0, 2), (5, 1)]), (3, [(0, 6)])):
        profile = profile_of(places, max_gap=max_gap)
        assert shape(plan_reads(profile, profile.points)) == wanted


def test_a_value_that_does_not_fit_any_more_starts_the_next_request() -> None:
    profile = profile_of([(0, "float32"), (2, "float32"), (4, "float64")], max_registers=7)
    assert shape(plan_reads(profile, profile.points)) == [(0, 4), (4, 4)] or shape(
        plan_reads(profile, profile.points)
    ) == [(0, 2), (2, 6)]
    assert all(block.count <= 7 for block in plan_reads(profile, profile.points))


def test_requests_of_one_plan_differ_in_length_where_that_costs_none() -> None:
    """So that a late answer to the first cannot be taken for the answer to the second."""
    profile = profile_of([(at, "float32") for at in range(0, 18, 2)], max_registers=8)
    counts = [block.count for block in plan_reads(profile, profile.points)]
    assert counts == [8, 6, 4]
    full = profile_of([(at, "float32") for at in range(0, 24, 2)], max_registers=8)
    assert [block.count for block in plan_reads(full, full.points)] == [8, 8, 8]


places_of_points = st.lists(
    st.tuples(st.integers(0, 80), st.sampled_from(sorted(WORDS))),
    min_size=1,
    max_size=12,
    unique_by=lambda place: place[0],
)


@settings(max_examples=200, deadline=None)
@given(places_of_points, st.integers(4, 40), st.integers(0, 10))
def test_every_plan_reads_every_value_whole_and_within_the_limit(
    places: list[tuple[int, str]], limit: int, gap: int
) -> None:
    profile = profile_of(places, max_registers=limit, max_gap=gap)
    blocks = plan_reads(profile, profile.points)
    assert sorted(point.name for block in blocks for point in block.points) == sorted(p.name for p in profile.points)
    for block in blocks:
        assert 1 <= block.count <= limit
        wanted = {address for point in block.points for address in range(point.at, point.at + point.words)}
        assert min(wanted) == block.start
        assert max(wanted) == block.start + block.count - 1
        holes = sorted(set(range(block.start, block.start + block.count)) - wanted)
        run = 0
        for before, hole in zip([-2, *holes], holes, strict=False):
            run = run + 1 if hole == before + 1 else 1
            assert run <= gap
        for point in block.points:
            assert block.start <= point.at
            assert point.at + point.words <= block.start + block.count


def fewest(points: tuple[ModbusPoint, ...], limit: int, gap: int) -> int:
    """The least number of requests, by trying every way to divide the points."""
    spans = sorted(point.span() for point in points)

    def legal(part: list[tuple[int, int]]) -> bool:
        reach = part[0][0]
        for start, end in part:
            if start - reach > gap:
                return False
            reach = max(reach, end)
        return reach - part[0][0] <= limit

    least = [0] + [99] * len(spans)
    for end in range(1, len(spans) + 1):
        least[end] = min(1 + least[first] for first in range(end) if legal(spans[first:end]))
    return least[-1]


@settings(max_examples=200, deadline=None)
@given(places_of_points, st.integers(4, 40), st.integers(0, 10))
def test_no_plan_has_fewer_requests(places: list[tuple[int, str]], limit: int, gap: int) -> None:
    profile = profile_of(places, max_registers=limit, max_gap=gap)
    assert len(plan_reads(profile, profile.points)) == fewest(profile.points, limit, gap)


class Device:
    """Answers requests that touch only its registers and are short enough; counts them."""

    def __init__(self, refused: set[int], longest: int = 125) -> None:
        self.refused, self.longest, self.asked = refused, longest, 0

    def answer(self, block: Block) -> int:
        self.asked += 1
        if block.count > self.longest:
            return 3
        return 2 if self.refused & set(range(block.start, block.start + block.count)) else 0


def learn(profile: ModbusProfile, device: Device) -> Learned:
    learned = NOTHING_LEARNED
    for _ in range(10):
        refused = [
            (block, code) for block in plan_reads(profile, profile.points, learned) if (code := device.answer(block))
        ]
        if not refused:
            return learned
        search = explore(*refused[0], learned)
        try:
            part = next(search)
            while True:
                part = search.send(device.answer(part))
        except StopIteration as found:
            learned = found.value
    raise AssertionError("no end")


def test_a_point_the_device_does_not_have_is_left_out_and_only_that_one() -> None:
    profile = profile_of([(at, "float32") for at in range(0, 24, 2)])
    learned = learn(profile, Device({10, 11}))
    assert learned.absent == {NAMES[5]}
    assert shape(plan_reads(profile, profile.points, learned)) == [(0, 10), (12, 12)]


def test_a_gap_the_device_refuses_is_not_read_again() -> None:
    profile = profile_of([(0, "float32"), (2, "float32"), (8, "float32"), (10, "float32")], max_gap=10)
    learned = learn(profile, Device({5}))
    assert not learned.absent
    assert [block.start for block in plan_reads(profile, profile.points, learned)] == [0, 8] or shape(
        plan_reads(profile, profile.points, learned)
    ) == [(0, 4), (8, 4)]


def test_absent_registers_are_never_read_over() -> None:
    profile = profile_of([(0, "float32"), (2, "float32"), (4, "float32")], max_gap=10)
    learned = learn(profile, Device({2, 3}))
    assert learned.absent == {NAMES[1]}
    assert [block.start for block in plan_reads(profile, profile.points, learned)] == [0, 4]


def test_a_shorter_limit_than_the_profile_says_is_learned() -> None:
    profile = profile_of([(at, "float32") for at in range(0, 24, 2)])
    learned = learn(profile, Device(set(), longest=12))
    assert learned.max_registers == 12
    assert not learned.absent


@settings(max_examples=200, deadline=None)
@given(places_of_points, st.sets(st.integers(0, 90), max_size=5), st.integers(4, 40), st.integers(0, 10))
def test_whatever_a_device_refuses_every_other_point_is_read_in_the_end(
    places: list[tuple[int, str]], refused: set[int], longest: int, gap: int
) -> None:
    profile = profile_of(places, max_registers=40, max_gap=gap)
    device = Device(refused, longest)
    learned = learn(profile, device)
    really = {p.name for p in profile.points if refused & set(range(p.at, p.at + p.words)) or p.words > longest}
    assert learned.absent == really
    assert all(device.answer(block) == 0 for block in plan_reads(profile, profile.points, learned))


def test_prefixes_are_shorter_requests_from_the_same_start() -> None:
    profile = profile_of([(0, "float32"), (2, "float64"), (6, "uint16")])
    (block,) = plan_reads(profile, profile.points)
    assert shape(tuple(prefixes(block))) == [(0, 6), (0, 2)]


def test_a_point_that_other_firmware_has_elsewhere_is_found_there() -> None:
    profile = profile_of([(0, "float32"), (2, "float32"), (4, "float32")], others={2: [50, 70]})
    learned = learn(profile, Device({2, 3, 50}))
    assert not learned.absent
    assert learned.moved == {(NAMES[1], 70)}
    blocks = plan_reads(profile, profile.points, learned)
    assert shape(blocks) == [(0, 2), (4, 2), (70, 2)]
    assert [point.name for point in blocks[2].points] == [NAMES[1]]


def test_a_point_found_nowhere_is_absent_and_no_longer_moved() -> None:
    profile = profile_of([(0, "float32"), (2, "float32")], others={2: [50]})
    learned = learn(profile, Device({2, 3, 51}))
    assert learned == Learned(absent=frozenset({NAMES[1]}))
    moved = Learned(moved=frozenset({(NAMES[1], 50)}))
    (block,) = (each for each in plan_reads(profile, profile.points, moved) if each.start == 50)
    search = explore(block, 2, moved)
    with pytest.raises(StopIteration) as found:
        next(search)
    assert found.value.value == Learned(absent=frozenset({NAMES[1]}))


def test_the_registers_a_point_was_moved_away_from_are_not_read_over() -> None:
    profile = profile_of([(0, "float32"), (2, "float32"), (4, "float32")], max_gap=20, others={2: [60]})
    learned = learn(profile, Device({2}))
    assert shape(plan_reads(profile, profile.points, learned)) == [(0, 2), (4, 2), (60, 2)]


@settings(max_examples=200, deadline=None)
@given(places_of_points, st.sets(st.integers(0, 90), max_size=5), st.integers(4, 40), st.integers(0, 10))
def test_wherever_a_point_stands_it_is_found_if_the_device_has_it(
    places: list[tuple[int, str]], refused: set[int], longest: int, gap: int
) -> None:
    others = {at: [at + 200, at + 400] for at, _ in places}
    profile = profile_of(places, max_registers=40, max_gap=gap, others=others)
    device = Device(refused | {at + 200 for at, _ in places[::2]}, longest)
    learned = learn(profile, device)
    assert set(learned.absent) == {p.name for p in profile.points if p.words > longest}
    assert all(device.answer(block) == 0 for block in plan_reads(profile, profile.points, learned))


def test_what_is_learned_while_everything_is_refused_and_then_nothing_is_that_all_is_there() -> None:
    """A meter that refuses once because it is starting must not lose points that it answers for at the next try."""
    profile = profile_of([(0, "float32"), (2, "float32")])
    (block,) = plan_reads(profile, profile.points)
    search = explore(block, 2, NOTHING_LEARNED)
    next(search)
    search.send(0)
    with pytest.raises(StopIteration) as found:
        search.send(0)
    assert not found.value.value.absent


SHIPPED = list(shipped().values())


@pytest.mark.parametrize("profile", SHIPPED, ids=lambda profile: profile.id)
@pytest.mark.parametrize("extended", [False, True])
def test_a_shipped_model_s_plan_keeps_its_limits(profile: ModbusProfile, extended: bool) -> None:
    points = profile.selected(extended=extended)
    blocks = plan_reads(profile, points)
    assert sorted(p.name for block in blocks for p in block.points) == sorted(p.name for p in points)
    for block in blocks:
        bits = block.area in BIT_AREAS
        assert 1 <= block.count <= (BITS_PER_READ_MAX if bits else profile.max_registers)
        reach = block.start
        for point in block.points:
            first, end = point.span()
            assert block.start <= first < end <= block.start + block.count
            assert first - reach <= profile.max_gap
            reach = max(reach, end)
        assert reach == block.start + block.count


EASTRON = [profile for profile in SHIPPED if profile.head.vendor == "Eastron"]


@pytest.mark.parametrize("profile", EASTRON, ids=lambda profile: profile.id)
def test_an_eastron_meter_is_asked_from_even_addresses_for_even_counts_whatever_was_learned(
    profile: ModbusProfile,
) -> None:
    """It answers nothing else. Cuts, absent points, shorter limits, divided and shortened requests included."""
    points = profile.selected(extended=True)
    some = frozenset(point.name for point in points[1::5])
    cuts = frozenset((point.area, point.at) for point in points[2::7])
    for learned in (NOTHING_LEARNED, Learned(absent=some), Learned(cuts=cuts), Learned(max_registers=11)):
        for block in plan_reads(profile, points, learned):
            tried = [block, *prefixes(block)]
            search = explore(block, 2, learned)
            try:
                part = next(search)
                while True:
                    tried.append(part)
                    part = search.send(2)
            except StopIteration:
                pass
            assert all(each.start % 2 == 0 and each.count % 2 == 0 for each in tried)
