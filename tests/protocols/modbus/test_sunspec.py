"""Finding a SunSpec model: the marker, then model after model by the length each one says."""

import struct
from collections.abc import Collection, Mapping, Sequence

import pytest

from protocols.modbus.sunspec import COMMON_MODEL, find_model, placed
from tests.protocols.modbus.shipped import shipped

Chain = Sequence[tuple[int, int]]


def device(base: int, chain: Chain) -> dict[int, int]:
    """Registers with the marker at ``base`` and models of these numbers and lengths behind it."""
    held = {base: 0x5375, base + 1: 0x6E53}
    at = base + 2
    for model, length in [*chain, (0xFFFF, 0)]:
        held.update({at: model, at + 1: length} | dict.fromkeys(range(at + 2, at + 2 + length), 0))
        at += 2 + length
    return held


def search(held: Mapping[int, int], wanted: Collection[int]) -> int | None:
    looking = find_model(wanted)
    start, count = next(looking)
    for _ in range(200):
        words = [held.get(start + offset) for offset in range(count)]
        answer = None if None in words else struct.pack(f">{count}H", *words)
        try:
            start, count = looking.send(answer)
        except StopIteration as found:
            where: int | None = found.value
            return where
    raise AssertionError("no end")


@pytest.mark.parametrize("base", [0, 40000, 50000])
@pytest.mark.parametrize("common", [65, 66])
def test_a_model_is_found_wherever_the_list_begins_and_however_long_the_models_before_it_are(
    base: int, common: int
) -> None:
    held = device(base, [(1, common), (12, 98), (203, 105), (213, 124)])
    assert search(held, {203}) == base + 2 + 2 + common + 100
    assert search(held, {COMMON_MODEL}) == base + 2
    assert search(held, {213}) == base + 2 + 2 + common + 100 + 107
    assert search(held, {201, 204}) is None


def test_without_the_marker_there_is_no_model() -> None:
    assert search({40000: 1, 40001: 2}, {203}) is None
    assert search({}, {203}) is None


def test_a_list_without_an_end_ends() -> None:
    held = {40000: 0x5375, 40001: 0x6E53} | {40002 + at: 77 if at % 2 == 0 else 0 for at in range(1000)}
    assert search(held, {203}) is None
    broken = {40000: 0x5375, 40001: 0x6E53, 40002: 1, 40003: 0xFFF0}
    assert search(broken, {203}) is None


@pytest.mark.parametrize("number", [201, 202, 203, 204, 211, 212, 213, 214])
def test_each_meter_model_has_its_profile(number: int) -> None:
    profile = shipped()[f"sunspec/meter-{number}"]
    assert profile.sunspec_models == (number,)
    assert {text.name for text in profile.texts} == {"vendor", "model", "firmware", "serial_number"}
    length = 107 if number < 210 else 126
    for point in profile.points:
        first, end = point.span()
        assert 2 <= first < end <= length, point.name
        assert placed(point, 40100).span() == (first + 40100, end + 40100)


def test_only_sunspec_profiles_count_from_a_model() -> None:
    counted = {each for each, profile in shipped().items() if profile.sunspec_models}
    assert counted == {f"sunspec/meter-{n}" for n in (201, 202, 203, 204, 211, 212, 213, 214)}
