"""The counter rule, case by case."""

from decimal import Decimal

import pytest

from cloud.energy.contract import (
    MICRO,
    Confirmed,
    EnergyFault,
    Flag,
    HandRead,
    Ratio,
    Readings,
    Recorded,
    Register,
    Replaced,
    SegmentKind,
    Struck,
    Track,
)
from tests.cloud.energy.tracks import register_track

MIN = 60_000
REGISTER = Register(resolution=Decimal("0.1"), modulus=Decimal(100_000), rated=Decimal(60))
"""At most 1.2 x 60 kW: 1.2 kWh a minute."""


def track(values: list[float | None], *records: Recorded, register: Register = REGISTER, step: int = MIN) -> Track:
    """A reading a minute from 0 on; None for a minute without."""
    rows = [(place * step, value) for place, value in enumerate(values) if value is not None]
    until = max(len(values) * step, *(each.at + 1 for each in records if not isinstance(each, Confirmed | Struck)), 1)
    readings = Readings.of([at for at, _ in rows], [value for _, value in rows])
    return register_track(register, readings, records, until=until)


def used(found: Track) -> float:
    return int(found.micro.sum()) / MICRO


def kinds(found: Track) -> list[str]:
    return [event.kind for event in found.events]


def test_the_first_reading_counts_nothing() -> None:
    found = track([5000.0])
    assert used(found) == 0
    assert kinds(found) == ["first"]


def test_what_the_register_advanced_was_used() -> None:
    assert used(track([10.0, 10.5, 11.5])) == 1.5


def test_jitter_below_the_highest_is_no_negative_energy_and_no_reset() -> None:
    found = track([10.0, 10.5, 10.3, 10.4, 10.6])
    assert used(found) == 0.6
    assert kinds(found) == ["first", "dip"]
    assert found.events[1].readings == 2


def test_a_reading_that_returns_was_a_glitch() -> None:
    found = track([1000.0, 1000.5, 0.0, 1001.0])
    assert used(found) == 1.0
    assert kinds(found) == ["first", "glitch"]


def test_two_wrong_readings_that_do_not_agree_are_no_level() -> None:
    found = track([1000.0, 0.0, 500.0, 0.0, 1001.0])
    assert used(found) == 1.0
    assert (found.kind == SegmentKind.KNOWN).all()


def test_a_register_at_its_end_begins_again() -> None:
    found = track([99_999.0, 99_999.5, 0.1, 0.6, 1.1])
    assert used(found) == 2.1
    assert kinds(found) == ["first", "rollover"]
    assert found.flags[1] & Flag.ROLLOVER


def test_a_recorded_final_reading_that_agrees_is_enough_for_a_rollover() -> None:
    """So what was used belongs to the time of the rollover, here before the ratio changed."""
    records = Ratio(at=MIN, ct=Decimal(80)), Replaced(at=2 * MIN, final=Decimal(0), initial=Decimal("12.6"))
    found = track([99_999.9, 0.0, None, 12.6, 12.6, 12.6], *records)
    assert used(found) == 0.1
    assert kinds(found) == ["first", "ratio", "rollover", "replacement"]


def test_a_final_reading_that_the_readings_before_it_contradict_ends_no_rollover_early() -> None:
    record = Replaced(at=2 * MIN + 1, final=Decimal("99_999.9"), initial=Decimal(5))
    found = track([99_999.8, 0.0, 0.0, 5.0], record)
    assert used(found) == 0.1
    assert kinds(found) == ["first", "glitch", "replacement"]


def test_readings_that_only_jitter_agree_with_each_other() -> None:
    """At 80 a meter needs four minutes for the 0.1 by which it fell and rose."""
    found = track([99_999.9, 0.1, 0.0, 0.1, 0.0], Ratio(at=MIN, ct=Decimal(80)))
    assert used(found) == pytest.approx(0.2)
    assert kinds(found) == ["first", "ratio", "rollover", "dip"]


def test_far_from_its_end_a_register_does_not_roll_over() -> None:
    assert kinds(track([80_000.0, 0.1, 0.6, 1.1])) == ["first", "reset"]


def test_nothing_is_believed_before_enough_readings_agree() -> None:
    found = track([1000.0, 0.5, 1.0])
    assert used(found) == 0
    assert kinds(found) == ["first"]
    assert len(found.state.pending) == 2


def test_after_a_reset_only_a_lower_bound_is_known() -> None:
    found = track([1000.0, 0.5, 1.0, 1.5])
    assert used(found) == 1.5
    assert kinds(found) == ["first", "reset"]
    assert found.flags[0] & Flag.LOWER_BOUND


def test_a_used_meter_put_in_without_a_record_counts_nothing_of_its_past() -> None:
    found = track([50_000.0, 20_000.0, 20_000.5, 20_001.0])
    assert used(found) == 1.0
    assert found.kind[0] == SegmentKind.UNKNOWN
    assert found.flags[0] & Flag.SUSPECT


