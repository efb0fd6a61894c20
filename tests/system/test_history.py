"""A history goes the ordinary way into a real collector: nothing is missing, and all that was planted is found."""

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from protocols.clock import SystemClock
from simulators.clerk_api import ClerkApi
from simulators.desk import add_token
from simulators.east_compound import east_compound
from simulators.history import DONE, HistoryOptions, send_history
from simulators.history_readings import History

DAYS = 62
UNTIL_MS = 1_795_276_800_000
"""2026-11-22 00:00 in Shanghai."""
SITE = "east-compound"
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
READY_S = 120.0


def local_day(at_ms: int) -> date:
    return date(1970, 1, 1) + timedelta(milliseconds=at_ms + 8 * HOUR_MS)


class Desk:
    """A collector with a history, asked as a page asks it."""

    def __init__(self, api: ClerkApi, truth: dict[str, Any]) -> None:
        self.api, self.truth = api, truth

    def fault(self, kind: str) -> dict[str, Any]:
        [found] = [each for each in self.truth["faults"] if each["kind"] == kind]
        return found

    async def ready(self) -> None:
        """Until every meter is worked out to its end."""
        deadline = SystemClock().monotonic() + READY_S
        while True:
            got = await self.used(self.truth["until"] - DAY_MS, self.truth["until"])
            if got["meters"] and all(each["coverage"] == 1 for each in got["meters"].values()):
                return
            assert SystemClock().monotonic() < deadline, f"not worked out: {got}"
            await asyncio.sleep(0.5)

    async def used(self, since: int, until: int) -> dict[str, Any]:
        return await self.api.get("/api/v1/energy/totals", site=SITE, **{"from": since, "to": until})

    async def intervals(self, meter: str, since: int, until: int, step: str = "15m") -> dict[str, Any]:
        return await self.api.get(
            "/api/v1/energy/intervals", site=SITE, meter=meter, step=step, **{"from": since, "to": until}
        )


async def test_all_that_was_planted_in_a_history_is_found_by_a_real_collector(broker, collector, tmp_path) -> None:
    clock = SystemClock()
    history = History(east_compound(1), days=DAYS, until_ms=UNTIL_MS)
    told: list[str] = []
    options = HistoryOptions(lambda gateway: broker.account_of("tester"), tmp_path)
    assert await send_history(history, options, clock, told.append) == DONE, told
    api = ClerkApi(collector.url, await add_token(collector.settings_file, role="administrator"), clock)
    try:
        desk = Desk(api, json.loads((tmp_path / "truth.json").read_text("utf-8")))
        await api.post(f"/api/v1/calendar/{SITE}/seed?year=2026", {})
        structure = json.loads((tmp_path / "structure.json").read_text("utf-8"))
        await api.put(f"/api/v1/energy/structure/{SITE}?rev=0&why=test", structure)
        await desk.ready()
        await what_passed_is_what_was_counted(desk)
        await the_outage_is_an_estimate_with_an_exact_total(desk)
        await the_exchanged_meter_is_seen_and_after_its_record_nothing_is_missing(desk)
        await the_turned_transformer_is_named_by_the_balance(desk)
        await the_night_load_is_an_anomaly(desk)
    finally:
        api.close()
    assert await send_history(history, options, clock, told.append) == DONE, "a second run is taken for the first"
    again = collector.get(f"/api/v1/gateways/{SITE}/gatehouse")
    assert all(len(ranges) == 1 for ranges in again["ranges"].values())


async def what_passed_is_what_was_counted(desk: Desk) -> None:
    since, until, passed = desk.truth["since"], desk.truth["until"], desk.truth["passed"]
    for meter in ("b3-main", "b1-main", "b1-floor-3", "b3-server-1", "garage-main", "b3-water", "canteen-gas"):
        total = (await desk.intervals(meter, since, until, "1mo"))["total"]
        assert total["coverage"] == 1, meter
        assert total["value"] == pytest.approx(passed[meter], abs=0.25), meter


