"""Energy by band: nothing is lost between bands, edges fall on their minute, each local hour goes by its clock."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.energy.contract import BASE_MS, Source
from cloud.tariffs.bill import Metered, make_bill
from cloud.tariffs.contract import Bill, TariffFault
from cloud.tariffs.layout import DayPlans, lay_out, midnight
from cloud.tariffs.sharing import share_out
from cloud.tariffs.tariff import Tariff
from cloud.tariffs.tariff_file import read_tariff, samples
from tests.cloud.tariffs.material import BERLIN, DAYS, SHANGHAI, SIMPLE, at, known, tariff, total, used

ZONES = [SHANGHAI, *map(ZoneInfo, ("Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"))]
ZHEJIANG = read_tariff(samples()["zhejiang-two-part"])
LIAONING = read_tariff(samples()["liaoning-one-part"])


def by_band(bill: Bill) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in bill.lines:
        if line.band is not None and line.quantity is not None:
            found[line.band] = found.get(line.band, Decimal(0)) + line.quantity
    return found


def band_at(which: Tariff, local: str, zone: ZoneInfo = SHANGHAI) -> str:
    """The band in which a single quarter of an hour is counted."""
    day = date.fromisoformat(local[:10])
    bill = make_bill(
        Metered(known(at(local, zone), [1_000_000])), which, DAYS, zone, day, date.fromordinal(day.toordinal() + 1)
    )
    return next(band for band, kwh in by_band(bill).items() if kwh)


def test_half_past_eight_is_never_priced_as_eight() -> None:
    which = tariff()
    assert [band_at(which, f"2026-03-02T{time}") for time in ("08:00", "08:15", "08:30", "08:45")] == [
        "valley",
        "valley",
        "peak",
        "peak",
    ]


def test_half_hour_edges_of_a_real_notice_fall_on_their_minute() -> None:
    times = ("04:45", "05:00", "07:15", "07:30", "10:15", "10:30", "11:15", "11:30", "12:15", "12:30", "21:45", "22:00")
    assert [band_at(LIAONING, f"2026-03-02T{time}")[0] for time in times] == list("vffppffvvffv")


def test_a_band_over_midnight_covers_both_of_its_ends() -> None:
    assert band_at(LIAONING, "2026-03-02T23:45") == "valley"
    assert band_at(LIAONING, "2026-03-03T00:00") == "valley"


def test_an_edge_within_an_interval_shares_it_by_time_to_the_last_millionth() -> None:
    odd = SIMPLE.replace("08:30", "08:20")
    bill = make_bill(
        Metered(known(at("2026-03-02T08:15"), [1_000_000])),
        tariff(odd),
        DAYS,
        SHANGHAI,
        date(2026, 3, 2),
        date(2026, 3, 3),
    )
    assert by_band(bill) == {"valley": Decimal("0.333333"), "peak": Decimal("0.666667")}
    assert sum(line.split for line in bill.lines) == 1


def test_a_new_version_holds_from_its_local_midnight_on() -> None:
    """From July 2026 on 13:30 of a summer day is a valley; 19:00 is sharp."""
    assert [band_at(ZHEJIANG, f"2026-06-30T{time}") for time in ("13:30", "19:00", "23:45")] == ["peak", "flat", "flat"]
    assert [band_at(ZHEJIANG, f"2026-07-01T{time}") for time in ("00:00", "13:30", "19:00")] == [
        "valley",
        "valley",
        "sharp",
    ]


def test_a_deep_valley_lies_over_the_days_of_a_holiday_and_nothing_else() -> None:
    noon = {day: band_at(ZHEJIANG, f"2026-{day}T14:30") for day in ("09-30", "10-01", "10-03", "10-04", "10-10")}
    assert noon == {"09-30": "flat", "10-01": "deep", "10-03": "deep", "10-04": "flat", "10-10": "flat"}
    assert band_at(ZHEJIANG, "2026-02-17T12:00") == "deep"
    assert band_at(ZHEJIANG, "2026-02-14T12:00") == "valley"  # the make-up Saturday before it


BY_KIND = SIMPLE.replace(
    '[[version.season.day]]\ndays = ["any"]\nbands = { peak = ["08:30-22:00"], valley = ["22:00-08:30"] }',
    """[[version.season.day]]
