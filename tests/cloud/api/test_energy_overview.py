"""A day of a site in one answer, a thing in detail, how far amounts can be trusted."""

from datetime import date, timedelta

import numpy as np
import pytest

from cloud.energy.contract import BASE_MS, Intervals, Source, State
from cloud.energy.pages import pack, total_of
from cloud.energy.redo import Redone
from cloud.registry.energy_days_book import Day, EnergyDaysBook
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.api.test_energy import ready
from tests.cloud.energy.test_reckoner import DAY, MIDNIGHT
from tests.proof.api_bodies import TARIFF

__all__ = ["console", "ready"]

SITE = {"site": "east"}
FIRST = date(1970, 1, 1) + timedelta(days=(MIDNIGHT + 8 * 3_600_000) // DAY)


def day(number: int) -> str:
    """A local day, from the first one of the site's."""
    return (FIRST + timedelta(days=number)).isoformat()


async def put(
    console: ConsoleApi, meter: str, number: int, kwh: float, quarters: int = 96, hole: slice | None = None
) -> None:
    """A day of a meter, equal quarters, of which ``quarters`` are known, and none in the hole."""
    first = MIDNIGHT + number * DAY
    intervals = Intervals(
        first,
        np.full(quarters, round(kwh * 1_000_000), np.int64),
        np.full(quarters, BASE_MS, np.int32),
        np.zeros(quarters, np.uint8),
        np.zeros(quarters, np.uint8),
    )
    if hole is not None:
        intervals.micro[hole], intervals.covered_ms[hole], intervals.source[hole] = 0, 0, Source.MISSING
    page = Day("east", meter, first, first + DAY, State(), pack(intervals), (), total_of(intervals), False, 1)
    await EnergyDaysBook(console.features.core.database).put([page])


async def ask(console: ConsoleApi, path: str, **query: str) -> dict[str, object]:
    async with await console.client() as client:
        answer = await client.get(f"/api/v1/energy/{path}", params=SITE | query)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found


async def bill(console: ConsoleApi, meter: str, *, demand: bool = False) -> None:
    """Bill a meter by one price for all hours, with 60 kW agreed on where ``demand`` is asked for."""
    price: dict[str, object] = dict(TARIFF["price"][0])  # type: ignore[call-overload]
    tariff: dict[str, object] = {**TARIFF, "price": [price]}
    if demand:
        tariff["demand"] = {"mode": "contracted", "contracted": "60"}
        price["demand"] = "40"
    async with await console.client() as client:
        made = await client.put("/api/v1/tariffs/east/plain", json=tariff)
        assert made.status_code == 200, made.text
        uses = {"uses": [{"meter": meter, "tariff": "plain"}]}
        assert (await client.put("/api/v1/tariff-uses/east", json=uses)).status_code == 200


@pytest.fixture
async def weeks(ready: ConsoleApi) -> ConsoleApi:
    """Six weeks before a day of which half is over; the main meter used 12 instead of the usual 10 kWh a quarter."""
    for number in range(-42, 0):
        await put(ready, "main", number, 10)
    await put(ready, "main", 0, 12, 48)
    ready.clock.step(MIDNIGHT + DAY // 2 + 60_000 - ready.clock.now_ms())
    return ready


async def test_today_stands_beside_the_same_hours_of_like_days(weeks: ConsoleApi) -> None:
    shown = await ask(weeks, "overview")
    assert (shown["day"], shown["as_of"]) == (day(0), MIDNIGHT + DAY // 2)
    assert shown["total"]["value"] == pytest.approx(12 * 48)  # type: ignore[index]
    assert shown["total"]["coverage"] == 1.0  # type: ignore[index]  # of what is over
    assert (shown["compared"], shown["typical"]) == (pytest.approx(576), pytest.approx(480))
    assert shown["change"] == pytest.approx(0.2)
    assert shown["typical_day"] == pytest.approx(960)
    assert shown["now"] == {"kw": 48.0, "at": MIDNIGHT + DAY // 2 - BASE_MS, "source": "measured"}


async def test_quarters_to_come_hold_what_is_typical_and_no_zero(weeks: ConsoleApi) -> None:
    rows = (await ask(weeks, "overview"))["load"]["rows"]  # type: ignore[index]
    assert len(rows) == 96
    assert rows[47][1:4] == [48.0, "measured", 40.0]
    assert rows[48][1:4] == [None, "coming", 40.0]


async def test_buildings_are_per_area_and_a_missing_denominator_says_so(weeks: ConsoleApi) -> None:
    building = (await ask(weeks, "overview"))["buildings"][0]  # type: ignore[index]
    assert building["per_area"]["value"] == pytest.approx(576 / 8200.5, abs=1e-4)
    assert building["per_head"] == {"value": None, "note": "the number of people was not entered"}


async def test_a_building_costs_what_the_tariff_of_the_meter_that_feeds_it_says(weeks: ConsoleApi) -> None:
    [nothing] = (await ask(weeks, "overview"))["buildings"]  # type: ignore[misc]
    assert nothing["cost"] == {"amount": None, "currency": None, "note": "no_tariff"}
    await bill(weeks, "main")
    shown = await ask(weeks, "overview")
    assert shown["buildings"][0]["cost"] == {"amount": "374.40", "currency": "CNY", "note": ""}  # type: ignore[index]
    assert shown["cost"]["amount"] == "374.40"  # type: ignore[index]  # 12 x 48 x 0.65
    assert shown["contracted"] is None
    await put(weeks, "lifts", 0, 3, 48)
    [office] = (await ask(weeks, "parts", by="unit"))["parts"]  # type: ignore[misc]
    assert (office["id"], office["name"], office["parent"]) == ("office", "Office", "")
    assert office["total"]["value"] == pytest.approx(144)
    assert office["cost"]["amount"] == "93.60"  # by the tariff of main, which feeds it


async def test_what_cannot_be_priced_costs_nothing_known(weeks: ConsoleApi) -> None:
    await bill(weeks, "main")
    shown = await ask(weeks, "parts", day=day(-3650))
    assert shown["parts"][0]["total"]["value"] is None  # type: ignore[index]
    assert shown["parts"][0]["cost"]["amount"] is None  # type: ignore[index]


async def test_the_power_agreed_on_stands_in_the_overview(weeks: ConsoleApi) -> None:
    await bill(weeks, "main", demand=True)
    agreed = (await ask(weeks, "overview"))["contracted"]
    assert (agreed["kw"], agreed["over"]) == (60.0, 63.0)  # type: ignore[index]
    assert agreed["from"] <= day(0) < agreed["until"]  # type: ignore[index]


async def test_a_unit_can_be_looked_at_in_detail(weeks: ConsoleApi) -> None:
    await put(weeks, "lifts", 0, 3, 48)
    shown = await ask(weeks, "detail", of="unit:office", **{"from": day(0), "until": day(1)})
    assert shown["total"]["value"] == pytest.approx(144)  # type: ignore[index]


async def test_the_flow_tells_the_rest_that_no_meter_measured(ready: ConsoleApi) -> None:
    flow = (await ask(ready, "overview", day=day(1)))["flow"]
    assert ["", "main", "meter", 960.0, 1] in flow["branches"]  # type: ignore[index]
    assert ["main", "hvac", "meter", 576.0, 1] in flow["branches"]  # type: ignore[index]
    assert ["main", "main-", "rest", 96.0, 1] in flow["branches"]  # type: ignore[index]
    assert flow["unknown"] == []  # type: ignore[index]


async def test_a_child_of_which_nothing_is_known_makes_no_rest(weeks: ConsoleApi) -> None:
    flow = (await ask(weeks, "overview", day=day(-3)))["flow"]
    assert flow["branches"] == [["", "main", "meter", 960.0, 1]]  # type: ignore[index]
    assert sorted(flow["unknown"]) == ["hvac", "lifts"]  # type: ignore[index]


async def test_what_was_worked_out_anew_is_seen_at_once(weeks: ConsoleApi) -> None:
    assert (await ask(weeks, "overview"))["total"]["value"] == pytest.approx(576)  # type: ignore[index]
    await put(weeks, "main", 0, 20, 48)
    touched = np.zeros(0, np.int64)
    for watcher in weeks.features.energy.reckoner.watchers:
        watcher(Redone("east", "main", MIDNIGHT, MIDNIGHT + DAY, touched, None))
    assert (await ask(weeks, "overview"))["total"]["value"] == pytest.approx(960)  # type: ignore[index]


async def test_without_tariff_and_without_structure_nothing_is_invented(ready: ConsoleApi) -> None:
    shown = await ask(ready, "overview", day=day(1))
    assert shown["cost"]["amount"] is None  # type: ignore[index]
    assert shown["cost"]["notes"] == ["1 of 1 meters are billed by no tariff"]  # type: ignore[index]
    water = await ask(ready, "overview", day=day(1), medium="water")
    assert (water["total"]["value"], water["buildings"], water["change"]) == (None, [], None)  # type: ignore[index]


async def test_a_detail_has_rows_typical_and_the_other_period_by_kind_of_day(weeks: ConsoleApi) -> None:
    asked = {"of": "meter:main", "from": day(-7), "until": day(1), "step": "1d", "against": "before"}
    shown = await ask(weeks, "detail", **asked)
    rows = shown["rows"]
    assert [row[2] for row in rows] == [960.0] * 7 + [576.0]  # type: ignore[attr-defined]
    assert [row[7] for row in rows][:7] == [960.0] * 7  # type: ignore[attr-defined]
    assert rows[0][9] == 960.0  # type: ignore[index]
    assert shown["comparison"]["change"] == pytest.approx((960 * 7 + 576) / (960 * 8) - 1)  # type: ignore[index]
    assert shown["baseline"]["verdict"] in ("passes", "too_little", "scatters", "biased")  # type: ignore[index]
    assert shown["highest"]["kw"] == 48.0  # type: ignore[index]


@pytest.mark.parametrize(
    "query",
    [
        {"of": "space:nowhere"},
        {"of": "meter:main", "step": "15m", "from": "2026-01-01", "until": "2026-06-01"},
        {"of": "meter:main", "against": "never"},
        {"from": "2026-01-02", "until": "2026-01-01"},
    ],
)
async def test_what_cannot_be_shown_is_refused(ready: ConsoleApi, query: dict[str, str]) -> None:
    async with await ready.client() as client:
        asked = SITE | {"from": "2026-01-01", "until": "2026-01-02"} | query
        answer = await client.get("/api/v1/energy/detail", params=asked)
        assert answer.status_code in (404, 422), answer.text


async def test_gaps_are_listed_with_what_stands_in_them(weeks: ConsoleApi) -> None:
    await put(weeks, "main", -2, 10, hole=slice(20, 30))
    shown = await ask(weeks, "quality", **{"from": day(-5), "until": day(1)})
    main = next(each for each in shown["meters"] if each["id"] == "main")  # type: ignore[attr-defined]
    assert main["coverage"] == [1.0, 1.0, 1.0, pytest.approx(86 / 96, abs=1e-6), 1.0, 1.0]
    since = MIDNIGHT - 2 * DAY + 20 * BASE_MS
    assert ["main", since, since + 10 * BASE_MS, "missing", None, "kWh", 0.0, []] in shown["gaps"]  # type: ignore[operator]
