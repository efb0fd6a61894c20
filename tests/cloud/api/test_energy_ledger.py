"""Closing and amending periods over the API: with the bills and factors of then, and told when more is known."""

import numpy as np

from cloud.energy.contract import BASE_MS, Intervals, State
from cloud.energy.pages import pack, total_of
from cloud.energy.redo import Redone
from cloud.registry.energy_days_book import Day, EnergyDaysBook
from cloud.registry.roles import Role
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.api.test_energy import ready
from tests.cloud.energy.test_reckoner import DAY, MIDNIGHT
from tests.proof.api_bodies import TARIFF

__all__ = ["console", "ready"]

LEDGER = "/api/v1/energy/ledger/east"
BODY = {"from": "2026-09-22", "until": "2026-09-24"}


async def more_is_known(ready: ConsoleApi, kwh: int) -> None:
    """The first day of the main meter comes to so much a quarter of an hour now."""
    columns = (np.full(96, BASE_MS, np.int32), np.zeros(96, np.uint8), np.zeros(96, np.uint8))
    known = Intervals(MIDNIGHT, np.full(96, kwh * 1_000_000, np.int64), *columns)
    total = total_of(known)
    day = Day("east", "main", MIDNIGHT, MIDNIGHT + DAY, State(), pack(known), (), total, False, 1)
    await EnergyDaysBook(ready.features.core.database).put([day])
    done = Redone("east", "main", MIDNIGHT, MIDNIGHT + DAY, known.starts, None)
    for watcher in ready.features.energy.reckoner.watchers:
        watcher(done)
    await ready.features.energy_desk.closing.look()


async def test_a_period_is_closed_told_of_and_amended(ready: ConsoleApi) -> None:
    ready.clock._wall_ms = float(MIDNIGHT + 5 * DAY)
    async with await ready.client() as client:
        assert (await client.put("/api/v1/tariffs/east/plain", json=TARIFF)).status_code == 200
        uses = {"uses": [{"meter": "main", "tariff": "plain"}]}
        assert (await client.put("/api/v1/tariff-uses/east", json=uses)).status_code == 200
        made = await client.post(f"{LEDGER}?why=September", json=BODY)
        assert made.status_code == 201, made.text
        period = made.json()
        assert period["meters"] == ["main", "hvac", "lifts", "rest"]
        assert period["sums"][0] == {
            "meter": "main", "unit": "kWh", "closed": 1920.0, "stands": 1920.0, "now": 1920.0, "differs_by": None,
            "differing_days": 0, "coverage": 1.0,
        }  # fmt: skip
        bill = period["snapshot"]["bills"]["main"]
        assert (bill["total"], bill["tariff"], bill["rev"]) == ("1248.00", "plain", 1)
        assert {each["quantity"] for each in period["snapshot"]["factors"]} >= {"co2", "coal"}
        assert all(each["source"] for each in period["snapshot"]["factors"])
        assert period["snapshot"]["balances"]["main"]["gap"] == 192
        assert period["note"] == "balance gaps: main +10.0%"

        twice = await client.post(f"{LEDGER}?why=again", json=BODY)
        assert (twice.status_code, twice.json()["error"]["code"]) == (422, "cannot_close")
        assert (await client.post(LEDGER, json=BODY)).status_code == 422  # no reason

        await more_is_known(ready, 11)
        [listed] = (await client.get(LEDGER)).json()["periods"]
        assert listed["differs"] == [
            {"meter": "main", "days": 1, "by": 96.0, "unit": "kWh"},
            {"meter": "rest", "days": 1, "by": 96.0, "unit": "kWh"},
        ]
        alarms = (await client.get("/api/v1/alarms")).json()["alarms"]
        [told] = [each for each in alarms if each["source"] == "east/meter:main"]
        assert "+96.00 kWh" in told["text"]["en"]
        assert "+96.00 kWh" in told["text"]["zh"]
        opened = (await client.get(f"{LEDGER}/1")).json()
        assert [opened["sums"][0][key] for key in ("closed", "stands", "now", "differs_by")] == [1920, 1920, 2016, 96]
        assert opened["snapshot"]["bills"]["main"]["total"] == "1248.00"

        amended = (await client.post(f"{LEDGER}/1/amend?why=late", json={})).json()
        assert (amended["version"], amended["entries"]) == (2, 4)
        assert [amended["period"]["sums"][0][key] for key in ("closed", "stands", "now")] == [1920, 2016, 2016]
        again = (await client.post(f"{LEDGER}/1/amend?why=nothing", json={"meters": ["main"]})).json()
        assert (again["version"], again["entries"]) == (None, 0)
        rows = (await client.get(f"{LEDGER}/1/entries", params={"meter": "main"})).json()["rows"]
        assert [(row[2], row[4], row[5]) for row in rows] == [
            ("posting", "2026-09-22", 960),
            ("posting", "2026-09-23", 960),
            ("reversal", "2026-09-22", -960),
            ("correction", "2026-09-22", 1056),
        ]
        whole = (await client.get(LEDGER)).json()
        assert [(each["kind"], each["why"]) for each in whole["deeds"]] == [("amend", "late"), ("close", "September")]
        alarms = (await client.get("/api/v1/alarms")).json()["alarms"]
        assert not [each for each in alarms if each["source"].startswith("east/meter:") and each["active"]]


async def test_who_only_looks_closes_nothing_and_what_is_not_there_is_said(ready: ConsoleApi) -> None:
    ready.clock._wall_ms = float(MIDNIGHT + 5 * DAY)
    async with await ready.client(Role.DISPATCHER) as client:
        assert (await client.post(f"{LEDGER}?why=x", json=BODY)).status_code == 403
        assert (await client.get(LEDGER)).json() == {"site": "east", "periods": [], "deeds": []}
        for path in ("1", "1/entries"):
            assert (await client.get(f"{LEDGER}/{path}")).json()["error"]["code"] == "unknown_period"
        assert (await client.get("/api/v1/energy/ledger/nowhere")).status_code == 404
    async with await ready.client() as client:
        await client.post(f"{LEDGER}?why=x", json={**BODY, "meters": ["lifts"]})
        assert (await client.get(f"{LEDGER}/1/entries?meter=main")).json()["error"]["code"] == "unknown_meter"
        foreign = await client.post(f"{LEDGER}/1/amend?why=x", json={"meters": ["main"]})
        assert foreign.json()["error"]["code"] == "cannot_amend"
        rest = await client.post(f"{LEDGER}?why=the+others", json=BODY)
        assert rest.json()["meters"] == ["main", "hvac", "rest"]  # what is closed already stays
