"""The wall clock and what is done when it cannot be believed."""

from __future__ import annotations

from edge.retime import PATIENCE_S, Timing
from edge.sealer import retimed
from protocols.batch import Identity, build
from protocols.clock import TRUST_FLOOR_MS, ManualClock
from protocols.reading import Event, Quality, Reading

NOW = TRUST_FLOOR_MS + 10 * 86_400_000
HOUR_MS = 3_600_000


def reading(at: int) -> Reading:
    return Reading("meter", "active_power_total", 1.0, at)


def timing(clock: ManualClock, last_good_at: int = 0) -> Timing:
    made = Timing(clock, boot="boot-1")
    made.start(last_good_at)
    return made


async def test_a_clock_that_is_set_is_believed() -> None:
    watch = timing(ManualClock(NOW))
    assert watch.known
    assert watch.report().state == "synced"
    readings = [reading(NOW - 5)]
    assert watch.split(readings) == (readings, ())


async def test_in_1970_readings_carry_the_monotonic_clock_until_the_time_is_known() -> None:
    clock = ManualClock(5_000, monotonic=50.0)
    watch = timing(clock)
    assert watch.report().state == "unsynced"
    await clock.advance(10.0)
    assert watch.observe() is None
    timed, untimed = watch.split([reading(clock.now_ms())])
    assert (list(timed), [each.observed_at for each in untimed]) == ([], [60_000])
    await clock.advance(30.0)
    clock.step(NOW)
    step = watch.observe()
    assert step is not None
    assert step.became_known
    assert step.step_ms == NOW
    true_time = NOW + 5_000 + 10_000
    assert untimed[0].observed_at + watch.retiming().shift_ms == true_time


async def test_a_clock_behind_the_last_known_time_is_not_believed() -> None:
    clock = ManualClock(NOW)
    watch = timing(clock, last_good_at=NOW + HOUR_MS)
    assert not watch.known
    clock.step(2 * HOUR_MS)
    step = watch.observe()
    assert step is not None
    assert step.became_known


async def test_a_last_known_time_in_the_far_future_does_not_block_for_ever() -> None:
    clock = ManualClock(NOW)
    watch = timing(clock, last_good_at=NOW + 1000 * 86_400_000)
    await clock.advance(PATIENCE_S - 60)
    watch.observe()
    assert not watch.known
    await clock.advance(120)
    watch.observe()
    assert watch.known


async def test_the_collectors_time_ends_the_doubt_about_a_clock_that_it_agrees_with() -> None:
    clock = ManualClock(NOW)
    watch = timing(clock, last_good_at=NOW + 1000 * 86_400_000)
    watch.hear(NOW + 30_000)
    step = watch.observe()
    assert step is not None
    assert step.became_known
    assert watch.now_ms() == NOW, "its own clock, not the collector's"


async def test_a_collector_with_another_time_changes_nothing() -> None:
    clock = ManualClock(NOW)
    watch = timing(clock, last_good_at=NOW + 1000 * 86_400_000)
    for other in (NOW + 61_000, NOW - 61_000, 0, NOW + 1000 * 86_400_000, 2**62, -(2**62)):
        watch.hear(other)
        assert watch.observe() is None
        assert not watch.known
    watch.hear(NOW)
    clock.step(-HOUR_MS)
    assert watch.observe() is None, "what it agreed with is not the clock any more"
    await clock.advance(3600.0)
    clock.step(HOUR_MS)
    step = watch.observe()
    assert step is not None
    assert step.became_known, "the collector's time runs on while nothing is acked"


async def test_no_collector_makes_a_clock_in_1970_known_nor_a_known_one_unknown() -> None:
    clock = ManualClock(5_000)
    watch = timing(clock)
    watch.hear(5_000)
    assert watch.observe() is None
    assert not watch.known
    clock.step(NOW)
    watch.observe()
    watch.hear(5_000)
    watch.hear(NOW + HOUR_MS)
    assert watch.observe() is None
    assert watch.known


async def test_drift_and_slewing_are_no_steps() -> None:
    clock = ManualClock(NOW)
    watch = timing(clock)
    for _ in range(100):
        await clock.advance(1.0)
        clock.step(-100)
        assert watch.observe() is None


async def test_a_step_forwards_is_told_once_and_flags_nothing() -> None:
    clock = ManualClock(NOW)
    watch = timing(clock)
    clock.step(HOUR_MS)
    step = watch.observe()
    assert step == (HOUR_MS, False)
    assert watch.observe() is None
    assert watch.flag([reading(clock.now_ms())])[0].quality is Quality.GOOD
    assert watch.report().state == "stepped"
    assert watch.report().step_ms == HOUR_MS


