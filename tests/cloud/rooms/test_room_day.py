"""What a room is, from bookings and presence, by cases; and that the order of arrival does not matter."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.rooms.booking import Booking
from cloud.rooms.presence import Presence, Sample
from cloud.rooms.room_day import RoomDay, RoomLimits, work_out
from tests.cloud.places.console import MINUTE, at

LIMITS = RoomLimits()
STALE = 20 * MINUTE


def booking(name: str, since: str, until: str, **other: object) -> Booking:
    known = {"site": "east", "room": "r1", "unit": name, "subject": "", "organiser": "", "created_by": "li"}
    values = known | {"id": name, "from_at": at(since), "until_at": at(until), "created_at": 0} | other
    return Booking(**values)  # type: ignore[arg-type]


def seen(*samples: tuple[str, int | None]) -> list[Sample]:
    return [Sample(at(when), "s", None if value is None else bool(value)) for when, value in samples]


def day(
    bookings: Sequence[Booking], samples: Sequence[Sample] | None, until: str, limits: RoomLimits = LIMITS
) -> RoomDay:
    presence = Presence(STALE)
    presence.put(samples or ())
    return work_out(bookings, presence.spans(at("08:00"), at(until)), limits, at("08:00"), at(until))


def told(result: RoomDay) -> list[tuple[str, str, str]]:
    def clock(ms: int) -> str:
        minutes = (ms - at("00:00")) // MINUTE
        return f"{minutes // 60:02}:{minutes % 60:02}"

    return [(clock(span.since), span.state, span.booking) for span in result.spans]


def every_ten_minutes(since: str, until: str, value: int) -> list[Sample]:
    return [Sample(ms, "s", bool(value)) for ms in range(at(since), at(until), 10 * MINUTE)]


def test_a_room_that_is_booked_and_used_is_in_use_and_free_when_they_have_left() -> None:
    samples = [
        *every_ten_minutes("08:00", "09:00", 0),
        *every_ten_minutes("09:02", "09:45", 1),
        *every_ten_minutes("09:50", "11:00", 0),
    ]
    result = day([booking("a", "09:00", "10:00")], samples, "11:00")
    assert told(result) == [
        ("08:00", "free", ""),
        ("09:00", "booked", "a"),
        ("09:02", "in_use", "a"),
        ("09:55", "booked", "a"),
        ("10:00", "free", ""),
    ]
    assert result.outcomes["a"].came_at == at("09:02")
    assert result.outcomes["a"].used_ms == 53 * MINUTE


def test_nobody_ten_minutes_after_the_beginning_is_a_no_show() -> None:
    result = day([booking("a", "09:00", "10:00")], every_ten_minutes("08:00", "10:30", 0), "10:30")
    assert told(result)[1:] == [("09:00", "booked", "a"), ("09:10", "no_show", "a"), ("10:00", "free", "")]


def test_where_rooms_are_given_back_the_prompt_comes_before_the_release() -> None:
    limits = LIMITS._replace(releases=True)
    result = day([booking("a", "09:00", "10:00")], every_ten_minutes("08:00", "10:30", 0), "10:30", limits)
    assert result.outcomes["a"].absent_since == at("09:05")
    released = booking("a", "09:00", "10:00", released_at=at("09:10"))
    result = day([released], every_ten_minutes("08:00", "10:30", 0), "10:30", limits)
    assert told(result)[1:] == [("09:00", "booked", "a"), ("09:05", "no_show", "a"), ("09:10", "free", "")]


@pytest.mark.parametrize("samples", [[], seen(("08:10", 0)), seen(("08:55", None), ("09:15", None))])
def test_not_knowing_is_not_absence(samples: list[Sample]) -> None:
    result = day([booking("a", "09:00", "10:00")], samples, "10:30")
    assert "no_show" not in {span.state for span in result.spans}
    assert ("09:00", "booked", "a") in told(result)
    assert result.outcomes["a"].absent_since is None


def test_absence_counts_from_when_it_is_known_again() -> None:
    samples = [*seen(("08:00", 0), ("08:20", None)), *every_ten_minutes("09:20", "10:00", 0)]
    result = day([booking("a", "09:00", "10:00")], samples, "10:00")
    assert result.outcomes["a"].absent_since == at("09:30")


def test_who_signs_in_where_no_sensor_is_uses_the_room_until_its_end() -> None:
    result = day([booking("a", "09:00", "10:00", signed_in_at=at("09:05"))], None, "10:30")
    assert told(result) == [
        ("08:00", "free", ""),
        ("09:00", "booked", "a"),
        ("09:05", "in_use", "a"),
        ("10:00", "free", ""),
    ]
    assert result.outcomes["a"].used_ms == 55 * MINUTE


def test_who_came_a_little_early_has_come() -> None:
    samples = [*every_ten_minutes("08:00", "08:50", 0), *every_ten_minutes("08:52", "09:30", 1)]
    result = day([booking("a", "09:00", "10:00")], samples, "09:30")
    assert told(result)[1:] == [("08:52", "in_use", ""), ("09:00", "in_use", "a")]
    assert result.outcomes["a"].came_at == at("09:00")


def test_those_who_stay_after_the_grace_overrun_and_still_do_when_the_next_begins() -> None:
    samples = every_ten_minutes("09:00", "11:00", 1)
    result = day([booking("a", "09:00", "10:00"), booking("b", "10:30", "11:30")], samples, "11:00")
    assert told(result)[1:] == [
        ("09:00", "in_use", "a"),
        ("10:00", "in_use", ""),
        ("10:05", "overrun", "a"),
        ("10:40", "in_use", "b"),
    ]


def test_the_next_ones_sign_in_ends_the_overrun() -> None:
    samples = every_ten_minutes("09:00", "11:00", 1)
    next_one = booking("b", "10:00", "11:00", signed_in_at=at("10:03"))
    result = day([booking("a", "09:00", "10:00"), next_one], samples, "11:00")
    assert told(result)[2:] == [("10:00", "overrun", "a"), ("10:03", "in_use", "b")]


def test_where_only_a_card_counts_presence_is_no_coming() -> None:
    limits = LIMITS._replace(came_by="card")
    samples = [*every_ten_minutes("08:00", "08:59", 0), *every_ten_minutes("09:02", "09:20", 1)]
    result = day([booking("a", "09:00", "10:00")], samples, "09:30", limits)
    assert result.outcomes["a"].absent_since == at("09:10")


def test_a_room_out_of_service_is_that() -> None:
    result = day([booking("a", "09:00", "10:00")], None, "10:30", LIMITS._replace(out_of_service=True))
    assert told(result) == [("08:00", "out_of_service", "")]


def test_one_sensor_that_sees_somebody_is_enough_and_one_that_is_silent_leaves_it_open() -> None:
    presence = Presence(STALE)
    presence.put([Sample(at("09:00"), "a", False), Sample(at("09:00"), "b", True), Sample(at("09:10"), "a", False)])
    assert [(s.since - at("09:00"), s.present) for s in presence.spans(at("09:00"), at("09:40"))] == [
        (0, True),
        (20 * MINUTE, None),
    ]


SAMPLES = st.lists(
    st.builds(
        lambda minute, sensor, value: Sample(at("08:00") + minute * MINUTE, sensor, value),
        st.integers(0, 240),
        st.sampled_from("st"),
        st.sampled_from([True, False, None]),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(SAMPLES, st.integers(0, 2**32))
def test_any_order_of_arrival_gives_the_same_states_without_a_hole(samples: list[Sample], seed: int) -> None:
    bookings = [booking("a", "09:00", "10:00"), booking("b", "10:00", "10:45"), booking("c", "11:00", "11:30")]
    shuffled = random.Random(seed).sample(samples, len(samples))
    one, other = day(bookings, samples, "12:00"), day(bookings, [*shuffled, *shuffled], "12:00")
    assert one == other
    assert [span.since for span in one.spans[1:]] == [span.until for span in one.spans[:-1]]
    assert (one.spans[0].since, one.spans[-1].until) == (at("08:00"), at("12:00"))
    for span in one.spans:
        if span.state == "no_show":
            assert all(p.present is False for p in one.presence if p.since < span.until and p.until > span.since)


@settings(max_examples=25, deadline=None)
@given(SAMPLES)
def test_what_arrives_in_order_never_changes_what_was(samples: list[Sample]) -> None:
    bookings = [booking("a", "09:00", "10:00"), booking("b", "10:00", "10:45"), booking("c", "11:00", "11:30")]
    before: list[tuple[str, str, str]] = []
    for now in range(at("08:05"), at("12:10"), 7 * MINUTE):
        known = [each for each in samples if each.at < now]
        presence = Presence(STALE)
        presence.put(known)
        result = work_out(bookings, presence.spans(at("08:00"), now), LIMITS, at("08:00"), now)
        spans = told(result)
        assert spans[: len(before)] == before
        before = spans


def test_who_comes_after_all_ends_the_no_show_and_does_not_undo_it() -> None:
    samples = [*every_ten_minutes("08:00", "09:20", 0), *every_ten_minutes("09:20", "10:00", 1)]
    result = day([booking("a", "09:00", "10:00")], samples, "10:00")
    assert told(result)[1:] == [("09:00", "booked", "a"), ("09:10", "no_show", "a"), ("09:20", "in_use", "a")]
