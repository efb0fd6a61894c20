"""Findings that somebody put aside: by whom, why, until when; and how they come back."""

from decimal import Decimal

import httpx
import pytest

from cloud.analysis.site_findings import WEEK_MS, Episode, Finding
from cloud.energy.contract import RegisterEvent, State
from cloud.energy.pages import pack, total_of
from cloud.registry.energy_days_book import Day, EnergyDaysBook
from cloud.registry.roles import Role
from cloud.store.contract import GatewayKey
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.api.test_energy import ready
from tests.cloud.energy.test_reckoner import DAY, MIDNIGHT
from tests.cloud.registry.test_inventory import birth
from tests.cloud.tariffs.material import known

__all__ = ["console", "ready"]

PATH = "/api/v1/analysis/findings/east/main/night_load"
NOW = MIDNIGHT + 3 * DAY


def night_load(kwh: float) -> Finding:
    made = Finding("main", "night_load", "kWh", {"night_kw": 4.0}, times=1, kwh=kwh)
    made.episodes.append(Episode(NOW - WEEK_MS, NOW, kwh, None))
    return made


@pytest.fixture
async def odd(ready: ConsoleApi) -> ConsoleApi:
    """A site where a night load was found."""
    ready.clock.step(NOW - ready.clock.now_ms())
    (await ready.features.reports_of_energy.watch.now("east")).found[:] = [night_load(100)]
    return ready


async def shown(client: httpx.AsyncClient) -> dict[str, object]:
    [one] = (await client.get("/api/v1/analysis/findings", params={"site": "east"})).json()["findings"]
    found: dict[str, object] = one
    return found


async def test_a_finding_is_shelved_until_an_instant_and_returns_by_itself(odd: ConsoleApi) -> None:
    async with await odd.client() as client:
        before = await shown(client)
        assert (before["state"], before["judged"], before["alarm"]) == ("open", None, None)
        body = {"state": "shelved", "until": NOW + DAY, "reason": "the pump is tested", "rev": 0}
        answer = await client.post(PATH, json=body)
        assert answer.status_code == 200, answer.text
        one = answer.json()["finding"]
        assert (one["state"], one["judged"]["reason"], one["judged"]["week_kwh"]) == ("shelved", body["reason"], 100.0)
        assert one["judged"]["by"] == "token test administrator"
        odd.clock.step(DAY)
        back = await shown(client)
        assert (back["state"], back["judged"]["back"]) == ("open", "over")  # type: ignore[index]


async def test_what_is_accepted_stays_so_until_it_is_clearly_worse(odd: ConsoleApi) -> None:
    judgements = odd.features.reports_of_energy.judgements
    async with await odd.client() as client:
        assert (await client.post(PATH, json={"state": "accepted", "reason": "cold store"})).status_code == 200
        await judgements.open()  # as after a start
        await judgements.review("east", [night_load(124)], NOW)
        assert (await shown(client))["state"] == "accepted"
        await judgements.review("east", [night_load(126)], NOW)
        one = await shown(client)
        assert (one["state"], one["judged"]["back"]) == ("open", "worse")  # type: ignore[index]
        said = (await client.get(PATH)).json()["history"]
        assert [(each["state"], each["by"], each["back"]) for each in said] == [
            ("open", "", "worse"),
            ("accepted", "token test administrator", ""),
        ]
        await judgements.review("east", [night_load(50)], NOW)  # it stays back until somebody says otherwise
        assert (await shown(client))["state"] == "open"


async def test_it_is_opened_again_and_two_people_do_not_overwrite_each_other(odd: ConsoleApi) -> None:
    async with await odd.client() as client:
        first = (await client.post(PATH, json={"state": "accepted", "reason": "cold store"})).json()["finding"]
        late = await client.post(PATH, json={"state": "accepted", "reason": "another", "rev": 0})
        assert (late.status_code, late.headers["X-Current-Rev"]) == (409, str(first["judged"]["rev"]))
        again = await client.post(PATH, json={"state": "open", "rev": first["judged"]["rev"]})
        assert again.json()["finding"]["state"] == "open"


