"""Bookings, passes, patrols, gates and the use of rooms by the API."""

import pytest

from cloud.assets.contract import AssetKey, Happened
from cloud.registry.roles import Role
from protocols.reading import Event
from tests.cloud.api.conftest import Api
from tests.cloud.api.console import ConsoleApi, console

__all__ = ["console"]

LENT = "7" * 32
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture
async def places(console: ConsoleApi) -> ConsoleApi:
    """Two rooms, a gate, a guard."""
    async with await console.client() as client:
        for name, seats in (("r1", 8), ("r2", 20)):
            body = {
                "name": f"Room {name}",
                "facts": {"capacity": seats},
                "bindings": [{"role": "reader", "device": f"{name}-reader"}],
            }
            assert (await client.put(f"/api/v1/assets/east/room/{name}", json=body)).status_code in (200, 201)
        gate = {"name": "North gate", "facts": {"gate": True}, "bindings": [{"role": "reader", "device": "gn"}]}
        assert (await client.put("/api/v1/assets/east/door/gate-north", json=gate)).status_code in (200, 201)
        guard = {"name": "Wang Wei", "facts": {"cards": ["c1"]}, "bindings": []}
        assert (await client.put("/api/v1/assets/east/guard/wang", json=guard)).status_code in (200, 201)
    return console


def wanted(console: ConsoleApi, since_min: int, until_min: int, **other: object) -> dict[str, object]:
    now = console.clock.now_ms()
    known = {"site": "east", "room": "r1", "unit": "Finance", "subject": "Budget", "phone": "13812348000", "people": 5}
    return known | {"from": now + since_min * MINUTE, "until": now + until_min * MINUTE} | other


async def tell(console: ConsoleApi, device: str, kind: str, **data: str | int | float | bool | None) -> None:
    """As the feed would, of an event that happens now."""
    event = Event(device, kind, console.clock.now_ms(), dict(data))
    happened = [
        Happened(asset, binding, event, event.at) for asset, binding in console.features.roster.bound("east", device)
    ]
    assert happened
    places = console.features.places
    for feature in (places.doors, places.rooms, places.patrols, places.visitors):
        await feature.happened(happened)


async def test_a_room_is_booked_and_nobody_else_gets_it(places: ConsoleApi) -> None:
    async with await places.client(Role.DISPATCHER) as client:
        opened = places.clock.now_ms() - 42_000
        made = await client.post("/api/v1/bookings", json=wanted(places, 30, 90, started_at=opened))
        assert made.status_code == 201
        booking = made.json()["bookings"][0]
        assert (booking["state"], booking["booking_s"], booking["created_by"]) == (
            "booked",
            42.0,
            "token test dispatcher",
        )
        refused = await client.post("/api/v1/bookings", json=wanted(places, 60, 120, unit="Police"))
        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (409, "room_taken")
        assert error["message"].startswith("Room r1 is taken by Finance (Budget) from ")
        assert error["hint"] == "free then: Room r2"
        assert (await client.post("/api/v1/bookings", json=wanted(places, 90, 120))).status_code == 201
        state = (await client.get("/api/v1/state?kind=room")).json()["entities"]
        assert state[0]["attributes"]["next"]["id"] == booking["id"]


async def test_a_booking_sent_twice_with_one_key_is_made_once(places: ConsoleApi) -> None:
    async with await places.client(Role.DISPATCHER) as client:
        body, key = wanted(places, 30, 90, repeat_weeks=2), {"Idempotency-Key": "k1"}
        first = (await client.post("/api/v1/bookings", json=body, headers=key)).json()
        again = (await client.post("/api/v1/bookings", json=body, headers=key)).json()
        assert first == again
        assert [each["from"] - body["from"] for each in first["bookings"]] == [0, 7 * DAY, 14 * DAY]  # type: ignore[operator]


async def test_a_booking_is_extended_signed_in_and_cancelled_each_on_the_revision_that_was_seen(
    places: ConsoleApi,
) -> None:
    async with await places.client(Role.DISPATCHER) as client:
        made = (await client.post("/api/v1/bookings", json=wanted(places, 5, 60))).json()["bookings"][0]
        path = f"/api/v1/bookings/{made['id']}"
        longer = await client.post(f"{path}/extend", json={"rev": 1, "until": made["until"] + HOUR})
        assert (longer.status_code, longer.json()["booking"]["rev"]) == (200, 2)
        old = await client.post(f"{path}/cancel", json={"rev": 1})
        assert (old.status_code, old.json()["error"]["code"], old.headers["X-Current-Rev"]) == (409, "conflict", "2")
        assert (await client.post(f"{path}/sign-in", json={})).json()["booking"]["state"] == "signed_in"
        assert (await client.post(f"{path}/cancel", json={})).json()["booking"]["state"] == "cancelled"
        assert (await client.post("/api/v1/bookings", json=wanted(places, 5, 60))).status_code == 201
        again = await client.post(f"{path}/cancel", json={})
        assert (again.status_code, again.json()["error"]["code"]) == (409, "not_possible")