async def test_after_a_step_backwards_readings_are_flagged_until_time_has_caught_up() -> None:
    clock = ManualClock(NOW)
    watch = timing(clock)
    clock.step(-HOUR_MS)
    watch.observe()
    (flagged,) = watch.flag([reading(clock.now_ms())])
    assert (flagged.quality, flagged.reason) == (Quality.UNCERTAIN, "clock")
    bad = Reading("meter", "active_power_total", None, clock.now_ms(), Quality.BAD, "sentinel")
    assert watch.flag([bad]) == [bad]
    await clock.advance(3601)
    assert watch.flag([reading(clock.now_ms())])[0].quality is Quality.GOOD


async def test_a_clock_that_was_years_ahead_does_not_flag_for_years() -> None:
    clock = ManualClock(NOW + 1000 * 86_400_000)
    watch = timing(clock)
    clock.step(-1000 * 86_400_000)
    watch.observe()
    await clock.advance(24 * 3600 + 1)
    assert watch.flag([reading(clock.now_ms())])[0].quality is Quality.GOOD


async def test_a_fall_to_1970_while_running_makes_the_time_unknown_again() -> None:
    clock = ManualClock(NOW)
    watch = timing(clock)
    clock.step(-NOW)
    watch.observe()
    assert not watch.known
    _, untimed = watch.split([reading(clock.now_ms())])
    assert untimed[0].observed_at == int(clock.monotonic() * 1000)
    clock.step(NOW)
    step = watch.observe()
    assert step is not None
    assert step.became_known
    assert untimed[0].observed_at + watch.retiming().shift_ms == clock.now_ms()


async def test_a_reading_stamped_just_before_the_step_is_moved_with_it() -> None:
    clock = ManualClock(NOW)
    watch = timing(clock)
    stamped = clock.now_ms()
    clock.step(HOUR_MS)
    await clock.advance(0.1)
    watch.observe()
    timed, _ = watch.split([reading(stamped), reading(clock.now_ms())])
    assert [each.observed_at for each in timed] == [stamped + HOUR_MS, clock.now_ms()]
    event, is_timed = watch.place_event(Event("gate", "button", stamped))
    assert (event.at, is_timed) == (stamped + HOUR_MS, True)


async def test_a_reading_stamped_just_before_a_fall_to_1970_waits_for_its_time_too() -> None:
    clock = ManualClock(NOW + 365 * 24 * HOUR_MS)
    watch = timing(clock)
    stamped = clock.now_ms()
    clock.step(-stamped)
    await clock.advance(0.1)
    watch.observe()
    timed, untimed = watch.split([reading(stamped)])
    assert (list(timed), [each.observed_at for each in untimed]) == ([], [int(clock.monotonic() * 1000) - 100])


async def test_a_device_with_a_clock_of_its_own_is_believed_in_1970() -> None:
    clock = ManualClock(5_000)
    watch = timing(clock)
    timed, untimed = watch.split([reading(NOW), reading(clock.now_ms())])
    assert [each.observed_at for each in timed] == [NOW]
    assert len(untimed) == 1


async def test_an_earlier_boot_without_time_is_placed_behind_the_last_known_time() -> None:
    watch = timing(ManualClock(5_000), last_good_at=NOW)
    retiming = watch.earlier("boot-0", 60_000)
    assert 60_000 + retiming.shift_ms == NOW
    assert retiming.uncertain


async def test_an_event_says_when_its_time_is_not_certain() -> None:
    clock = ManualClock(NOW)
    watch = timing(clock)
    clock.step(-HOUR_MS)
    watch.observe()
    assert watch.place_event(Event("gate", "button", clock.now_ms()))[0].reason == "clock"
    clock.step(2 * HOUR_MS)
    watch.observe()
    assert watch.place_event(Event("gate", "button", clock.now_ms()))[0].reason == ""
    guessed = retimed([build(Identity("e", 1), [], [Event("gate", "button", 5)], gateway="g", sealed_at=1)],
                      watch.earlier("boot-0", 5))  # fmt: skip
    assert [event.reason for draft in guessed for event in draft.events] == ["clock"]
    known = retimed([build(Identity("e", 1), [], [Event("gate", "button", 5)], gateway="g", sealed_at=1)],
                    watch.retiming())  # fmt: skip
    assert [event.reason for draft in known for event in draft.events] == [""]