def test_a_recorded_replacement_counts_both_registers() -> None:
    found = track([1000.0, 1000.5, 20.2, 20.7], Replaced(at=90_000, final=Decimal("1000.7"), initial=Decimal(20)))
    assert used(found) == pytest.approx(0.5 + 0.2 + 0.2 + 0.5)
    assert kinds(found) == ["first", "replacement"]


def test_a_replacement_that_was_recorded_some_minutes_late_covers_the_readings_before_it() -> None:
    found = track(
        [1000.0, 1000.5, 20.2, 20.7, None, 21.2], Replaced(at=200_000, final=Decimal(1001), initial=Decimal(20))
    )
    assert used(found) == pytest.approx(0.5 + 0.5 + 0.2 + 0.5 + 0.5)
    assert kinds(found) == ["first", "replacement"]


def test_a_new_register_may_count_in_other_digits() -> None:
    new = Register(resolution=Decimal("0.001"), rated=Decimal(60))
    record = Replaced(at=90_000, final=Decimal(1000), initial=Decimal(0), register=new)
    assert used(track([1000.0, None, 0.001, 0.003], record)) == 0.003


def test_a_final_reading_below_what_was_read_is_a_conflict_and_not_counted() -> None:
    found = track([1000.0, 1000.5, 0.1], Replaced(at=90_000, final=Decimal(900), initial=Decimal(0)))
    assert kinds(found) == ["first", "record_conflict"]
    assert used(found) == 0.6


def test_a_ratio_counts_from_when_it_holds() -> None:
    """0.6 on the register over two minutes, half of it at 1, half of it at 20."""
    found = track([10.0, None, 10.6], Ratio(at=MIN, ct=Decimal(20)), register=REGISTER)
    assert used(found) == pytest.approx(0.3 + 0.3 * 20)


def test_an_advance_the_meter_cannot_have_made_is_held_back() -> None:
    found = track([1000.0, 5000.0, 5000.5, 5001.0])
    assert kinds(found) == ["first", "suspect"]
    assert used(found) == 1.0
    assert found.events[1].micro == 4000 * MICRO
    assert found.kind[0] == SegmentKind.UNKNOWN


def test_a_person_can_confirm_it() -> None:
    found = track([1000.0, 5000.0, 5000.5, 5001.0], Confirmed(since=0, until=MIN))
    assert used(found) == 4001.0
    assert found.flags[0] & Flag.CONFIRMED


def test_a_person_can_strike_readings_out() -> None:
    found = track([1000.0, 5000.0, 5000.5, 5001.0, 1001.0], Struck(since=MIN, until=3 * MIN))
    assert used(found) == 1.0
    assert kinds(found) == ["first"]


def test_a_person_can_read_the_register() -> None:
    found = track([1000.0, None, None, 1003.0], HandRead(at=MIN, reading=Decimal(1001)))
    assert used(found) == 3.0
    assert found.manual.tolist() == [1, 1]


def test_after_a_long_silence_as_much_is_believed_as_the_meter_can_have_counted() -> None:
    found = track([1000.0, *[None] * 599, 1600.0])
    assert used(found) == 600.0


def test_a_register_without_a_rated_maximum_believes_any_advance_but_no_past_after_a_reset() -> None:
    free = Register(resolution=Decimal("0.1"))
    assert used(track([0.0, 90_000.0], register=free)) == 90_000
    assert used(track([1000.0, 0.5, 1.0, 1.5], register=free)) == 1.0


def test_large_32_bit_floats_may_fall_by_their_own_last_digit() -> None:
    """At 1 677 721.6 a 32-bit float knows steps of 0.125."""
    big = Register(resolution=Decimal("0.01"), rated=Decimal(60))
    assert kinds(track([1_677_721.75, 1_677_721.625, 1_677_721.75], register=big)) == ["first", "dip"]


def test_an_amount_beyond_all_sense_is_suspect_and_breaks_nothing() -> None:
    huge = Register(resolution=Decimal(1), multiplier=Decimal(1_000_000))
    found = track([0.0, 4e15, 4e15, 4e15], register=huge)
    assert kinds(found) == ["first", "suspect"]
    assert used(found) == 0


@pytest.mark.parametrize(
    ("register", "records", "says"),
    [
        (Register(resolution=Decimal("0.0000001")), [], "more than 6 decimals"),
        (Register(resolution=Decimal(0)), [], "above 0"),
        (Register(multiplier=Decimal(10) ** 12), [], "too large"),
        (Register(multiplier=Decimal("NaN")), [], "digits"),
        (Register(), [Ratio(at=1, ct=Decimal(0))], "counts nothing"),
        (Register(), [Replaced(at=1, final=Decimal(1), initial=Decimal(0))] * 2, "same instant"),
        (Register(rated=Decimal(-5)), [], "rated"),
        (Register(confirm=0), [], "confirm"),
        (Register(modulus=Decimal("0.001")), [], "modulus"),
    ],
)
def test_what_cannot_be_counted_with_is_refused_in_words(register, records, says) -> None:
    with pytest.raises(EnergyFault, match=says):
        register_track(register, Readings.of([], []), tuple(records))