@pytest.mark.parametrize(
    ("other", "status", "code"),
    [
        ({"room": "r9"}, 404, "unknown_room"),
        ({"people": 9}, 422, "too_small"),
        ({"until": 1}, 422, "bad_period"),
        ({"from": 1, "until": 2}, 422, "bad_period"),
        ({"unit": ""}, 422, "bad_request"),
        ({"surprise": 1}, 422, "bad_request"),
    ],
)
async def test_what_cannot_be_booked_is_refused_in_words(
    places: ConsoleApi, other: dict[str, object], status: int, code: str
) -> None:
    async with await places.client(Role.DISPATCHER) as client:
        answer = await client.post("/api/v1/bookings", json=wanted(places, 30, 90) | other)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_who_only_looks_changes_nothing_and_sees_no_whole_phone_number(places: ConsoleApi) -> None:
    async with await places.client(Role.DISPATCHER) as dispatcher, await places.client(Role.VIEWER) as viewer:
        await dispatcher.post("/api/v1/bookings", json=wanted(places, 30, 90))
        assert (await viewer.post("/api/v1/bookings", json=wanted(places, 200, 230))).status_code == 403
        seen = (await viewer.get("/api/v1/bookings?site=east")).json()["bookings"][0]
        assert seen["phone"] == "138****8000"
        whole = (await dispatcher.get("/api/v1/bookings?site=east")).json()["bookings"][0]
        assert whole["phone"] == "13812348000"
    async with await places.client(Role.REQUESTER) as requester:
        assert (await requester.get("/api/v1/bookings?site=east")).status_code == 403


async def test_a_card_at_the_rooms_reader_signs_in(places: ConsoleApi) -> None:
    async with await places.client(Role.DISPATCHER) as client:
        await client.post("/api/v1/bookings", json=wanted(places, 2, 60))
        await tell(places, "r1-reader", "card_read", card_key="c1")
        found = (await client.get("/api/v1/bookings?site=east")).json()["bookings"][0]
        assert found["signed_in_at"] is None
        await places.features.places.rooms.flush()
        found = (await client.get("/api/v1/bookings?site=east")).json()["bookings"][0]
        assert (found["state"], found["signed_in_at"], found["rev"]) == ("signed_in", places.clock.now_ms(), 2)


async def test_bookings_are_a_calendar_with_lasting_names(places: ConsoleApi) -> None:
    async with await places.client(Role.DISPATCHER) as client:
        made = (await client.post("/api/v1/bookings", json=wanted(places, 30, 90, subject="预算; Q4, all"))).json()
        answer = await client.get("/api/v1/bookings.ics?site=east&room=r1")
        assert answer.headers["content-type"].startswith("text/calendar")
        lines = answer.text.replace("\r\n ", "").split("\r\n")
        assert f"UID:{made['bookings'][0]['id']}@east.rooms.dayuan" in lines
        assert "SUMMARY:预算\\; Q4\\, all" in lines
        assert "TZOFFSETTO:+0800" in lines
        assert any(line.startswith("DTSTART;TZID=Asia/Shanghai:") for line in lines)
        assert all(len(line.encode()) <= 75 for line in answer.text.split("\r\n"))


async def test_a_visitor_is_expected_arrives_by_the_lent_card_and_leaves(places: ConsoleApi) -> None:
    now = places.clock.now_ms()
    body = {"site": "east", "name": "Zhang San", "phone": "13900001111", "host": "Li Na", "card_key": LENT}
    async with await places.client(Role.DISPATCHER) as client, await places.client(Role.VIEWER) as viewer:
        made = await client.post("/api/v1/passes", json=body | {"from": now, "until": now + HOUR})
        assert (made.status_code, made.json()["pass"]["state"]) == (201, "expected")
        path = f"/api/v1/passes/{made.json()['pass']['id']}"
        await places.clock.advance(60)
        await tell(places, "gn", "access_granted", card_key=LENT)
        seen = (await viewer.get("/api/v1/passes?site=east")).json()["passes"][0]
        assert (seen["state"], seen["came_by"], seen["phone"]) == ("arrived", "gate-north", "139****1111")
        assert "card_key" not in seen
        assert (await client.post(f"{path}/cancel", json={})).status_code == 409
        await places.clock.advance(HOUR / 1000)
        await places.features.places.visitors.tick()
        assert places.api.alarms.find("visitor_overdue", f"east/visitor:{seen['id']}") is not None
        left = await client.post(f"{path}/leave", json={})
        assert left.json()["pass"]["state"] == "left"
        await places.features.places.visitors.tick()
        assert places.api.alarms.find("visitor_overdue", f"east/visitor:{seen['id']}") is None
        early = await client.post(f"{path}/arrive", json={"at": places.clock.now_ms() + DAY})
        assert (early.status_code, early.json()["error"]["code"]) == (422, "bad_time")