async def the_outage_is_an_estimate_with_an_exact_total(desk: Desk) -> None:
    outage = desk.fault("outage")
    since, until = outage["since"] // 900_000 * 900_000, outage["until"]
    day = await desk.intervals("b3-main", since, until)
    assert {row[5] for row in day["rows"]} == {"estimated"}
    assert day["total"]["coverage"] == 1
    assert day["total"]["value"] == pytest.approx(outage["passed"]["b3-main"], rel=0.02)
    before = await desk.intervals("b3-main", since - 2 * HOUR_MS, since)
    assert {row[5] for row in before["rows"]} == {"measured"}


async def the_exchanged_meter_is_seen_and_after_its_record_nothing_is_missing(desk: Desk) -> None:
    change = desk.fault("meter_change")
    [meter], at = change["meters"], change["since"]
    quarter = at // 900_000 * 900_000
    opened = await desk.api.get("/api/v1/energy/opening", site=SITE, meter=meter, at=quarter)
    assert "reset" in {event["kind"] for event in opened["events"]}
    month = await desk.intervals(meter, desk.truth["since"], desk.truth["until"], "1mo")
    assert "lower_bound" in month["total"]["flags"]
    record = {"type": "replaced", "at": at, "final": str(change["final"]), "initial": str(change["initial"])}
    await desk.api.post(f"/api/v1/energy/records/{SITE}/{meter}?why=form+114", record)
    deadline = SystemClock().monotonic() + READY_S
    while True:
        total = (await desk.intervals(meter, desk.truth["since"], desk.truth["until"], "1mo"))["total"]
        if "replaced" in total["flags"]:
            break
        assert SystemClock().monotonic() < deadline, total
        await asyncio.sleep(0.3)
    assert "lower_bound" not in total["flags"]
    assert total["value"] == pytest.approx(desk.truth["passed"][meter], abs=0.05)


async def the_turned_transformer_is_named_by_the_balance(desk: Desk) -> None:
    turned = desk.fault("reversed_ct")
    week = {"from": desk.truth["until"] - 14 * DAY_MS, "to": desk.truth["until"]}
    found = await desk.api.get("/api/v1/energy/balance", site=SITE, meter="b2-main", **week)
    assert (found["verdict"], found["significant"]) == ("gap", True)
    first = found["suspects"][0]
    assert (first["meter"], first["fault"], first["factor"]) == (turned["meters"][0], "multiplier", 3.0)
    earlier = {"from": turned["since"] - 15 * DAY_MS, "to": turned["since"] - DAY_MS}
    before = await desk.api.get("/api/v1/energy/balance", site=SITE, meter="b2-main", **earlier)
    assert not any(each["meter"] == turned["meters"][0] and each["certain"] for each in before["suspects"])


async def the_night_load_is_an_anomaly(desk: Desk) -> None:
    fault = desk.fault("night_load")
    last = local_day(desk.truth["until"])
    for meter in ("b1-floor-3", "b1-floor-2"):
        found = await desk.api.get(
            "/api/v1/analysis/anomalies", site=SITE, meter=meter, until=last, **{"from": last - timedelta(days=60)}
        )
        nights = [each for each in found["anomalies"] if each["kind"] == "night_load"]
        assert bool(nights) == (meter in fault["meters"]), meter
        for each in nights:
            risen = each["facts"]["night_kw"] - each["facts"]["before_kw"]
            assert risen == pytest.approx(fault["kw"], rel=0.2)


def test_the_papers_of_a_history_lie_beside_it(tmp_path: Path) -> None:
    from simulators.history import write_papers

    write_papers(History(east_compound(1), days=3, until_ms=UNTIL_MS), tmp_path)
    truth = json.loads((tmp_path / "truth.json").read_text("utf-8"))
    assert truth["faults"] == [], "three days are too few for faults"
    lines = (tmp_path / "temperature.csv").read_text("utf-8").splitlines()
    assert (lines[0], len(lines)) == ("at,temperature_c", 1 + 72)
