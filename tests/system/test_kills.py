"""kill -9 of every process at random: nothing committed is lost, nothing is stored twice, nothing is altered."""

import json
import random
import urllib.request
from collections import Counter

from protocols.clock import SystemClock
from simulators.compound import COLLECTOR, Compound
from simulators.east_compound import east_compound
from simulators.rules import BROKER
from tests.waiting import until

KILLS = 30
SEED = 20261121
PAUSE_S = (0.4, 2.5)
DOWN_S = (0.05, 1.5)
FLUSH_S = 1.0


async def kill_at_random(compound, clock, rng):
    """30 kills, each process several times, now and then two at once; counts by name."""
    killed = Counter()
    names = list(compound.names)
    while sum(killed.values()) < KILLS:
        await clock.sleep(rng.uniform(*PAUSE_S))
        fewest = min(killed[name] for name in names)
        pool = [name for name in names if killed[name] <= fewest + 2]
        victims = rng.sample(pool, 2 if rng.random() < 0.2 and len(pool) > 1 else 1)
        for name in victims:
            await compound.kill(name)
            killed[name] += 1
        await clock.sleep(rng.uniform(*DOWN_S))
        for name in sorted(victims, key=[BROKER, COLLECTOR, *names].index):
            await compound.restart(name)
    return killed


def gateways_of(compound):
    request = urllib.request.Request(
        f"{compound.url}/api/v1/gateways",
        headers={"Authorization": f"Bearer {compound.layout.token_file.read_text().strip()}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["gateways"]


def all_doors_heard(compound):
    """Every door has been heard once: gateways, broker and collector know each other."""
    request = urllib.request.Request(
        f"{compound.url}/api/v1/events?from=0&to=99999999999999&kind=device_started&limit=1000",
        headers={"Authorization": f"Bearer {compound.layout.token_file.read_text().strip()}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        page = json.load(answer)
    place = page["columns"].index("device")
    return {row[place] for row in page["rows"]} >= {door.id for door in compound.scenario.door}


async def test_thirty_kills_lose_double_and_alter_nothing(tmp_path, capsys):
    clock, rng = SystemClock(), random.Random(SEED)
    compound = Compound(tmp_path / "compound", east_compound(SEED), clock, http_port=0, flush_every=f"{FLUSH_S:g} s")
    try:
        await compound.start()
        await until(lambda: all_doors_heard(compound), within_s=90)
        # The broker writes its sessions down about once a second; killed before, it would forget who listens.
        await clock.sleep(3)
        killed = await kill_at_random(compound, clock, rng)
        await clock.sleep(3)
        assert await compound.drain(120), "gateways still hold batches"
        verdict = await compound.verify()
        gateways = gateways_of(compound)
    finally:
        await compound.stop()
    with capsys.disabled():
        print(f"\n  seed {SEED}, killed {dict(killed)}")
        print("\n".join(f"  {line}" for line in verdict.lines()))
    assert verdict.ok, "\n".join(verdict.lines())
    assert sum(killed.values()) >= KILLS
    assert min(killed[name] for name in compound.names) >= 3
    assert verdict.readings.matched > 1_000
    assert verdict.events.matched > 10
    # The run must have met what it is about: batches that came twice were skipped.
    assert sum(gateway["duplicates"] for gateway in gateways) >= 1
    # What a killed gateway held in memory is bounded by what one flush interval can bring.
    per_second = verdict.readings.matched / 60
    gateway_kills = sum(killed[gateway.id] for gateway in compound.scenario.gateway)
    assert verdict.readings.lost_in_memory <= gateway_kills * per_second * (FLUSH_S + 2)
