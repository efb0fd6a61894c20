"""What is kept as JSON is never older than the state."""

import contextlib
import json

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.live.things import Things
from cloud.registry.database import Database
from protocols.clock import ManualClock
from tests.cloud.live.conftest import World


async def told(world: World) -> dict[str, object]:
    entities = [json.loads(part) async for part in world.stream.entities.all()]
    return {entity["id"]: entity for entity in entities}


async def test_what_does_not_change_is_encoded_once(world: World) -> None:
    things = Things(world.live)
    for number in range(100):
        things.show(f"east/vehicle:v{number}", "vehicle", "east", title="v", attributes={"state": number})
    world.stream.settle()
    await told(world)
    before = world.stream.entities.encoded
    await told(world)
    assert world.stream.entities.encoded == before
    things.show("east/vehicle:v7", "vehicle", "east", title="v", attributes={"state": "x"})
    assert (await told(world))["east/vehicle:v7"]["attributes"] == {"state": "x"}  # type: ignore[index]
    world.stream.settle()
    await told(world)
    assert world.stream.entities.encoded == before + 2


WORDS = ["show", "hide", "read", "settle", "tell", "born"]
ACTS = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 3), st.integers(0, 5)), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, listens=st.booleans())
async def test_whatever_happens_it_is_what_a_fresh_view_says(
    acts: list[tuple[str, int, int]], listens: bool, database: Database, clock: ManualClock
) -> None:
    world = World(database, clock)
    things = Things(world.live)
    with contextlib.ExitStack() as listening:
        if listens:
            listening.enter_context(world.stream.join(None, credential="c", owner="o"))
        for act, which, value in acts:
            name = f"east/vehicle:v{which}"
            if act == "show":
                things.show(name, "vehicle", "east", title="v", attributes={"state": value}, observed_at=value)
            elif act == "hide":
                things.hide(name)
            elif act == "read":
                await world.read(f"m{which}", float(value), clock.now_ms())
            elif act == "born":
                await world.born(f"m{which}")
            elif act == "settle":
                clock.step(value)
                world.stream._emit(force=True)
            else:
                await told(world)
        views = [world.live.views.view(entity) for entity in world.live.shown()]
        fresh = {view.id: json.loads(msgspec.json.encode(view)) for view in views}
        assert await told(world) == fresh