days = ["workday", "makeup"]
bands = { peak = ["08:30-22:00"], valley = ["22:00-08:30"] }
[[version.season.day]]
days = ["weekend", "holiday"]
bands = { valley = ["00:00-24:00"] }""",
)


def test_a_makeup_saturday_has_the_bands_of_a_workday_and_a_holiday_friday_those_of_a_sunday() -> None:
    which = tariff(BY_KIND)
    assert band_at(which, "2026-10-10T12:00") == "peak"  # Saturday, make-up
    assert band_at(which, "2026-10-17T12:00") == "valley"  # an ordinary Saturday
    assert band_at(which, "2026-10-02T12:00") == "valley"  # Friday of the National Day
    assert band_at(which, "2026-10-09T12:00") == "peak"


def test_the_hour_that_comes_twice_is_counted_twice_and_the_one_that_is_left_out_never() -> None:
    """Berlin: 29 March has 23 hours, 25 October has 25; a band from 02:00 to 03:00 has 0 and 2 of them."""
    night = SIMPLE.replace(
        'peak = ["08:30-22:00"], valley = ["22:00-08:30"]', 'peak = ["02:00-03:00"], valley = ["03:00-02:00"]'
    )
    for day, peak, valley in ((date(2026, 3, 29), 0, 23), (date(2026, 10, 25), 2, 23), (date(2026, 6, 1), 1, 23)):
        until = date.fromordinal(day.toordinal() + 1)
        bill = make_bill(Metered(used(day, until, lambda _: 0.25, BERLIN)), tariff(night), DAYS, BERLIN, day, until)
        assert by_band(bill).get("peak", 0) == peak
        assert by_band(bill)["valley"] == valley


def test_a_month_with_a_change_of_clocks_is_as_long_as_it_is() -> None:
    for zone, hours in ((SHANGHAI, 744), (BERLIN, 745)):
        layout = lay_out(DayPlans(tariff(), DAYS), zone, date(2026, 10, 1), date(2026, 11, 1))
        assert layout.edges[-1] - layout.edges[0] == hours * 3_600_000


@given(
    micro=st.lists(st.one_of(st.none(), st.integers(0, 50_000_000)), min_size=1, max_size=500),
    shift=st.integers(-200, 400),
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2026, 2, 1), date(2026, 12, 20)),
    length=st.integers(1, 9),
    edge=st.integers(1, 1438),
)
@settings(max_examples=150, deadline=None)
def test_the_bands_add_up_to_the_intervals_whatever_is_missing_and_wherever_an_edge_lies(
    micro: list[int | None], shift: int, zone: ZoneInfo, day: date, length: int, edge: int
) -> None:
    time = f"{edge // 60:02d}:{edge % 60:02d}"
    which = tariff(SIMPLE.replace("08:30", time) if edge != 22 * 60 else SIMPLE)
    until = date.fromordinal(day.toordinal() + length)
    first = midnight(day, zone) + shift * BASE_MS
    intervals = known(first, [value or 0 for value in micro])
    for place, value in enumerate(micro):
        if value is None:
            intervals.source[place] = Source.MISSING
            intervals.covered_ms[place] = 0
    layout = lay_out(DayPlans(which, DAYS), zone, day, until)
    shares = share_out(intervals, layout)
    inside = intervals.between(midnight(day, zone), midnight(until, zone))
    assert int(shares.micro.sum()) == int(inside.micro.sum())
    assert int(shares.covered[:, : Source.MISSING].sum()) == int(inside.covered_ms.sum())
    assert int(shares.covered.sum()) == midnight(until, zone) - midnight(day, zone)
    bill = make_bill(Metered(intervals), which, DAYS, zone, day, until)
    assert sum(by_band(bill).values()) == bill.energy == total(inside)
    assert bill == make_bill(Metered(intervals), which, DAYS, zone, day, until)


def test_what_is_missing_is_no_zero_it_stands_beside_every_total() -> None:
    def half(local: datetime) -> float | None:
        return 1.0 if local.hour < 12 else None

    day, until = date(2026, 3, 2), date(2026, 3, 3)
    bill = make_bill(Metered(used(day, until, half)), tariff(), DAYS, SHANGHAI, day, until)
    assert not bill.complete
    assert (bill.coverage.valid_s, bill.coverage.seconds) == (43_200, 86_400)
    assert bill.coverage.by_source == {"measured": 43_200, "missing": 43_200}
    peak = next(line for line in bill.lines if line.band == "peak")
    assert peak.coverage is not None
    assert peak.coverage.valid_s == 12_600  # 08:30 to 12:00
    assert "25.93%" in peak.note
    assert bill.warnings == ("50.00% of the period is known; what was used in the rest is in no line",)


def test_a_meter_of_which_nothing_is_known_has_a_bill_without_energy_that_says_so() -> None:
    day, until = date(2026, 3, 2), date(2026, 3, 3)
    bill = make_bill(Metered(used(day, until, lambda _: None)), tariff(), DAYS, SHANGHAI, day, until)
    assert (bill.total, bill.complete, bill.coverage.share, bill.per_unit) == (0, False, 0.0, None)


def test_what_was_not_measured_is_told_line_by_line() -> None:
    day, until = date(2026, 3, 2), date(2026, 3, 3)
    estimated = used(day, until, lambda _: 1.0, source=Source.ESTIMATED)
    bill = make_bill(Metered(estimated), tariff(), DAYS, SHANGHAI, day, until)
    assert [line.not_measured == line.quantity for line in bill.lines] == [True, True]
    assert bill.complete


def test_a_month_without_prices_is_an_error_that_names_it() -> None:
    late = used(date(2027, 1, 1), date(2027, 1, 2), lambda _: 1.0)
    with pytest.raises(TariffFault, match="tariff simple: no prices for 2027-01; enter them from the utility's notice"):
        make_bill(Metered(late), tariff(), DAYS, SHANGHAI, date(2027, 1, 1), date(2027, 1, 2))


def test_a_day_before_every_version_is_an_error_that_names_it() -> None:
    with pytest.raises(
        TariffFault, match=r"no version holds on 2025-12-31 \(there are: 2026-01-01 to further notice\)"
    ):
        lay_out(DayPlans(tariff(), DAYS), SHANGHAI, date(2025, 12, 31), date(2026, 1, 1))


def test_two_specials_that_disagree_on_a_minute_are_an_error_that_names_it() -> None:
    special = """
