"""Structures brought in and taken out over the API; readings that people type in."""

from cloud.registry.roles import Role
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.api.test_energy import ready
from tests.cloud.energy.test_reckoner import DAY, MIDNIGHT

__all__ = ["console", "ready"]

STRUCTURE = "/api/v1/energy/structure/east"
WATER = '[[meter]]\nid = "water"\nmedium = "water"\nreads = "manual"\n'
HAND = "/api/v1/energy/hand-readings/east"


async def test_a_structure_is_brought_in_and_twice_changes_nothing(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        dry = (await client.post(f"{STRUCTURE}/import?dry_run=1", content=WATER)).json()
        assert (dry["created"], dry["missing"], dry["written"], dry["rev"]) == (1, 7, False, 1)
        made = (await client.post(f"{STRUCTURE}/import", content=WATER)).json()
        assert (made["names"], made["written"], made["rev"]) == (["meter:water"], True, 2)
        again = (await client.post(f"{STRUCTURE}/import", content=WATER)).json()
        assert (again["unchanged"], again["written"], again["rev"]) == (1, False, 2)
        for form in ("toml", "csv", "xlsx"):
            file = await client.get(f"{STRUCTURE}/export?format={form}")
            assert file.headers["content-disposition"].endswith(f'east-energy.{form}"')
            back = await client.post(f"{STRUCTURE}/import?format={form}&remove=1", content=file.content)
            assert (back.status_code, back.json()["unchanged"], back.json()["written"]) == (200, 8, False), back.text
        got = (await client.get(STRUCTURE)).json()
        assert [each["thing"] for each in got["doubts"]] == ["meter:water"]


async def test_what_is_wrong_with_a_file_is_said_and_nothing_is_written(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        bad = await client.post(f"{STRUCTURE}/import", content=WATER + 'parent = "main"\nspac = "b3"\n')
        assert bad.status_code == 422
        assert bad.json()["error"]["message"].startswith("line 6: meter[0].spac: unknown; did you mean 'space'?")
        dry = await client.post(f"{STRUCTURE}/import?dry_run=1&format=csv", content="thing,id\nmeter,water\n")
        assert (dry.status_code, dry.json()["errors"][0]["line"]) == (200, 2)
        assert (await client.get(STRUCTURE)).json()["rev"] == 1
    async with await ready.client(Role.DISPATCHER) as client:
        assert (await client.post(f"{STRUCTURE}/import", content=WATER)).status_code == 403
        assert (await client.get(f"{STRUCTURE}/export")).status_code == 200


async def test_a_reading_is_typed_in_and_what_looks_wrong_is_said(ready: ConsoleApi) -> None:
    ready.clock._wall_ms = float(MIDNIGHT + 50 * DAY)
    async with await ready.client() as client:
        register = 'register = { resolution = "0.1", rated = 10 }\n'
        assert (await client.post(f"{STRUCTURE}/import", content=WATER + register)).status_code == 200
        first = (await client.post(f"{HAND}/water", json={"at": MIDNIGHT, "reading": "100.0"})).json()
        assert (first["advance"], first["doubts"], first["waits"]) == (None, [], None)
        later = (await client.post(f"{HAND}/water", json={"at": MIDNIGHT + 30 * DAY, "reading": "130.5"})).json()
        assert (later["advance"], later["since"], later["doubts"]) == (30.5, MIDNIGHT, [])
        low = (await client.post(f"{HAND}/water", json={"at": MIDNIGHT + 40 * DAY, "reading": "120"})).json()
        assert "was the meter changed" in low["doubts"][0]
        await ready.features.energy.reckoner.round()
        params = {
            "site": "east",
            "meter": "water",
            "from": str(MIDNIGHT),
            "to": str(MIDNIGHT + 10 * DAY),
            "step": "1mo",
        }
        used = (await client.get("/api/v1/energy/intervals", params=params)).json()["total"]
        assert (round(used["value"], 1), used["source"]) == (10.2, "manual")
        for body in ({"at": MIDNIGHT, "reading": "101"}, {"at": MIDNIGHT + 60 * DAY, "reading": "200"}):
            assert (await client.post(f"{HAND}/water", json=body)).json()["error"]["code"] == "bad_reading"
        assert (await client.post(f"{HAND}/rest", json={"at": MIDNIGHT, "reading": "1"})).status_code == 422


async def test_a_second_person_looks_at_a_reading_before_it_counts(ready: ConsoleApi) -> None:
    ready.clock._wall_ms = float(MIDNIGHT + 50 * DAY)
    async with await ready.client() as one, await ready.client() as client:
        await one.post(f"{STRUCTURE}/import", content=WATER + "two_person = true\n")
        for number, reading in ((1, "100"), (2, "900")):
            made = await one.post(f"{HAND}/water?why=round", json={"at": MIDNIGHT + number * DAY, "reading": reading})
            assert (made.json()["record"], made.json()["waits"]) == (None, number)
        own = await client.post(f"{HAND}/1/check", json={"agrees": True})
        assert "ask somebody else" in own.json()["error"]["message"]
        other = await ready.api.tokens.add("second", Role.ADMINISTRATOR)
        client.headers["Authorization"] = f"Bearer {other[1]}"
        assert [each["reading"] for each in (await client.get(HAND)).json()["waiting"]] == ["100", "900"]
        assert (await client.post(f"{HAND}/1/check", json={"agrees": True})).json()["record"] is not None
        assert (await client.post(f"{HAND}/2/check", json={"agrees": False})).json() == {"record": None}
        assert (await client.post(f"{HAND}/2/check", json={"agrees": True})).status_code == 422
        assert (await client.get(HAND)).json() == {"waiting": []}
        [record] = (await client.get("/api/v1/energy/records/east/water")).json()["records"]
        assert (record["what"]["reading"], record["why"]) == ("100", "round (looked at by token second)")
