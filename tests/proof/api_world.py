"""A compound behind the API: real registry, real store, all features of the console, and something of every kind in it.

``sound`` makes of any route a request that is answered well, and puts the compound in the state this needs.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from cloud.assets.contract import Observed
from cloud.energy.contract import BASE_MS, RegisterEvent, State
from cloud.energy.pages import pack, total_of
from cloud.features import Features
from cloud.gps_in.trackers import Trackers
from cloud.registry.database import Database
from cloud.registry.energy_days_book import Day, EnergyDaysBook
from cloud.registry.energy_sightings_book import EnergySightingsBook, Sighting
from cloud.registry.roles import Role
from cloud.rooms.feeds import Feed, Feeds
from cloud.settings import load_cloud
from cloud.store.contract import SeriesKey
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.api.conftest import GOOD, KEY, START, Api
from tests.cloud.api.console import make_console
from tests.cloud.fleet.pretended import HOME, Leg, drive, noisy
from tests.cloud.tariffs.material import known
from tests.proof.api_access import of_access
from tests.proof.api_bodies import (
    BASIS,
    CAR,
    JPEG,
    LONG_DRIVE,
    MAP,
    ODD_ADDRESSES,
    PLANT,
    PNG,
    REPAIR,
    ROOM,
    ROUTE,
    RULE,
    SPACES,
    STRUCK,
    STRUCTURE,
    TARIFF,
)
from tests.proof.api_entries import DISPATCHER, NOBODY, REQUESTER
from tests.proof.api_identity import of_identity
from tests.proof.api_loopback import only_loopback, take_everything
from tests.proof.api_people import Credential
from tests.proof.api_site_files import of_site_files
from tests.proof.api_sound import Sound, json_sound, of_privacy, outward

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
REPORTED = "2026-09-21"
"""The day of which there is an energy report."""


class World:
    """The compound, and ways to bring it about what a request needs."""

    def __init__(self, api: Api, features: Features, client: httpx.AsyncClient, receiver: str) -> None:
        self.api, self.features, self.app, self.clock = api, features, api.app, api.clock
        self.trip = ""
        self._record, self._closed, self._typed, self._people = "1", 0, 0, 0
        self.refused: Mapping[str, int] = {}
        self.tracker = self.feed = ""
        """The tokens of a phone and of a calendar."""
        self.tasks: list[asyncio.Task[None]] = []
        """What works beside the API, and what a request may have given something to stumble over."""
        self._client, self._receiver = client, receiver
        self._open: list[str] = []
        self._last: tuple[tuple[str, str], Sound] = ("", ""), Sound()
        self._addresses = itertools.cycle((receiver, *ODD_ADDRESSES))

    async def sound(self, entry: tuple[str, str], credential: Credential) -> Sound:
        """A request this credential's rank may be answered well, or is to be refused for nothing but its rank."""
        if entry != self._last[0]:
            await self.restore()
        elif credential.rank == NOBODY:
            return self._last[1]
        sound = await self._sound(entry, credential)
        self._last = entry, sound
        return sound

    async def _sound(self, entry: tuple[str, str], credential: Credential) -> Sound:
        method, path = entry
        noun = path.removeprefix("/api/v1/").partition("/")[0]
        if noun == "requests":
            return await self._request(path, credential)
        if noun == "bookings":
            return await self._booking(path)
        if noun == "passes":
            return await self._pass(path)
        if noun in ("access", "doors"):
            return await of_access(self.api, self.features, entry)
        if method != "GET" and entry == self._last[0] and credential.rank >= DISPATCHER:
            await self.restore(noun)
        if path.startswith("/api/v1/alarms/"):
            await self._alarm(path)
        if entry == ("DELETE", "/api/v1/tariffs/{site}/{name}"):  # refused while a meter is billed by it
            await self._ask("PUT", "/api/v1/tariff-uses/east", {"uses": []})
        if path == "/api/v1/webhooks/{name}/test":
            await self._address()
        if entry == ("DELETE", "/api/v1/energy/records/{site}/{number}"):
            self._record = str((await self._ask("POST", "/api/v1/energy/records/east/main?why=seen", STRUCK))["id"])
        if path.startswith("/api/v1/analysis/findings/"):
            return await self._finding()
        if path.startswith("/api/v1/energy/ledger/"):
            return await self._period(entry)
        if path.startswith(("/api/v1/energy/hand-readings/", "/api/v1/energy/basis/", "/api/v1/energy/indices")):
            return await self._desk_of_energy(entry)
        if "/config" in path or noun == "rollouts":
            return await of_site_files(self.api, entry)
        if noun in ("enrolment", "commands", "approvals", "identities"):
            made = await of_identity(self.api, entry)
            return (json_sound(made.body) if made.body else Sound())._replace(path=made.path, query=made.query)
        if entry == ("DELETE", "/api/v1/tokens/{number}"):
            number = (await self._ask("POST", "/api/v1/tokens", {"name": "Excel"}))["id"]
            return Sound(path={"number": number})
        if noun in ("users", "privacy"):
            return await (self._user(entry) if noun == "users" else of_privacy(entry, self._ask))
        if entry == ("PUT", "/api/v1/energy/structure/{site}"):
            return json_sound(STRUCTURE, {"rev": str(await self._revision())})._replace(path={"site": "east"})
        if noun in ("gps-in", "calendars", "prometheus"):
            return outward(noun, self.tracker, self.feed, self.clock.now_ms())
        made = self._bodies().get(entry, Sound())
        return made._replace(path={**self._names(noun), **made.path}, query={**self._query(noun), **made.query})

    async def _user(self, entry: tuple[str, str]) -> Sound:
        """Somebody nobody minds being changed."""
        self._people += 1
        grant = {"role": "viewer", "site": "east"}
        await self._ask("POST", "/api/v1/users", {"name": f"p{self._people}", "grants": [grant]})
        named = {"name": f"n{self._people}"} if entry == ("POST", "/api/v1/users") else {}
        return json_sound({**named, "grants": [grant]})._replace(path={"name": f"p{self._people}"})

    async def _finding(self) -> Sound:
        changed = RegisterEvent("replacement", START - HOUR_MS, START - HOUR_MS, Decimal(900), Decimal(0), 0)
        await self._count(events=(changed,))
        self.features.reports_of_energy.watch.forget("east")
        found = {"site": "east", "meter": "main", "kind": "meter_change"}
        return json_sound({"state": "accepted", "reason": "seen"})._replace(path=found)

    async def pass_time(self, seconds: float) -> list[str]:
        """Let what works beside work on; says what has ended."""
        await self.clock.advance(seconds)
        await asyncio.sleep(0)
        ended = [task for task in self.tasks if task.done()]
        self.tasks = [task for task in self.tasks if task not in ended]
        return [f"{task.get_name()} ended with {task.exception()!r}" for task in ended]

    async def stop(self) -> None:
        """End what works beside."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def restore(self, noun: str = "") -> None:
        """What may have been taken away or changed is as it was; of one noun, or all of it."""
        if noun in ("", "assets", "calendar", "trips"):
            await self._ask("POST", "/api/v1/assets/import?remove=1", PLANT.encode())
        if noun in ("", "map"):
            await self._ask("PUT", "/api/v1/map/east", MAP)
            await self._ask("PUT", "/api/v1/map/east/floor-plan?south=30&west=120&north=31&east=121", PNG)
        if noun in ("", "alarm-rules"):
            await self._ask("PUT", "/api/v1/alarm-rules/r-1", RULE)
        if noun in ("", "patrols"):
            await self._ask("PUT", "/api/v1/patrols/routes?site=east", {"routes": [ROUTE]})
        if noun in ("", "webhooks"):
            await self._ask("PUT", "/api/v1/webhooks/hook", {"name": "Duty", "url": self._receiver})
        if noun in ("", "dispatch"):
            await self._ask("PUT", "/api/v1/dispatch/settings/east", {"approval": [{"when": "out_of_town"}]})
        if noun in ("", "alarm-settings"):
            await self._ask("PUT", "/api/v1/alarm-settings/east", {})
        if noun in ("", "fleet-settings"):
            await self._ask("PUT", "/api/v1/fleet-settings/east", {})
        if noun in ("", "energy"):
            await self._ask("PUT", f"/api/v1/energy/structure/east?rev={await self._revision()}", STRUCTURE)
        if noun in ("", "tariffs", "tariff-uses", "bill"):
            await self._ask("PUT", "/api/v1/tariffs/east/plain", TARIFF)
            await self._ask("PUT", "/api/v1/tariff-uses/east", {"uses": [{"meter": "main", "tariff": "plain"}]})

    def _names(self, noun: str) -> dict[str, str]:
        name = {"alarms": "1", "alarm-rules": "r-1", "webhooks": "hook", "assets": "car-1", "tariffs": "plain"}.get(
            noun, "x"
        )
        common = {"site": "east", "gateway": "b3", "kind": "vehicle", "vehicle": "car-1", "trip": self.trip}
        name = name if noun else "app/main.js"
        found = {**common, "name": name, "z": "3", "x": "2", "y": "1", "meter": "main", "number": self._record}
        return {**found, "session": "0" * 16}

    def _query(self, noun: str) -> dict[str, str]:
        if noun in ("readings", "events"):
            return {"site": "east", "device": "m1", "point": "active_power_total"}
        if noun in ("bill", "billing-periods", "analysis"):
            return {"site": "east", "meter": "main", "tariff": "plain", "from": "2026-09-01", "until": "2026-10-01"}
        if noun == "energy":
            return {"site": "east", "meter": "main", "at": str(START), "why": "form 2026-114"}
        common = {"site": "east", "vehicle": "car-1", "entity": "east/vehicle:car-1", "at": str(self.clock.now_ms())}
        return {**common, "south": "30", "west": "120", "north": "31", "east": "121"}

    def _bodies(self) -> dict[tuple[str, str], Sound]:
        asset = {"name": "浙A·3M902", "facts": {"plate": "浙A·3M902", "seats": 4}, "bindings": []}
        days = {"days": [{"day": "2026-10-01", "type": "holiday", "name": "国庆节"}]}
        shelf = {"reason": "works", "until": self.clock.now_ms() + HOUR_MS}
        fleet = {"trip_distance_m": 200.0, "hours": ["workday 07:00-20:00"]}
        alarm, hook = "/api/v1/alarms/{name}", {"name": "Duty", "url": self._receiver, "secret": "s"}
        return {
            ("POST", "/api/v1/session"): json_sound({"name": "viewer", "password": GOOD}),
            ("POST", f"{alarm}/acknowledge"): json_sound({}),
            ("POST", f"{alarm}/shelve"): json_sound(shelf),
            ("POST", f"{alarm}/note"): json_sound({"text": "seen"}),
            ("POST", f"{alarm}/unshelve"): json_sound({}),
            ("POST", f"{alarm}/out-of-service"): json_sound({"reason": "works"}),
            ("PUT", "/api/v1/alarm-rules/{name}"): json_sound(RULE),
            ("POST", "/api/v1/alarm-rules/{name}/dry-run"): json_sound(RULE),
            ("PUT", "/api/v1/webhooks/{name}"): json_sound(hook),
            ("POST", "/api/v1/assets/import"): Sound(body=PLANT.encode(), kind="application/toml"),
            ("PUT", "/api/v1/assets/{site}/{kind}/{name}"): json_sound(asset),
            ("PUT", "/api/v1/calendar/{site}"): json_sound(days),
            ("POST", "/api/v1/calendar/{site}/seed"): Sound(query={"year": "2024"}),
            ("PUT", "/api/v1/tariffs/{site}/{name}"): json_sound(TARIFF),
            ("PUT", "/api/v1/tariff-uses/{site}"): json_sound({"uses": [{"meter": "main", "tariff": "plain"}]}),
            ("POST", "/api/v1/bill/try"): json_sound(TARIFF),
            ("POST", "/api/v1/analysis/baseline"): Sound(body=b"at,celsius\n1790006400000,21.5\n", kind="text/csv"),
            ("PUT", "/api/v1/analysis/temperatures/{site}"): Sound(
                body=b"at,celsius\n1790006400000,21.5\n", kind="text/csv"
            ),
            ("PUT", "/api/v1/factors"): json_sound({"set": []}),
            ("POST", "/api/v1/energy/records/{site}/{meter}"): json_sound(STRUCK),
            ("POST", "/api/v1/energy/structure/{site}/import"): Sound(body=SPACES.encode(), kind="application/toml"),
            ("POST", "/api/v1/energy/records/{site}/{meter}/try"): json_sound(STRUCK),
            ("PUT", "/api/v1/energy/reports/{site}"): json_sound({"weekly": True, "hour": 6, "language": "zh"}),
            ("POST", "/api/v1/energy/reports/{site}"): Sound(query={"kind": "daily", "day": REPORTED}),
            ("GET", "/api/v1/energy/reports/{site}/{name}"): Sound(path={"name": f"daily-{REPORTED}.csv"}),
            ("POST", "/api/v1/tokens"): json_sound({"name": "Excel"}),
            ("PUT", "/api/v1/dispatch/settings/{site}"): json_sound({"batch_s": 3.0}),
            ("PUT", "/api/v1/fleet-settings/{site}"): json_sound(fleet),
            ("PUT", "/api/v1/alarm-settings/{site}"): json_sound({"kinds": {"door_held": {"priority": 1}}}),
            ("PUT", "/api/v1/map/{site}"): json_sound(MAP),
            ("PUT", "/api/v1/map/{site}/floor-plan"): Sound(body=JPEG, kind="image/jpeg"),
            ("PUT", "/api/v1/patrols/routes"): json_sound({"routes": [ROUTE]}),
            ("POST", "/api/v1/trips/vehicles/{site}/{vehicle}/service"): json_sound({"out": True, "reason": "tyres"}),
        }

    # --- what has a life of its own ---

    async def _alarm(self, path: str) -> None:
        """Not hidden, unless it is to be shown again."""
        deed, address = path.rpartition("/")[2], "/api/v1/alarms/1"
        hidden = (await self._ask("GET", address))["alarm"]["state"] in ("shelved", "out_of_service")
        if hidden != (deed == "unshelve"):
            step, body = ("unshelve", {}) if hidden else ("out-of-service", {"reason": "works"})
            await self._ask("POST", f"{address}/{step}", body)

    async def _address(self) -> None:
        """The webhook goes to the next odd address, if it is taken."""
        hook = {"name": "Duty", "url": next(self._addresses), "ca_file": "", "format": "dingtalk", "secret": "s"}
        content = json.dumps(hook).encode()
        await self._client.put("/api/v1/webhooks/hook", content=content, headers={"Content-Type": "application/json"})

    async def _request(self, path: str, credential: Credential) -> Sound:
        deed = path.removeprefix("/api/v1/requests").rpartition("/")[2]
        if deed in ("", "what-if"):
            return json_sound(REPAIR, {"site": "east"})
        for each in self._open:
            await self._ask("POST", f"/api/v1/requests/{each}/cancel", {})
        headers = dict(credential.headers) if credential.rank >= REQUESTER else None
        draft = LONG_DRIVE if deed in ("approve", "refuse") else REPAIR
        name = (await self._ask("POST", "/api/v1/requests", draft, headers))["request"]["id"]
        self._open = [name]
        sent = {"resource": "east/technician:chen", "reason": "he is near"}
        before = {"assign": 1, "reassign": 2, "lock": 2, "unlock": 2, "start": 2, "arrive": 3, "finish": 4, "rate": 5}
        steps = (("acknowledge", {}), ("assign", sent), ("start", {}), ("arrive", {}), ("finish", {}))
        for step, body in steps[: before.get(deed, 0)]:
            await self._ask("POST", f"/api/v1/requests/{name}/{step}", body)
        if deed == "unlock":
            await self._ask("POST", f"/api/v1/requests/{name}/lock", {})
        extra = {
            "assign": sent,
            "reassign": {"reason": "the first is ill"},
            "rate": {"stars": 5},
            "refuse": {"opinion": "no"},
        }
        return json_sound(extra.get(deed, {"reason": "by telephone"}))._replace(path={"name": name})

    async def _booking(self, path: str) -> Sound:
        now = self.clock.now_ms()
        wanted = {"site": "east", "room": ROOM, "unit": "区府办", "subject": "Budget", "people": 5}
        wanted |= {"from": now + 300_000, "until": now + HOUR_MS, "started_at": now - 40_000}
        query = {"site": "east", "room": ROOM}
        deed = path.removeprefix("/api/v1/bookings").rpartition("/")[2]
        for each in (await self._ask("GET", f"/api/v1/bookings?site=east&to={now + 2 * HOUR_MS}"))["bookings"]:
            await self._ask("POST", f"/api/v1/bookings/{each['id']}/cancel", {})
        if deed not in ("cancel", "extend", "sign-in"):
            return json_sound(wanted, query)
        name = (await self._ask("POST", "/api/v1/bookings", wanted))["bookings"][0]["id"]
        body = {"until": now + 2 * HOUR_MS} if deed == "extend" else {"rev": 1}
        return json_sound(body)._replace(path={"booking": name})

    async def _pass(self, path: str) -> Sound:
        now = self.clock.now_ms()
        wanted = {"site": "east", "name": "Zhang San", "host": "Li Na", "plate": "浙A12345", "gate": "gate-north"}
        wanted |= {"from": str(now), "until": str(now + HOUR_MS)}
        body: dict[str, object] = {**wanted, "from": now, "until": now + HOUR_MS}
        deed = path.removeprefix("/api/v1/passes").rpartition("/")[2]
        if not deed:
            return json_sound(body, {"site": "east"})
        name = (await self._ask("POST", "/api/v1/passes", body))["pass"]["id"]
        if deed == "leave":
            await self._ask("POST", f"/api/v1/passes/{name}/arrive", {})
        return json_sound({"rev": 1} if deed == "cancel" else {"gate": "gate-north"})._replace(path={"name": name})

    async def _period(self, entry: tuple[str, str]) -> Sound:
        """A day that is not closed yet, or the number of one that is."""
        if entry == ("POST", "/api/v1/energy/ledger/{site}"):
            self._closed += 1
            await self._count(self._closed)
            day = date(2026, 9, 21) - timedelta(days=self._closed)
            body = {"from": day.isoformat(), "until": (day + timedelta(days=1)).isoformat(), "meters": ["main"]}
            return json_sound(body, {"why": "form 2026-114"})._replace(path={"site": "east"})
        sound = json_sound({}, {"why": "form 2026-114", "meter": ""}) if entry[0] == "POST" else Sound()
        return sound._replace(path={"site": "east", "number": "1"})

    async def _desk_of_energy(self, entry: tuple[str, str]) -> Sound:
        """Readings typed in, one of them by somebody else; what amounts are divided by, at its revision."""
        self._typed += 1
        at, names = self.clock.now_ms() - self._typed, {"site": "east", "meter": "main", "number": "1"}
        if entry[1].endswith("/check"):
            waits = Sighting(0, "east", "main", at, "5", "round", at, "somebody else")
            number = await EnergySightingsBook(self.api.database).add(waits)
            return json_sound({"agrees": False})._replace(path={**names, "number": str(number)})
        if entry[0] == "POST":
            return json_sound({"at": at, "reading": "5"}, {"why": "round"})._replace(path=names)
        if entry[0] == "PUT":
            rev = (await self._ask("GET", "/api/v1/energy/basis/east"))["rev"]
            return json_sound(BASIS, {"rev": str(rev), "why": "staff"})._replace(path=names)
        return Sound(names, {"site": "east", "from": "2026-09-21", "until": "2026-09-22", "medium": "electricity"})

    async def _ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        self._client.cookies.clear()
        kind = {} if isinstance(body, bytes) else {"Content-Type": "application/json"}
        answer = await self._client.request(method, path, content=content, headers=kind | (headers or {}))
        expected = answer.status_code < 400 or path.endswith("/cancel")
        assert expected, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    async def _revision(self) -> int:
        told: dict[str, int] = await self._ask("GET", "/api/v1/energy/structure/east")
        return told["rev"]

    async def _drive(self) -> None:
        """A trip of a few minutes, told as it was driven, and in the store."""
        asset = self.features.roster.find(CAR)
        assert asset is not None
        legs = [Leg(0, 1, 1, 300), Leg(90, 3000, 12, 30), Leg(0, 1000, 12, 400)]
        fixes = noisy(drive(legs, self.clock.now_ms() - HOUR_MS, HOME, every_s=20)[0], 4, 1, outliers=0)
        columns = {
            "latitude": [fix.spot.latitude for fix in fixes],
            "longitude": [fix.spot.longitude for fix in fixes],
        }
        at = np.array([fix.at for fix in fixes])
        for point, values in columns.items():
            self.api.put(at, np.array(values), key=SeriesKey("east", "tracker-1", point))
        for number, fix in enumerate(fixes):
            points: dict[str, float | None] = {name: values[number] for name, values in columns.items()}
            observed = Observed(asset, asset.bindings[0], fix.at, fix.at + 200, points, "good")
            await self.features.fleet.observed([observed])
            self.features.fleet.tick()
        self.trip = (await self._ask("GET", "/api/v1/trips?site=east"))["trips"][0]["id"]

    async def _count(self, days_back: int = 0, events: tuple[RegisterEvent, ...] = ()) -> None:
        """A day of a meter, as energy keeps it."""
        used = known(START // BASE_MS * BASE_MS - days_back * DAY_MS, [1_000_000] * 96)
        day = Day("east", "main", used.first, used.end, State(), pack(used), events, total_of(used), False, START)
        await EnergyDaysBook(self.api.database).put([day])

    async def fill(self) -> None:
        """Something of every kind."""
        await self.restore()
        _, self.tracker = await Trackers(self.api.tokens).add("east/phone-1")
        _, self.feed = await Feeds(self.api.tokens).add(Feed("east"), "", None)
        await self._drive()
        await self._ask("POST", f"/api/v1/energy/reports/east?kind=daily&day={REPORTED}")
        await self._count()
        day = {"from": "2026-09-21", "until": "2026-09-22"}
        await self._ask("POST", "/api/v1/energy/ledger/east?why=fill", day)
        await self.features.fleet.flush()


@asynccontextmanager
async def compound(folder: Path) -> AsyncIterator[World]:
    """The API over a real registry and a real store, with a day of readings, some events and all features."""
    (folder / "web" / "app").mkdir(parents=True)
    (folder / "web" / "index.html").write_text("<!doctype html>")
    (folder / "web" / "app" / "main.js").write_text("export const a = 1;\n")
    (folder / "tiles" / "3" / "2").mkdir(parents=True)
    (folder / "tiles" / "3" / "2" / "1.png").write_bytes(PNG)
    (folder / "cloud.toml").write_text('[map]\ntiles = "tiles"\n')
    clock = ManualClock(START + DAY_MS)
    database = Database(folder / "registry.sqlite", clock)
    await database.open()
    api = Api(database, folder, clock)
    api.store.open()
    await api.alarms.open()
    await api.trail.open()
    made = await make_console(api, load_cloud(folder / "cloud.toml"))
    api.app = made.app
    receiver = await asyncio.start_server(take_everything, "127.0.0.1", 0)
    world: World | None = None
    try:
        at = START + np.arange(0, DAY_MS, 60_000)
        api.put(at, np.arange(len(at)) / 10, [Event("m1", "button", START + n, {"detail": "门"}) for n in range(30)])
        await api.inventory.seen(KEY, START)
        api.live.note_fence(KEY)
        api.alarms.raise_alarm("gateway_offline", f"{KEY.site}/{KEY.gateway}", {})
        await api.alarms.flush()
        headers = {"Authorization": f"Bearer {await api.token(Role.ADMINISTRATOR)}"}
        async with api.client() as client:
            client.headers.update(headers)
            world = World(api, made.features, client, f"http://127.0.0.1:{receiver.sockets[0].getsockname()[1]}/in")
            with only_loopback() as world.refused:
                await world.fill()
                world.tasks = [asyncio.create_task(work, name=name) for name, work in made.features.tasks()]
                yield world
    finally:
        receiver.close()
        if world is not None:
            await world.stop()
        await made.features.close()
        api.store.close()
        api.passwords.close()
        await database.close()
