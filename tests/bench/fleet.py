"""What 1,000 vehicles that report every second cost the collector's core."""

import asyncio
import random
import time

from cloud.assets.contract import Asset, AssetKey, Binding, Fence, Observed
from cloud.fleet.fleet import Core, Fleet
from cloud.fleet.yards import Around
from cloud.geo.earth import Spot
from protocols.clock import ManualClock
from tests.bench.figures import Figure
from tests.cloud.fleet.around import ZONE, Board, Book, Journal, Map, Orders, Roster, Screen, Store, calendar
from tests.cloud.fleet.pretended import HOME, START, place

VEHICLES, WARM_S, SECONDS = 1000, 30, 60
FENCES = 40
REACH = 0.25
SEED = 7


def measure() -> list[Figure]:
    """The share of one core that the fleet takes, from what is observed to what is shown."""
    share, fixes = asyncio.run(_run())
    return [
        Figure(
            "fleet, share of a core for 1,000 vehicles x 1 fix/s",
            f"{share:.0%}",
            f"< {REACH:.0%}",
            share < REACH,
            f"{fixes:,} fixes, two thirds driving, {FENCES} fences, seed {SEED}; without feed, live state and disk; "
            f"{share * SECONDS / fixes * 1e6:.0f} us of processor a fix",
        )
    ]


async def _run() -> tuple[float, int]:
    rng = random.Random(SEED)
    assets = [
        Asset(
            key=AssetKey("east", "vehicle", f"car-{number}"),
            name=f"Car {number}",
            facts={"plate": f"A{number:04}", "shift": ["workday 07:00-20:00"], "home": "fence-0"},
            bindings=(Binding("position", f"tracker-{number}"),),
        )
        for number in range(VEHICLES)
    ]
    fences = [
        Fence(site="east", id=f"fence-{number}", name=f"Fence {number}", purpose="parking", ring=_ring(rng))
        for number in range(FENCES - 1)
    ]
    fences.append(Fence(site="east", id="compound", name="Compound", purpose="compound", centre=HOME, radius_m=800))
    clock = ManualClock(START)
    around = Around(Roster(*assets), Map(fences), calendar(), Orders(), lambda _: ZONE)
    fleet = Fleet(
        Core(
            around=around,
            book=Book(),  # type: ignore[arg-type]
            store=Store(),  # type: ignore[arg-type]
            shown=Screen(),
            journal=Journal(),
            alarms=Board(),
            clock=clock,
        )
    )
    await fleet.open()
    where = [(rng.uniform(-2000, 2000), rng.uniform(-2000, 2000)) for _ in assets]
    speed = [(0.0, 0.0) if n % 3 == 0 else (rng.uniform(-15, 15), rng.uniform(-15, 15)) for n in range(VEHICLES)]
    spent = 0.0
    for second in range(WARM_S + SECONDS):
        at = START + second * 1000
        observed = []
        for number, asset in enumerate(assets):
            x, y = (where[number][axis] + speed[number][axis] * second + rng.gauss(0, 2) for axis in (0, 1))
            spot = place(x, y)
            points: dict[str, float | None] = {
                "latitude": spot.latitude,
                "longitude": spot.longitude,
                "accuracy_m": 5.0,
                "speed_kmh": 40.0,
                "course_deg": 90.0,
                "ignition": 1.0,
                "odometer_km": 5000.0 + second * 0.01,
            }
            observed.append(Observed(asset, asset.bindings[0], at, at + 100, points, "good"))
        clock.step(1000)
        began = time.process_time()
        # A gateway carries ten vehicles: its batch is one call.
        for first in range(0, VEHICLES, 10):
            await fleet.observed(observed[first : first + 10])
        fleet.tick()
        if second >= WARM_S:
            spent += time.process_time() - began
    return spent / SECONDS, VEHICLES * SECONDS


def _ring(rng: random.Random) -> tuple[Spot, ...]:
    x, y = rng.uniform(-1500, 1500), rng.uniform(-1500, 1500)
    return tuple(place(x + dx, y + dy) for dx, dy in ((0, 0), (120, 0), (150, 60), (120, 120), (0, 120), (-30, 60)))
