"""A collector without a broker that shows moving vehicles: ``python -m tests.bench.console_collector DIR N MOVING``.

Says its address, a token and its process id on the first line, as JSON; runs until its standard input ends.
"""

import asyncio
import json
import math
import os
import sys
from pathlib import Path

import msgspec

from cloud.app import Collector
from cloud.registry.roles import Role
from cloud.settings import load_cloud
from protocols.clock import SystemClock

HZ = 4.0
CLIENTS = 600
MARKED_EVERY = 50


def attributes(number: int, at: int, turn: float) -> dict[str, object]:
    """A vehicle on its way, as the fleet shows one. ``sent_at``, of some: when this was said."""
    shown: dict[str, object] = {
        "plate": f"浙A·{number:05d}",
        "class": "sedan",
        "seats": 4,
        "unit": "机关事务中心",
        "driver": "王建国",
        "state": "on_trip",
        "since": 1_790_000_000_000,
        "latitude": round(30.27 + 0.01 * math.sin(number + turn), 6),
        "longitude": round(120.15 + 0.01 * math.cos(number + turn), 6),
        "accuracy_m": 5.0,
        "speed_kmh": 31.5,
        "course_deg": round(math.degrees(turn) % 360, 1),
        "place": "北路",
        "today_km": 12.3,
        "mileage_source": "gnss",
        "trip": {"id": number, "since": 1_790_000_000_000, "from": "南停车场", "km": 3.2},
        "order": None,
        "fences": ["compound"],
        "warning": "",
    }
    if number % MARKED_EVERY == 0:
        shown["sent_at"] = at
    return shown


async def run(folder: Path, entities: int, moving: int) -> None:
    clock = SystemClock()
    settings = load_cloud(None, data=str(folder), broker="mqtt://127.0.0.1:1", listen="127.0.0.1:0")
    settings = msgspec.structs.replace(settings, pages=CLIENTS, pages_per_user=CLIENTS, connections=2 * CLIENTS)
    collector = Collector(settings, clock)
    await collector.open()
    things = collector.features.things

    def show(number: int, at: int, turn: float) -> None:
        name = f"east/vehicle:v-{number}"
        about = attributes(number, at, turn)
        things.show(
            name, "vehicle", "east", title=f"v-{number}", attributes=about, observed_at=at, received_at=at,
            stale_after_s=60.0,
        )  # fmt: skip

    async def move() -> None:
        """Each vehicle at its own time, as readings come."""
        slots, turn = 25, 0.0
        while moving:
            for slot in range(slots):
                began = clock.monotonic()
                turn += 0.01
                for number in range(slot, moving, slots):
                    show(number, clock.now_ms(), turn)
                await clock.sleep(max(0.0, 1 / HZ / slots - (clock.monotonic() - began)))

    for number in range(entities):
        show(number, clock.now_ms(), 0.0)
    token = (await collector.tokens.add("bench", Role.VIEWER))[1]
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(collector.run(), name="collector")
        moves = tasks.create_task(move(), name="moves")
        print(json.dumps({"url": collector.url, "token": token, "pid": os.getpid()}), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
        moves.cancel()
        collector.stop()
    await collector.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
