"""Factors, indices, quotas."""

from datetime import date
from decimal import Decimal

import pytest

from cloud.tariffs.factors import FactorFault, Factors, parse_factors, read_factors
from cloud.tariffs.indices import elapsed, index, quota_state
from protocols.errors import BadSettings
from protocols.settings import Document

SHIPPED = Factors(read_factors().set)
ONE = '[[set]]\nquantity = "co2"\nmedium = "electricity"\nyear = 2023\ncalibre = "average"\nunit = "kg/kWh"\n'


def test_every_factor_that_comes_with_the_product_names_its_source() -> None:
    assert all(factor.source for factor in SHIPPED.all())
    assert len(SHIPPED.all()) == 29


@pytest.mark.parametrize(
    ("year", "region", "calibre", "value"),
    [
        (2022, "CN", "average", "0.5366"),
        (2023, "CN", "average", "0.5306"),
        (2023, "CN", "without-market-green", "0.6096"),
        (2023, "CN", "fossil", "0.8273"),
        (2023, "CN-east", "average", "0.55"),
        (2023, "CN-southwest", "average", "0.2472"),
    ],
)
def test_the_factors_are_those_of_the_notices(year: int, region: str, calibre: str, value: str) -> None:
    assert SHIPPED.find("co2", "electricity", year, region, calibre).value == Decimal(value)


def test_the_regions_of_2023_moved_by_what_the_ministry_said() -> None:
    """As its spokesman had it on 31 December 2025; the northeast -8.0, which the printed factors make -7.9."""
    said = {
        "north": "-6.1", "northeast": "-7.9", "east": "-2.1", "central": "-2.3",
        "northwest": "-5.4", "south": "4.5", "southwest": "9.0",
    }  # fmt: skip
    for region, change in said.items():
        before, after = (SHIPPED.find("co2", "electricity", year, f"CN-{region}").value for year in (2022, 2023))
        assert ((after / before - 1) * 100).quantize(Decimal("0.1")) == Decimal(change), region


def test_a_year_without_a_factor_takes_the_last_before_it_and_says_so() -> None:
    """2025: 1 000 kWh x 0.5306 = 530.6 kg."""
    (made,) = SHIPPED.make("co2", "electricity", {2025: Decimal(1000)})
    assert (made.amount, made.note) == (Decimal("530.6000"), "the factor of 2023: none of 2025 is known")


def test_each_year_has_its_own_factor() -> None:
    made = SHIPPED.make("co2", "electricity", {2022: Decimal(1000), 2023: Decimal(1000)})
    assert [each.amount for each in made] == [Decimal("536.6000"), Decimal("530.6000")]
    assert [each.note for each in made] == ["", ""]


def test_coal_equivalent_of_a_thousand_kilowatt_hours() -> None:
    (made,) = SHIPPED.make("coal", "electricity", {2026: Decimal(1000)}, calibre="equivalent")
    assert made.amount == Decimal("122.9000")


def test_the_footprint_is_another_quantity_than_carbon_dioxide() -> None:
    assert SHIPPED.find("footprint", "electricity", 2023).value != SHIPPED.find("co2", "electricity", 2023).value


@pytest.mark.parametrize(("year", "region", "calibre"), [(2020, "CN", "average"), (2023, "CN-mars", "average")])
def test_a_factor_that_is_not_there_is_an_error_that_names_those_that_are(year: int, region: str, calibre: str) -> None:
    with pytest.raises(FactorFault, match=rf"no factor of co2 .* in {region} .* for {year}; there are: electricity CN"):
        SHIPPED.find("co2", "electricity", year, region, calibre)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE + "values = { CN = 0.5 }\n", "factors.toml:1: set[0].source: missing"),
        (
            ONE + 'values = { CN = -0.5 }\nsource = { document = "x" }\n',
            "factors.toml:1: set[0]: co2 of electricity, 2023",
        ),
        (
            2 * (ONE + 'values = { CN = 0.5 }\nsource = { document = "x" }\n'),
            "factors.toml:9: set[1]: .* for CN is there twice",
        ),
        (
            ONE + 'values = { china = 0.5 }\nsource = { document = "x" }\n',
            "factors.toml:1: set[0]: .*'china' is no region",
        ),
    ],
)
def test_a_factor_file_that_is_wrong_is_refused_with_the_line(text: str, said: str) -> None:
    with pytest.raises(BadSettings, match=said.replace("[", r"\[").replace("]", r"\]")):
        parse_factors(Document("factors.toml", text))


# --- indices and quotas ---


def test_an_index_without_its_denominator_is_no_zero() -> None:
    assert index(Decimal(1000), None, "the office area") == (None, "the office area was not entered")
    assert index(Decimal(1000), Decimal(0), "the office area").value is None
    assert index(None, Decimal(10), "the office area").value is None


def test_an_index_of_a_period_that_is_hardly_known_is_not_given() -> None:
    assert index(Decimal(1000), Decimal(10), "x", coverage=0.9) == (
        None,
        "only 90.0% of the period is known; an index needs 95%",
    )
    assert index(Decimal(1000), Decimal(300), "x", coverage=0.99) == (Decimal("3.3333"), "99.0% of the period is known")


@pytest.mark.parametrize(
    ("used", "expected", "state", "forecast"),
    [
        (500, "0.5", "within", "1000.00"),
        (524, "0.5", "within", "1048.00"),
        (526, "0.5", "ahead", "1052.00"),
        (1001, "0.9", "exceeded", "1112.22"),
        (0, "0", "within", None),
    ],
)
def test_a_quota_is_held_against_what_should_have_been_used_by_now(
    used: int, expected: str, state: str, forecast: str | None
) -> None:
    found = quota_state(Decimal(used), Decimal(1000), Decimal(expected))
    assert (found.state, found.forecast) == (state, None if forecast is None else Decimal(forecast))


def test_a_quota_says_when_not_everything_is_known() -> None:
    assert "98.0%" in quota_state(Decimal(1), Decimal(10), Decimal("0.5"), coverage=0.98).note


def test_of_a_year_of_which_little_is_known_a_quota_forecasts_nothing() -> None:
    found = quota_state(Decimal(240), Decimal(1000), Decimal("0.89"), coverage=0.27)
    assert (found.forecast, found.state) == (None, "within")
    assert "27.0%" in found.note
    assert quota_state(Decimal(1001), Decimal(1000), Decimal("0.89"), coverage=0.27).state == "exceeded"


def test_the_share_of_a_period_that_is_over() -> None:
    year = (date(2026, 1, 1), date(2027, 1, 1))
    assert [
        elapsed(*year, day) for day in (date(2025, 6, 1), date(2026, 1, 1), date(2026, 7, 2), date(2028, 1, 1))
    ] == [
        0,
        0,
        Decimal("0.4986"),
        1,
    ]
    with pytest.raises(ValueError, match="has no day"):
        elapsed(date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 1))