async def test_routes_of_patrols_are_replaced_as_a_whole_and_their_runs_judged(places: ConsoleApi) -> None:
    point = {"id": "gate", "name": "North gate", "reader": "gn", "from_min": 0, "until_min": 30}
    route = {"id": "round", "name": "Round", "checkpoints": [point], "starts": ["00:00", "12:00"]}
    async with await places.client(Role.DISPATCHER) as client:
        path = "/api/v1/patrols/routes?site=east"
        put = await client.put(path, json={"routes": [route]})
        assert put.status_code == 200, put.text
        assert put.json() == (await client.get(path)).json()
        wrong = route | {"checkpoints": [{**point, "reader": ""}]}
        answer = await client.put(path, json={"routes": [wrong]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_route")
        assert "needs a reader, a tag or a place" in answer.json()["error"]["message"]
        runs = (await client.get("/api/v1/patrols?site=east")).json()["runs"]
        coming = min((run for run in runs if run["from_at"] > places.clock.now_ms()), key=lambda run: run["from_at"])
        await places.clock.advance((coming["from_at"] - places.clock.now_ms()) / 1000 + 300)
        await places.features.places.patrols.tick()
        await tell(places, "gn", "card_read", card_key="c1")
        run = next(r for r in (await client.get("/api/v1/patrols?site=east")).json()["runs"] if r["id"] == coming["id"])
        assert (run["state"], run["guard"], run["checkpoints"][0]["state"]) == ("done", "wang", "done")


async def test_gates_say_how_long_a_person_takes_and_of_how_many(places: ConsoleApi) -> None:
    for person in range(9):
        await tell(places, "gn", "access_granted", card_key=f"p{person}")
        await places.clock.advance(7)
    async with await places.client(Role.VIEWER) as client:
        answer = (await client.get("/api/v1/gates?site=east")).json()
        assert answer["all_gates"]["seconds_per_person"] == {"value": 7.0, "n": 8, "method": "queue"}
        assert answer["doors"][0]["passed"] == 9
        assert (await client.get("/api/v1/gates?site=nowhere")).status_code == 404
        figures = (await client.get("/api/v1/dispatch/figures?site=east")).json()["headline"]
        assert figures["gate_passage_s"]["n"] == 8


async def test_use_names_rooms_units_and_modules(places: ConsoleApi) -> None:
    async with await places.client(Role.DISPATCHER) as client:
        for number in range(4):
            body = wanted(places, 10 + 60 * number, 60 + 60 * number, unit=f"Unit {number % 3}")
            await client.post("/api/v1/bookings", json=body | {"started_at": places.clock.now_ms() - number * 1000})
        until = places.clock.now_ms() + DAY
        answer = (await client.get(f"/api/v1/rooms/use?site=east&to={until}")).json()
        assert answer["sharing"] == {"rooms": 1, "units": 3}
        assert (answer["booking"]["n"], answer["booking"]["median_s"]) == (4, 1.0)
        assert [room["room"] for room in answer["rooms"]] == ["r1", "r2"]
        assert {module["module"] for module in answer["modules"]} >= {
            "rooms",
            "visitors",
            "patrols",
            "requests_vehicle",
        }


async def test_the_features_take_up_where_they_were(places: ConsoleApi, api: Api) -> None:
    from tests.cloud.api.console import make_console

    async with await places.client(Role.DISPATCHER) as client:
        await client.post("/api/v1/bookings", json=wanted(places, -5, 60))
        await tell(places, "r1-reader", "card_read", card_key="c1")
    await places.features.close()
    again = await make_console(api)
    async with await again.client(Role.VIEWER) as client:
        rooms = (await client.get("/api/v1/state?kind=room")).json()["entities"]
        assert (
            next(r for r in rooms if r["id"] == AssetKey("east", "room", "r1").entity)["attributes"]["state"]
            == "in_use"
        )
    await again.features.close()
