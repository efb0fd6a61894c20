"""Analysis over the API."""

from datetime import date, datetime

import pytest

from cloud.assets.contract import Asset, AssetKey
from cloud.energy.contract import Intervals
from cloud.registry.asset_book import CalendarDay, SiteChange
from cloud.registry.roles import Role
from cloud.registry.tariff_book import TariffUse
from cloud.tariffs.billing import Billing
from cloud.tariffs.tariff_file import read_tariff, samples
from tests.cloud.analysis.material import DAYS, office
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.tariffs.material import SHANGHAI

__all__ = ["console"]

QUERY = {"site": "east", "meter": "main", "from": "2026-03-02", "until": "2026-04-27"}
CAR = Asset(key=AssetKey("east", "vehicle", "car-1"), name="Car 1", facts={"plate": "浙A·3M902", "seats": 4})


def faulty(at: datetime, kw: float) -> float | None:
    """15 kW too much from 20:00 to 24:00 of 20 April, nothing known of 10 March."""
    if (at.month, at.day) == (3, 10):
        return None
    return kw + 15 if (at.month, at.day) == (4, 20) and at.hour >= 20 else kw


class OneBuilding:
    """The meter main: an office, in 2025 without faults."""

    def __init__(self) -> None:
        self.known = {2025: office("2025-03-01", 60), 2026: office("2026-03-01", 60, faulty)}

    async def intervals(self, site: str, meter: str, since: int, until: int) -> Intervals | None:
        del site
        year = datetime.fromtimestamp(since / 1000, SHANGHAI).year
        return self.known[year].between(since, until) if meter == "main" else None


@pytest.fixture
async def ready(console: ConsoleApi) -> ConsoleApi:
    features = console.features
    named = [
        CalendarDay("east", day.day.isoformat(), "workday" if day.works else "holiday", day.name)
        for day in DAYS.named()
    ]
    await features.asset_desk.apply(SiteChange("east", put=[CAR], days=named))
    features.calendar.zone = lambda site: SHANGHAI  # type: ignore[method-assign]
    features.tariffs.billing = Billing(features.tariffs.desk, features.calendar, OneBuilding())
    console.app = console.api.build(features=features)
    return console


async def test_shapes_have_null_where_nothing_is_known(ready: ConsoleApi) -> None:
    async with await ready.client(Role.VIEWER) as client:
        answer = (await client.get("/api/v1/analysis/shapes", params=QUERY)).json()
    assert answer["coverage"] == pytest.approx(55 / 56)
    assert {each["kind"]: each["days"] for each in answer["profiles"]} == {"workday": 38, "weekend": 14, "holiday": 3}
    assert answer["profiles"][0]["median"][40] == pytest.approx(50, rel=0.05)
    chart = answer["heat_map"]
    assert (chart["days"][8], chart["kwh"][8], chart["known"][8][0]) == ("2026-03-10", [None] * 24, 0)
    assert answer["duration"][0]["kw"] > answer["duration"][-1]["kw"]
    assert answer["typical"]["verdict"] == "passes"


async def test_a_comparison_is_aligned_and_says_against_what(ready: ConsoleApi) -> None:
    query = {**QUERY, "from": "2026-03-01", "until": "2026-04-01"}
    async with await ready.client(Role.VIEWER) as client:
        answer = (await client.get("/api/v1/analysis/comparison", params=query)).json()
        before = (
            await client.get(
                "/api/v1/analysis/comparison",
                params={**QUERY, "from": "2026-03-29", "until": "2026-04-26", "against": "before"},
            )
        ).json()
    assert answer["against"] == {"from": "2025-03-01", "until": "2025-04-01"}
    assert (answer["comparable"], answer["aligned_change"]) == (True, pytest.approx(0, abs=0.01))
    assert before["against"] == {"from": "2026-03-01", "until": "2026-03-29"}
    assert (before["comparable"], before["note"]) == (False, "the reference has no known holiday")


async def test_an_anomaly_comes_with_its_energy_and_what_it_cost(ready: ConsoleApi) -> None:
    desk = ready.features.tariffs.desk
    async with await ready.client(Role.VIEWER) as client:
        (one,) = (await client.get("/api/v1/analysis/anomalies", params=QUERY)).json()["anomalies"]
        assert (one["kind"], one["amount"], one["note"]) == ("schedule_waste", None, "the meter is billed by no tariff")
        await desk.put("east", read_tariff(samples()["liaoning-one-part"]), by="li")
        await desk.put_uses("east", [TariffUse("east", "main", "liaoning-one-part")])
        answer = (await client.get("/api/v1/analysis/anomalies", params=QUERY)).json()
    (one,) = answer["anomalies"]
    assert one["kwh"] == pytest.approx(60, rel=0.05)
    assert float(one["amount"]) == pytest.approx(34.35, rel=0.05)
    assert answer["currency"] == "CNY"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"meter": "b9"}, 404),
        ({"site": "mars"}, 404),
        ({"until": "2026-03-02"}, 422),
        ({"until": "2028-03-02"}, 422),
        ({"from": "0001-01-01", "until": "0001-01-02"}, 422),
        ({"from": "then"}, 422),
    ],
)
async def test_what_cannot_be_told_is_refused(ready: ConsoleApi, change: dict[str, str], status: int) -> None:
    async with await ready.client(Role.VIEWER) as client:
        for what in ("shapes", "comparison", "anomalies"):
            answer = await client.get(f"/api/v1/analysis/{what}", params={**QUERY, **change})
            assert answer.status_code == status, answer.text


def test_the_29th_of_february_has_a_day_a_year_before() -> None:
    from cloud.api.analysis import _reference

    assert _reference(date(2024, 2, 29), date(2024, 3, 1), "year") == (date(2023, 2, 28), date(2023, 3, 1))