@pytest.mark.parametrize(
    "body",
    [
        {"state": "shelved", "reason": "no end"},
        {"state": "shelved", "reason": "past", "until": NOW - 1},
        {"state": "shelved", "reason": "too far", "until": NOW + 400 * DAY},
        {"state": "accepted", "reason": " "},
        {"state": "accepted", "reason": "has no end", "until": NOW + DAY},
    ],
)
async def test_what_is_no_judgement_is_refused(odd: ConsoleApi, body: dict[str, object]) -> None:
    async with await odd.client() as client:
        answer = await client.post(PATH, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_judgement")


async def test_only_administrators_judge_and_only_what_is_found(odd: ConsoleApi) -> None:
    body = {"state": "accepted", "reason": "seen"}
    async with await odd.client(Role.DISPATCHER) as client:
        assert (await client.post(PATH, json=body)).status_code == 403
        assert (await client.get(PATH)).json()["history"] == []
    async with await odd.client() as client:
        answer = await client.post(PATH.replace("night_load", "step"), json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_finding")


async def test_what_an_alarm_stands_for_is_shelved_there(odd: ConsoleApi) -> None:
    gap = Finding("main", "balance_gap", "kWh", {}, times=1, kwh=80)
    gap.episodes.append(Episode(NOW - WEEK_MS, NOW, 80, None))
    odd.features.reports_of_energy.watch.of("east").found[:] = [gap]
    odd.features.core.alarms.raise_alarm("energy_balance_gap", "east/meter:main", {"name": "Main"})
    async with await odd.client() as client:
        one = await shown(client)
        path = PATH.replace("night_load", "balance_gap")
        answer = await client.post(path, json={"state": "accepted", "reason": "known"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "has_alarm")
        assert str(one["alarm"]) in answer.json()["error"]["hint"]


@pytest.mark.parametrize(("kind", "state", "active"), [("replacement", "noted", False), ("reset", "open", True)])
async def test_a_meter_change_is_told_with_what_both_meters_counted(
    ready: ConsoleApi, kind: str, state: str, active: bool
) -> None:
    at = MIDNIGHT + 6 * 3_600_000
    event = RegisterEvent(kind, at - 900_000, at, Decimal(5000), Decimal("0.5"), 2_000_000)  # type: ignore[arg-type]
    used = known(MIDNIGHT, [1_000_000] * 24 + [2_000_000] * 72)
    page = Day("east", "main", MIDNIGHT, MIDNIGHT + DAY, State(), pack(used), (event,), total_of(used), False, 1)
    await EnergyDaysBook(ready.features.core.database).put([page])
    ready.clock.step(NOW - ready.clock.now_ms())
    await ready.features.reports_of_energy.watch.now("east")
    async with await ready.client() as client:
        found = (await client.get("/api/v1/analysis/findings", params={"site": "east"})).json()["findings"]
    [one] = [each for each in found if each["kind"] == "meter_change"]
    assert (one["state"], one["active"], one["since"], one["kwh"]) == (state, active, at, 0.0)
    assert (one["facts"]["old"], one["facts"]["new"]) == (24.0, 144.0)
    assert (one["facts"]["final"], one["facts"]["initial"]) == ("5000", "0.5")
    assert one["facts"]["lost"] == (0.0 if kind == "replacement" else None)


async def test_meters_without_readings_are_explained_by_their_gateway_being_offline(ready: ConsoleApi) -> None:
    alarms = ready.features.core.alarms
    inventory = ready.features.core.inventory
    await inventory.born(GatewayKey("east", "b3"), birth("d1", "d2"), MIDNIGHT)
    for meter in ("main", "hvac"):
        alarms.raise_alarm("energy_missing", f"east/meter:{meter}", {"name": meter, "since": "", "hours": 3})
    alarms.raise_alarm("energy_suspect", "east/meter:main", {"name": "main"})
    assert {each.hidden_by for each in alarms.active()} == {""}
    alarms.raise_alarm("gateway_offline", "east/b3", {})
    explained = {(each.kind, each.hidden_by) for each in alarms.active()}
    assert explained == {("energy_missing", "east/b3"), ("energy_suspect", ""), ("gateway_offline", "")}
    [offline] = [each for each in alarms.active() if each.kind == "gateway_offline"]
    assert offline.suppresses == 2
