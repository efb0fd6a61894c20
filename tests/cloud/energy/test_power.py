"""Meters that only show power: ratios count from their instant on, and what no meter shows is left out."""

from decimal import Decimal

from cloud.energy.contract import MICRO, Ratio, Readings, Register, State
from cloud.energy.eras import Eras
from cloud.energy.power import follow_power

MIN = 60_000


def used(records: list[Ratio], values: list[float], register: Register | None = None) -> list[float]:
    """kWh between readings of each minute."""
    readings = Readings.of([n * MIN for n in range(len(values))], values)
    eras = Eras(register or Register(), records)
    track = follow_power(eras, readings, State(), None, len(values) * MIN)
    return [each / MICRO for each in track.micro.tolist()]


def test_a_ratio_counts_from_its_instant_on_and_is_shared_by_the_segment_across_it() -> None:
    records = [Ratio(at=2 * MIN, ct=Decimal(40)), Ratio(at=4 * MIN, ct=Decimal(20), pt=Decimal(2))]
    assert used(records, [60_000.0] * 6) == [1, 20.5, 40, 40, 40]


def test_a_multiplier_and_a_ratio_are_both_counted() -> None:
    register = Register(multiplier=Decimal("0.5"), resolution=Decimal("0.1"))
    assert used([Ratio(at=0, ct=Decimal(10))], [6_000.0] * 3, register) == [0.5, 0.5]


def test_what_no_meter_shows_is_left_out() -> None:
    assert used([], [60_000.0, 1e300, -1e12, 60_000.0]) == [3]


def test_going_on_across_a_ratio_is_the_same_as_all_at_once() -> None:
    eras = Eras(Register(), [Ratio(at=3 * MIN, ct=Decimal(30))])
    readings = Readings.of([n * MIN for n in range(8)], [1000.0 * n for n in range(8)])
    whole = follow_power(eras, readings, State(), None, 8 * MIN)
    first = follow_power(eras, readings, State(), None, 3 * MIN)
    rest = follow_power(eras, readings, first.state, 3 * MIN, 8 * MIN)
    assert [*first.micro.tolist(), *rest.micro.tolist()] == whole.micro.tolist()