[[version.special]]
name = "festival"
days = ["holiday:国庆节"]
bands = { valley = ["10:00-14:00"] }
[[version.special]]
name = "fair"
days = ["2026-10-02"]
bands = { peak = ["13:00-15:00"] }
[[price]]"""
    which = tariff(SIMPLE.replace("[[price]]", special, 1))
    with pytest.raises(
        TariffFault, match="2026-10-02 13:00 has two bands: 'festival' says valley and 'fair' says peak"
    ):
        lay_out(DayPlans(which, DAYS), SHANGHAI, date(2026, 10, 2), date(2026, 10, 3))
    assert lay_out(DayPlans(which, DAYS), SHANGHAI, date(2026, 10, 3), date(2026, 10, 4))


def test_each_day_has_the_prices_of_its_own_month_or_all_those_of_the_last() -> None:
    monthly = SIMPLE.replace(
        'until = "2027-01"\nenergy = { peak = 1.00, valley = 0.30 }',
        """until = "2026-04"
energy = { peak = 1.00, valley = 0.30 }
source = { document = "March" }
[[price]]
from = "2026-04"
energy = { peak = 2.00, valley = 0.60 }""",
    )
    intervals = used(date(2026, 3, 15), date(2026, 4, 15), lambda _: 1.0)
    for rule, prices in (("day", {"0.3", "1.0", "0.6", "2.0"}), ("period", {"0.6", "2.0"})):
        which = tariff(monthly, read_day=15, price_month=f'"{rule}"')
        bill = make_bill(Metered(intervals), which, DAYS, SHANGHAI, date(2026, 3, 15), date(2026, 4, 15))
        assert {str(line.price) for line in bill.lines} == prices
        assert bill.energy == 31 * 96


def test_a_year_whose_holidays_were_not_entered_is_a_warning_where_days_matter() -> None:
    late = BY_KIND.replace('until = "2027-01"', 'until = "2028-01"')
    intervals = used(date(2027, 1, 1), date(2027, 1, 2), lambda _: 1.0)
    period = (SHANGHAI, date(2027, 1, 1), date(2027, 1, 2))
    assert make_bill(Metered(intervals), tariff(late), DAYS, *period).warnings == (
        "the holidays of 2027 were not entered: its days are taken as their weekday says",
    )
    alike = SIMPLE.replace('until = "2027-01"', 'until = "2028-01"')
    assert make_bill(Metered(intervals), tariff(alike), DAYS, *period).warnings == ()
