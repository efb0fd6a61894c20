"""What the people of the demo do when the day is fuller than the fleet, and when the day is over."""

import random
from collections import Counter
from typing import Any, cast

from protocols.clock import ManualClock
from simulators.clerk_api import ClerkApi, Refused
from simulators.errands import FILED_BY, Errands
from simulators.hardware import Hardware
from simulators.world.happenings import TRIP, Happening
from simulators.world.rounds import ROUNDS, patrol_routes
from simulators.world.rounds import sample_site as site
from tests.simulators.test_world import ZONE

EACH = Happening(1, TRIP, 0.0, 1)


class Clerk:
    """A collector that suggests nobody, and takes everything."""

    def __init__(self, *open_: dict[str, Any]) -> None:
        self.open, self.posted = open_, list[tuple[str, dict[str, Any]]]()

    async def get(self, path: str, **query: object) -> Any:
        del query
        return {"suggested": None} if path.endswith("suggestion") else {"requests": list(self.open)}

    async def post(self, path: str, body: dict[str, Any], key: str = "") -> Any:
        del key
        if "refuses" in path:
            raise Refused(409, "conflict", "it ended meanwhile")
        self.posted.append((path, body))
        return {"request": {"id": "east.1", "kind": "vehicle"}}


class Hurried(ManualClock):
    async def sleep(self, s: float) -> None:
        self.step(round(s * 1000))


def errands(clerk: Clerk) -> Errands:
    return Errands(cast(ClerkApi, clerk), cast(Hardware, None), Hurried(), Counter(), "test", times=60.0)


async def test_when_every_vehicle_is_on_the_road_one_is_sent_that_comes_when_it_is_back() -> None:
    clerk = Clerk()
    people = errands(clerk)
    for name in people._trackers:
        await people._taken[name].acquire()
    await people._send(EACH, {"id": "east.1", "kind": "vehicle"}, random.Random(1))
    (path, body), *others = clerk.posted
    assert (path, others) == ("/api/v1/requests/east.1/assign", [])
    assert body["resource"] in people._trackers
    assert body["reason"]


async def test_who_goes_home_leaves_nothing_open_of_his_own() -> None:
    theirs = {"id": "east.2", "created_by": "administrator"}
    clerk = Clerk({"id": "east.refuses", "created_by": FILED_BY}, theirs, {"id": "east.1", "created_by": FILED_BY})
    await errands(clerk).give_up_open()
    assert [path for path, _ in clerk.posted] == ["/api/v1/requests/east.1/cancel"]


def test_checkpoints_of_rounds_are_called_what_the_map_calls_them() -> None:
    names = site.names("checkpoint")
    told = patrol_routes(1_790_000_000_000, ZONE)
    assert len(told) == len(ROUNDS)
    for route in told:
        for checkpoint in route["checkpoints"]:
            assert checkpoint["name"] == names[checkpoint["id"]]
