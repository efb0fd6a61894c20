"""Readings that go into the trail: every vehicle and period of its own, the same again once a minute, in few bytes."""

from typing import Any, cast
from urllib.parse import urlencode

from cloud.api.site_asked import SiteAsked
from cloud.api.traced import ONCE_IN_S, REMEMBERED_MAX, Tracer
from cloud.audit.note import Note
from cloud.registry.audit_trail import Trail
from cloud.registry.sessions import Principal
from protocols.clock import ManualClock

OFFICER = Principal("li", (), "session:1")


class Noted:
    """A trail that remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    async def ensure(self, note: Note) -> None:
        self.notes.append(note)


class Asking:
    """Somebody who reads, and the trail beside."""

    def __init__(self) -> None:
        self.trail, self.clock = Noted(), ManualClock()
        self.tracer = Tracer(cast(Trail, self.trail), SiteAsked((), {}), self.clock)

    async def get(self, path: str, **query: object) -> None:
        async def answered(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def nothing(_: Any = None) -> None: ...

        text = urlencode({name.rstrip("_"): each for name, each in query.items()}, doseq=True)
        scope = {"method": "GET", "path": path, "query_string": text.encode(), "client": None}
        await self.tracer.traced(answered, scope, cast(Any, nothing), nothing, OFFICER)

    def said(self, name: str) -> list[object]:
        return [each.facts.get(name) for each in self.trail.notes]


async def test_every_vehicle_and_period_is_recorded_and_the_same_again_is_not() -> None:
    asking = Asking()
    for vehicle in ("a", "b", "a"):
        await asking.get("/api/v1/tracks", site="east", vehicle=vehicle)
    await asking.get("/api/v1/tracks", vehicle="a", site="east", format="gpx", tolerance_m=3)
    assert asking.said("vehicle") == ["a", "b"]
    await asking.get("/api/v1/tracks", site="east", vehicle="a", from_=5)
    assert asking.said("from") == [None, None, "5"]
    await asking.clock.advance(ONCE_IN_S + 1)
    await asking.get("/api/v1/tracks", site="east", vehicle="a")
    assert asking.said("vehicle") == ["a", "b", "a", "a"]


async def test_doors_exports_and_the_trail_itself_are_told_apart_too() -> None:
    asking = Asking()
    for query in ({"door": "d1"}, {"door": "d2"}):
        await asking.get("/api/v1/access/east/decisions", **query)
    for meter in ("m1", "m2"):
        await asking.get("/api/v1/energy/export", site="east", meter=meter, token="dy_secret")
    for actor in ("li", "wang"):
        await asking.get("/api/v1/audit", actor=actor)
    assert len(asking.trail.notes) == 6
    assert asking.said("door")[:2] == ["d1", "d2"]
    assert "dy_secret" not in str([each.facts for each in asking.trail.notes])


async def test_what_is_recorded_of_two_vehicles_in_one_address_is_the_one_that_is_answered() -> None:
    asking = Asking()
    await asking.get("/api/v1/tracks", site="east", vehicle=["a", "b"])
    assert asking.said("vehicle") == ["b"]


async def test_what_is_remembered_of_readings_has_an_end() -> None:
    asking = Asking()
    for number in range(REMEMBERED_MAX + 10):
        await asking.get("/api/v1/tracks", site="east", vehicle="x" * 5_000 + str(number))
    remembered = asking.tracer._lately
    assert len(remembered) == REMEMBERED_MAX
    assert max(len(part) for key in remembered for part in key) < 300
