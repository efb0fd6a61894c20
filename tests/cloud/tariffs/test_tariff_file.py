"""Tariff files: what is wrong is told with its line, all of it at once."""

import msgspec
import pytest

from cloud.tariffs.tariff_file import BadTariff, from_json, read_tariff, samples
from protocols.errors import BadSettings
from protocols.settings import spell
from tests.architecture.source import ROOT
from tests.cloud.tariffs.material import SIMPLE, tariff


def faults_of(text: str) -> str:
    with pytest.raises(BadSettings) as caught:
        tariff(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '["22:00-08:30"]',
            '["22:00-08:00"]',
            "tariff.toml:15: version[0].season[0].day[0].bands: 08:00-08:30 is in no band",
        ),
        ('["22:00-08:30"]', '["22:00-08:45"]', "08:30 is in peak and valley; each minute is in one band"),
        ('["08:30-22:00"]', '["8h30"]', "'8h30' is no time of the day; write it like"),
        ('["08:30-22:00"]', '["08:30-08:30"]', "'08:30-08:30' is empty; the whole day is 00:00-24:00"),
        ("10, 11, 12]", "10, 11]", "tariff.toml:9: version[0].season: no season has the months 12"),
        ('["any"]', '["workday"]', "no bands for weekend, holiday, makeup in season 'all year'"),
        ('["any"]', '["any", "makeup"]', "any named twice in season 'all year'"),
        ('["any"]', '["feestdag"]', "'feestdag' is not allowed"),
        (
            ", valley = 0.30 }",
            " }",
            "tariff.toml:20: price[0].energy: no price for valley, which 'all year' has in 2026-01",
        ),
        ("peak = 1.00", "peak = -1", "price[0].energy.peak: -1 is no price"),
        ("peak = 1.00", "peak = nan", "NaN is no price"),
        (
            'until = "2027-01"',
            'until = "2026-01"',
            "price[0].until: ends with 2026-01, not after its first month 2026-01",
        ),
        ('from = "2026-01"', 'from = "2026-13"', "price[0].from"),
        ('source = { document = "A notice" }', "", "version[0].source: missing"),
        ('source = { document = "A price list" }', "", "price[0].source: missing"),
        ("[[version]]", "read_day = 31\n[[version]]", "read_day: expected `int` <= 28"),
        ("[[version]]", '[power_factor]\nstandard = "0.95"\n[[version]]', "power_factor.standard"),
        ("[[version]]", '[demand]\nmode = "contracted"\n[[version]]', "needs what was agreed on, above 0"),
        ("[[version]]", "[tax]\nname = 'VAT'\nrate = 13\n[[version]]", "13 is no rate; 13 % is 0.13"),
        ("peak = 1.00", "peek = 1.00", "price[0].energy"),
        ("[[price]]", "[[prices]]", "unknown key; did you mean 'price'?"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_would_be_right(old: str, new: str, said: str) -> None:
    assert old in SIMPLE
    assert said in faults_of(SIMPLE.replace(old, new, 1))


def test_all_faults_are_told_at_once() -> None:
    broken = SIMPLE.replace("10, 11, 12]", "10, 11, 11]").replace('["22:00-08:30"]', '["22:00-08:00"]')
    with pytest.raises(BadTariff) as caught:
        tariff(broken)
    assert [fault.line for fault in caught.value.each] == [9, 11, 15]


def test_versions_may_not_hold_on_the_same_day() -> None:
    second = SIMPLE[SIMPLE.index("[[version]]") : SIMPLE.index("[[price]]")].replace("2026-01-01", "2026-07-01")
    both = SIMPLE.replace("[[price]]", second + "[[price]]")
    assert "version[0].until: holds for good, but another version begins on 2026-07-01" in faults_of(both)
    tariff(both.replace("from = 2026-01-01", "from = 2026-01-01\nuntil = 2026-07-01"))


def test_a_month_may_not_have_two_prices() -> None:
    second = SIMPLE[SIMPLE.index("[[price]]") :].replace('"2026-01"', '"2026-12"')
    assert "price[1].from: 2026-12 has prices already, in those from 2026-01" in faults_of(SIMPLE + second)


@pytest.mark.parametrize("days", ["holiday", "holiday:国庆节", "holiday:国庆节:1-3", "2026-10-01", "sun", "makeup"])
def test_a_special_may_name_days_in_these_ways(days: str) -> None:
    special = f'[[version.special]]\nname = "x"\ndays = ["{days}"]\nbands = {{ valley = ["10:00-14:00"] }}\n[[price]]'
    tariff(SIMPLE.replace("[[price]]", special))


@pytest.mark.parametrize("days", ["national day", "holiday:", "holiday:国庆节:3-1", "2026-02-30", "sunday", ""])
def test_a_special_that_names_no_days_is_refused(days: str) -> None:
    special = f'[[version.special]]\nname = "x"\ndays = ["{days}"]\nbands = {{ valley = ["10:00-14:00"] }}\n[[price]]'
    assert f"version[0].special[0].days[0]: {days!r} names no days" in faults_of(SIMPLE.replace("[[price]]", special))


def test_a_special_needs_a_price_for_its_band_too() -> None:
    special = '[[version.special]]\nname = "x"\ndays = ["sun"]\nbands = { deep = ["10:00-14:00"] }\n[[price]]'
    said = "price[0].energy: no price for deep, which a special has that holds from 2026-01-01"
    assert said in faults_of(SIMPLE.replace("[[price]]", special))


def test_every_sample_is_whole_names_its_notices_and_calls_its_prices_examples() -> None:
    assert set(samples()) == {"zhejiang-two-part", "liaoning-one-part"}
    for name, path in samples().items():
        found = read_tariff(path)
        assert found.id == name
        assert all(version.source.number for version in found.version)
        assert all("示例价格" in prices.source.document for prices in found.price)


def test_a_tariff_goes_through_json_and_back() -> None:
    for path in samples().values():
        found = read_tariff(path)
        assert from_json(msgspec.json.encode(found)) == (found, [])


def test_a_tariff_that_is_no_json_or_not_whole_is_refused_with_the_place() -> None:
    assert "no JSON" in from_json(b"{")[1][0].message
    raw = msgspec.json.decode(msgspec.json.encode(tariff()))
    raw["version"][0]["season"][0]["months"] = [1]
    found, faults = from_json(msgspec.json.encode(raw))
    assert found is None
    assert spell(faults[0].path) == "version[0].season"
    assert faults[0].message.startswith("no season has the months 2, 3")


def test_the_example_of_the_docs_is_whole() -> None:
    text = (ROOT / "docs/TARIFFS.md").read_text("utf-8")
    assert tariff(text.partition("```toml\n")[2].partition("```")[0]).id == "two-part"
