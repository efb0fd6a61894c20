"""Which time of a device is believed, and how the ways of writing one are read."""

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from protocols.mqtt.instants import AHEAD_MAX_MS, Instant, judge, read_instant

NOW = 1_795_000_000_000
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("value", "form", "wanted"),
    [
        (1551874878, "epoch_s", 1551874878000),
        ("1551874878", "epoch_s", 1551874878000),
        (1661517432.85, "epoch_s", 1661517432850),
        (1.61, "epoch_s", 1610),
        (1698922776030, "epoch_ms", 1698922776030),
        ("561ebac3", "epoch_hex", 1444854467000),
        ("2022-02-07T08:10:15.992+00:00", "iso", 1644221415992),
        ("2020-05-07T09:48:15.000+0000", "iso", 1588844895000),
        ("2026-09-13T09:30:00Z", "iso", 1789291800000),
        ("2022-07-18T09:34:15.775023242+00:00", "iso", 1658136855775),
        ("2026-07-27T09:41:40+02:00", "iso", 1785138100000),
        ("2019-01-10t18:23:24z", "iso", 1547144604000),
        ("2019-01-10T18:23:24", "local", 1547115804000),
        ("2018.02.04 23:17:01", "local", 1517757421000),
        ("2016-12-31T23:59:60Z", "iso", 1483228800000),
        (0, "epoch_s", 0),
        (None, "epoch_s", None),
        (True, "epoch_s", None),
        ([], "epoch_s", None),
        ("", "epoch_s", None),
        ("nan", "epoch_s", None),
        (10**40, "epoch_s", None),
        (float("inf"), "epoch_s", None),
        ("2019-13-10T18:23:24Z", "iso", None),
        ("2019-01-10", "iso", None),
        ("yesterday", "local", None),
        ("٢٠١٩-01-10T18:23:24Z", "iso", None),
    ],
)
def test_times_as_devices_write_them(value: Any, form: str, wanted: int | None) -> None:
    assert read_instant(value, form, SHANGHAI) == wanted


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (NOW - 1000, Instant(NOW - 1000, False)),
        (NOW - 7 * 86_400_000, Instant(NOW - 7 * 86_400_000, False)),
        (NOW - 7 * 86_400_000 - 1, Instant(NOW, True, True)),
        (NOW + AHEAD_MAX_MS, Instant(NOW + AHEAD_MAX_MS, False)),
        (NOW + AHEAD_MAX_MS + 1, Instant(NOW, True)),
        (17_000, Instant(NOW, True, True)),
        (4_102_444_800_000, Instant(NOW, True)),
        (None, Instant(NOW, False)),
    ],
)
def test_a_device_is_believed_within_its_buffer_age_and_five_minutes_ahead(said: int | None, wanted: Instant) -> None:
    assert judge(said, NOW, 7 * DAY_S) == wanted


def test_an_iso_time_without_zone_is_utc_when_the_profile_says_iso() -> None:
    assert read_instant("2019-01-10T18:23:24", "iso", SHANGHAI) == read_instant("2019-01-10T18:23:24", "local", UTC)


BERLIN = ZoneInfo("Europe/Berlin")
FIRST, SECOND = 1792888200000, 1792891800000
"""02:30 in the night in which summer time ends, 2026-10-25: in summer time, and again an hour later."""


@pytest.mark.parametrize(
    ("near", "wanted"),
    [
        (FIRST + 2000, FIRST),
        (SECOND + 2000, SECOND),
        (FIRST - 60_000, FIRST),
        (SECOND + 86_400_000, SECOND),
        (0, FIRST),
    ],
)
def test_an_hour_that_comes_twice_is_the_one_nearest_to_the_receipt(near: int, wanted: int) -> None:
    assert read_instant("2026-10-25T02:30:00", "local", BERLIN, near) == wanted


def test_a_written_offset_is_not_ambiguous() -> None:
    assert read_instant("2026-10-25T02:30:00+02:00", "local", BERLIN, SECOND) == FIRST
    assert read_instant("2026-10-25T02:30:00+01:00", "local", BERLIN, FIRST) == SECOND


def test_an_hour_that_does_not_exist_is_some_instant_near_it() -> None:
    at = read_instant("2026-03-29T02:30:00", "local", BERLIN, NOW)
    assert at is not None
    assert abs(at - 1774747800000) <= 3_600_000


@pytest.mark.parametrize(
    ("text", "near", "wanted"),
    [
        ("082639", 1794990399500, 1794990399000),
        ("082639.250", 1794990399500, 1794990399250),
        ("235959", 1794960001000, 1794959999000),
        ("000001", 1794959998000, 1794960001000),
        ("245959", NOW, None),
        ("126060", NOW, None),
        ("12:00:00", NOW, None),
        ("", NOW, None),
    ],
)
def test_a_time_of_day_is_of_the_day_nearest_to_the_receipt(text: str, near: int, wanted: int | None) -> None:
    assert read_instant(text, "clock", UTC, near) == wanted
