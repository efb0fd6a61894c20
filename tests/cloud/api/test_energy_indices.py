"""Indices and quotas over the API: nothing that is not known is shown as a number."""

import numpy as np
import pytest

from cloud.energy.contract import BASE_MS, Intervals, State
from cloud.energy.pages import pack, total_of
from cloud.registry.energy_days_book import Day, EnergyDaysBook
from cloud.registry.roles import Role
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.api.test_energy import ready
from tests.cloud.energy.test_reckoner import DAY, MIDNIGHT

__all__ = ["console", "ready"]

PATH = "/api/v1/energy/basis/east"
STAFF = {"of": "space:b3", "what": "people", "value": 100, "from": "2026-01-01", "source": "staff of 2026"}
QUOTA = {"of": "space:b3", "year": 2026, "limit": "100000", "source": "a notice", "pace": "even"}
DAYS = {"site": "east", "from": "2026-09-22", "until": "2026-09-24"}


async def test_use_is_divided_by_what_was_entered_and_by_nothing_else(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        assert (await client.get(PATH)).json()["rev"] == 0
        made = await client.put(f"{PATH}?rev=0&why=staff", json={"denominators": [STAFF]})
        assert (made.status_code, made.json()["rev"]) == (200, 1), made.text
        assert (await client.put(f"{PATH}?rev=0", json={})).status_code == 409
        rows = (await client.get("/api/v1/energy/indices", params=DAYS)).json()["rows"]
        site, east, b3, office = rows
        assert [each["of"] for each in rows] == ["site", "space:east", "space:b3", "unit:office"]
        assert (b3["value"], b3["coverage"], b3["per_head"]["value"]) == (1920, 1, 19.2)
        assert b3["per_m2"] == {
            "value": 0.2341, "by": 8200.5, "source": "structure", "note": "as the structure says, of no date",
        }  # fmt: skip
        assert (east["per_m2"]["value"], east["per_m2"]["note"]) == (None, "the area was not entered")
        assert (office["value"], office["per_head"]["value"], site["value"]) == (576, None, 1920)
        assert b3["coal"]["value"] == pytest.approx(1920 * 0.1229)
        assert b3["co2"]["value"] == pytest.approx(1920 * float(b3["co2"]["factors"][0]["value"]))
        assert b3["co2"]["factors"][0]["source"]
        assert "none of 2026" in b3["co2"]["note"]
        little = (await client.get("/api/v1/energy/indices", params={**DAYS, "until": "2026-09-25"})).json()["rows"][2]
        assert little["per_head"]["value"] is None
        assert "83.3%" in little["per_head"]["note"]
        water = (await client.get("/api/v1/energy/indices", params={**DAYS, "medium": "water"})).json()["rows"][2]
        assert (water["value"], water["per_head"]["value"], water["co2"]["value"]) == (None, None, None)


async def test_a_quota_is_ahead_by_last_years_course(ready: ConsoleApi) -> None:
    """Last year nearly all was used in winter: by September a third of the year's is on schedule."""
    book, begin = EnergyDaysBook(ready.features.core.database), MIDNIGHT - 264 * DAY  # 2026-01-01
    days = []
    for number in range(-365, 264):
        winter = number < -265
        micro = np.full(96, (10 if winter else 1) * 1_000_000, np.int64)
        columns = (np.full(96, BASE_MS, np.int32), np.zeros(96, np.uint8), np.zeros(96, np.uint8))
        first = begin + number * DAY
        known = Intervals(first, micro, *columns)
        days.append(Day("east", "main", first, first + DAY, State(), pack(known), (), total_of(known), False, 1))
    await book.put(days)
    async with await ready.client() as client:
        for pace, state, by in (("even", "within", "even"), ("last_year", "within", "last_year")):
            rev = (await client.get(PATH)).json()["rev"]
            await client.put(f"{PATH}?rev={rev}", json={"quotas": [{**QUOTA, "pace": pace, "limit": 60_000}]})
            [found] = (await client.get("/api/v1/energy/quotas?site=east")).json()["quotas"]
            assert (found["state"], found["pace"], found["limit"]) == (state, by, 60_000)
        assert found["used"] == pytest.approx(264 * 96, rel=0.05)
        assert found["expected"] == pytest.approx((1000 + 164) / (1000 + 265), abs=0.01)
        await client.put(f"{PATH}?rev=2", json={"quotas": [{**QUOTA, "limit": 25_900, "pace": "last_year"}]})
        [found] = (await client.get("/api/v1/energy/quotas?site=east")).json()["quotas"]
        assert found["state"] == "ahead"
        assert found["forecast"] == pytest.approx(found["used"] / found["expected"], rel=0.001)
        water = {"quotas": [{**QUOTA, "medium": "water"}, {**QUOTA, "year": 2027}]}
        await client.put(f"{PATH}?rev=3", json=water)
        [none] = (await client.get("/api/v1/energy/quotas?site=east")).json()["quotas"]
        assert (none["used"], none["share"], none["state"]) == (None, None, None)
        [later] = (await client.get("/api/v1/energy/quotas?site=east&year=2027")).json()["quotas"]
        assert (later["used"], later["note"]) == (None, "the year has not begun")


async def test_what_cannot_be_is_named_and_only_administrators_enter_it(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        wrong = await client.put(f"{PATH}?rev=0", json={"denominators": [{**STAFF, "of": "space:b9"}]})
        assert wrong.json()["errors"] == [{"key": "denominators[0].of", "message": "the structure has no 'space:b9'"}]
        assert (await client.put(f"{PATH}?rev=0", json={"denominators": [{"of": "site"}]})).status_code == 422
        back = {**DAYS, "until": "2026-09-22"}
        assert (await client.get("/api/v1/energy/indices", params=back)).json()["error"]["code"] == "bad_period"
    async with await ready.client(Role.DISPATCHER) as client:
        assert (await client.put(f"{PATH}?rev=0", json={})).status_code == 403
