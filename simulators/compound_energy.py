"""The energy of a demo: a past of its meters, what is metered where, tariffs, areas and quotas, the calendar.

It is brought in beside the running demo, once for each folder; what is lost by an end in the middle is sent again.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from protocols.clock import Clock
from simulators.basis_of_demo import basis_of
from simulators.broker import write_private
from simulators.child import Child
from simulators.clerk_api import ClerkApi, Refused
from simulators.compound import Compound
from simulators.desk import CommandFailed, add_token
from simulators.history_readings import OTHER_MEDIA, REACTIVE, VOLUMES, History, resolution
from simulators.sample_site import SITE

TARIFFS = {"zhejiang-two-part": (REACTIVE,), "liaoning-one-part": ()}
"""Samples of the product; the second bills all meters but those of the first."""
MONTHS_READ = 14
HOUR_MS = 3_600_000
PUT_TIMES = 3
PRICES_LAST = re.compile(r'until = "2027-01"')

TOLD_EVERY_S = 10.0
LOOK_EVERY_S, WORKED_OUT_S = 2.0, 600.0

Say = Callable[[str], None]


async def bring_in_energy(compound: Compound, days: int, clock: Clock, say: Say) -> None:
    """All of it. What cannot be brought in is told, and the demo goes on without."""
    mark = compound.layout.root / "energy"
    if mark.exists():
        return
    try:
        began = clock.monotonic()
        if not await _history(compound, days, say):
            return
        token = await add_token(compound.layout.cloud_file, name="energy of the sample site", role="administrator")
        api = ClerkApi(compound.url, token, clock)
        try:
            await _Desk(api, compound, days).all()
            write_private(mark, "brought in; without this file it is brought in again at the next start\n")
            say(f"energy     {days} days of history, structure, tariffs, quotas, calendar"
                f" after {clock.monotonic() - began:.0f} s")  # fmt: skip
            if await _worked_out(api, compound, clock):
                say(f"energy     amounts are worked out after {clock.monotonic() - began:.0f} s: see the page Energy")
        finally:
            api.close()
    except (CommandFailed, Refused, OSError) as error:
        say(f"dayuan-sim: the energy of {SITE} was not brought in: {error}; it is tried again at the next start")


async def _history(compound: Compound, days: int, say: Say) -> bool:
    """In a process of its own: meters must go on answering meanwhile. What it says is passed on now and then."""
    root = compound.layout.root
    words = ["--data", str(root), "--days", str(days), "--electricity-only", "--out", str(root / "history")]
    program = ["nice", sys.executable, "-m", "simulators.cli", "history", *words]
    child = Child("history", program, log=compound.layout.log("history"))
    said = child.last_lines(1)
    await child.start()
    ending = asyncio.create_task(child.wait(), name="history")
    try:
        while not ending.done():
            await asyncio.wait({ending}, timeout=TOLD_EVERY_S)
            last = child.last_lines(1)
            if last and last != said and last[0].startswith("history"):
                said = last
                say(last[0])
    finally:
        ending.cancel()
        await child.kill()
    if child.exit_code:
        last = child.last_lines(1)
        say(f"dayuan-sim: the history of meters was not brought in: {last[0] if last else 'no word'}; see {child.log}")
    return child.exit_code == 0


async def _worked_out(api: ClerkApi, compound: Compound, clock: Clock) -> bool:
    """Wait until the amounts of the last hours of the history are known; False when that takes too long."""
    until = int(compound.layout.state()["origin_ms"]) // HOUR_MS * HOUR_MS
    deadline = clock.monotonic() + WORKED_OUT_S
    span = {"from": until - 6 * HOUR_MS, "to": until}
    while clock.monotonic() < deadline:
        used = await api.get("/api/v1/energy/totals", site=SITE, medium="electricity", **span)
        if used["meters"] and all(each["coverage"] >= 1 for each in used["meters"].values()):
            return True
        await clock.sleep(LOOK_EVERY_S)
    return False


class _Desk:
    """What the person who sets up energy enters."""

    def __init__(self, api: ClerkApi, compound: Compound, days: int) -> None:
        self._api, self._compound, self._days = api, compound, days
        self._origin_ms = int(compound.layout.state()["origin_ms"])
        self._zone = ZoneInfo(compound.scenario.time_zone)
        text = (compound.layout.root / "history" / "structure.json").read_text(encoding="utf-8")
        self._structure: dict[str, Any] = json.loads(text)

    async def all(self) -> None:
        """Days first: they decide what a long gap looks like."""
        await self._calendar()
        await self._tariffs()
        await self._put_structure()
        await self._put_basis()
        await self._read_by_hand()

    async def _calendar(self) -> None:
        last = datetime.fromtimestamp(self._origin_ms / 1000, self._zone).date()
        for year in range((last - timedelta(days=self._days)).year, last.year + 1):
            try:
                await self._api.post(f"/api/v1/calendar/{SITE}/seed?year={year}&replace=1", {})
            except Refused as refused:
                if refused.code != "unknown_year":  # newer than the product; its alarm asks for it
                    raise

    async def _tariffs(self) -> None:
        samples: dict[str, str] = (await self._api.get("/api/v1/tariff-samples"))["samples"]
        # The prices are examples: they may as well hold until the end of next year.
        ends = f'until = "{datetime.fromtimestamp(self._origin_ms / 1000, UTC).year + 2}-01"'
        uses = []
        for name, own in TARIFFS.items():
            known = tomllib.loads(PRICES_LAST.sub(ends, samples[name]), parse_float=str)
            await self._api.put(f"/api/v1/tariffs/{SITE}/{name}", json.loads(json.dumps(known, default=str)))
            uses += [{"meter": meter, "tariff": name, "reactive": f"{meter}-kvarh"} for meter in own]
        billed = {use["meter"] for use in uses}
        for meter in self._structure["meters"]:
            electric = meter.get("medium", "electricity") == "electricity" and meter["role"] != "check"
            if electric and meter["id"] not in billed:
                uses.append({"meter": meter["id"], "tariff": "liaoning-one-part"})
        await self._api.put(f"/api/v1/tariff-uses/{SITE}", {"uses": uses})

    async def _put_structure(self) -> None:
        by_hand = [
            {"id": plan.id, "name": plan.name, "medium": plan.shape, "role": "main", "reads": "manual",
             "space": plan.id.split("-")[0] if plan.id[0] == "b" else "b2", "accuracy": "2",
             "register": {"resolution": str(resolution(plan)), "rated": "50"}}
            for plan in OTHER_MEDIA
        ]  # fmt: skip
        wanted = {**self._structure, "meters": [*self._structure["meters"], *by_hand]}
        await self._put(f"/api/v1/energy/structure/{SITE}", wanted)

    async def _put_basis(self) -> None:
        last = datetime.fromtimestamp(self._origin_ms / 1000, self._zone).date()
        wanted = await asyncio.to_thread(basis_of, self._compound.scenario, self._origin_ms, last, self._days)
        await self._put(f"/api/v1/energy/basis/{SITE}", wanted)

    async def _put(self, path: str, wanted: object) -> None:
        """In place of what is there. A change whose answer was lost looks like somebody else's: it is made again."""
        tried = 0
        while True:
            known = await self._api.get(path)
            try:
                await self._api.put(f"{path}?rev={known['rev']}&why=sample", wanted)
                return
            except Refused as refused:
                tried += 1
                if refused.status != HTTPStatus.CONFLICT or tried == PUT_TIMES:
                    raise

    async def _read_by_hand(self) -> None:
        """Water and gas have no wire: somebody reads them on the first of each month."""
        held = (await self._api.get(f"/api/v1/energy/records/{SITE}?limit=1000"))["records"]
        entered = {(each["meter"], each["what"].get("at")) for each in held}
        for meter, at, reading in await asyncio.to_thread(self._on_firsts):
            if (meter, at) in entered:
                continue  # by a setting up that was broken off
            path = f"/api/v1/energy/records/{SITE}/{meter}?why=monthly+round"
            await self._api.post(path, {"type": "hand_read", "at": at, "reading": str(reading)})

    def _on_firsts(self) -> list[tuple[str, int, float]]:
        last = datetime.fromtimestamp(self._origin_ms / 1000, self._zone).date()
        firsts = [last.replace(day=1)]
        while len(firsts) < MONTHS_READ and (last - firsts[-1]).days < self._days:
            firsts.append((firsts[-1] - timedelta(days=1)).replace(day=1))
        at = np.array([_nine_o_clock(day, self._zone) for day in reversed(firsts)], np.int64)
        at = at[at < self._origin_ms]
        world = History(self._compound.scenario, days=1, until_ms=self._origin_ms).world
        rows = []
        for plan in OTHER_MEDIA:
            steps = VOLUMES[plan.shape][1]
            shown = np.floor(world.register(plan.id, at) * steps) / steps
            rows += [(plan.id, when, value) for when, value in zip(at.tolist(), shown.tolist(), strict=True)]
        return rows


def _nine_o_clock(day: date, zone: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, 9, tzinfo=zone).timestamp() * 1000)
