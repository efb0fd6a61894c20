"""Collectors of a group are killed and stopped, at random and at named instants: nothing lost, twice or altered.

python -m tests.proof.group --level soak --seed 4
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.proof.group_fleet import OwnedGateway, Truth, gateway_of
from tests.proof.group_sealed import SealedSite
from tests.proof.group_site import GroupSite
from tests.proof.levels import Finding, Level, alone

FAIL_POINTS = ("before_commit", "after_commit", "before_ack", "after_ack")
WITHOUT = "collectors of a group are killed and stopped"
WITH_CERTIFICATES = "collectors of a group with certificates are killed, stopped and revoked"
DRAIN_S = 180.0
MEET_S = 60.0


class Size(NamedTuple):
    """Of a run. ``kills`` and ``stops`` of members, ``points``: fail points, ``desks``: kills of the desk."""

    gateways: int
    members: int
    kills: int
    stops: int
    points: int
    desks: int
    stopped_s: float
    acks: int
    revoked: int = 0
    """How often a member is taken its certificate and let in again. Only with certificates."""


SIZES: dict[Level, Size] = {
    "ci": Size(20, 3, 1, 1, 2, 1, 2.0, 100),
    "soak": Size(20, 3, 60, 20, 60, 10, 25.0, 20_000),
    "proof": Size(20, 3, 300, 100, 300, 50, 60.0, 100_000),
}
SEALED: dict[Level, Size] = {
    "ci": Size(10, 3, 1, 0, 1, 0, 2.0, 50, 1),
    "soak": Size(20, 3, 20, 5, 20, 5, 25.0, 5_000, 10),
    "proof": Size(20, 3, 100, 30, 100, 20, 60.0, 30_000, 50),
}
"""With certificates, and a broker that asks for them."""


class Ran(NamedTuple):
    size: Size
    seconds: float
    met: Counter[str]
    truth: Truth
    duplicates: int
    by_member: dict[str, int]
    wrong: list[str]


async def strike(site: GroupSite, size: Size, rng: random.Random, met: Counter[str]) -> None:
    """All of them, in some order, one after the other."""
    strikes = (
        ["revoked"] * size.revoked
        + ["kill"] * size.kills
        + ["stop"] * size.stops
        + ["point"] * size.points
        + ["desk"] * size.desks
    )
    rng.shuffle(strikes)
    points = [FAIL_POINTS[number % len(FAIL_POINTS)] for number in range(size.points)]
    for what in strikes:
        await site.clock.sleep(rng.uniform(0.3, 1.5))
        site.look_at_members()
        child = site.members[rng.choice(site.names)]
        if what == "stop":
            child.signal(signal.SIGSTOP)
            await site.clock.sleep(size.stopped_s)
            child.signal(signal.SIGCONT)
        elif what == "revoked":
            assert isinstance(site, SealedSite)
            await site.revoke_and_let_in(child)
        elif what == "point":
            await child.kill()
            point = points.pop()
            await site.again(child, f"{point}:{rng.randint(1, 3)}")
            await asyncio.wait_for(child.wait(), MEET_S + MEET_S)
            met[point] += 1
            await site.again(child)
            await site.ready(child)
        else:
            child = site.desk if what == "desk" else child
            await child.kill()
            await site.clock.sleep(rng.uniform(0.0, 1.0))
            await site.again(child)
            await site.ready(child)
        met[what] += 1
        if not child.running:
            raise AssertionError(f"{child.name} ended by itself: {child.last_lines()}")


async def play(size: Size, seed: int, work: Path, kind: type[GroupSite] = GroupSite) -> Ran:
    """One run, judged. Raises AssertionError when it cannot come to its end."""
    rng, truth, met = random.Random(seed), Truth(), Counter[str]()
    site = kind(work, size.members)
    began = site.clock.monotonic()
    try:
        await site.start()
        gateways = [
            OwnedGateway(n, site.account(gateway_of(n)), site.clock, truth, random.Random(seed + n))
            for n in range(size.gateways)
        ]
        running = [asyncio.create_task(each.run(), name=each.name) for each in gateways]
        try:
            await strike(site, size, rng, met)
            while truth.counts["acks"] < size.acks:
                await site.clock.sleep(0.2)
            for each in gateways:
                each.sealing = False
            until = site.clock.monotonic() + DRAIN_S
            while any(each.waiting for each in gateways) and site.clock.monotonic() < until:
                await site.clock.sleep(0.2)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        by_member = site.look_at_members()
        await site.stop()
        wrong = truth.wrong + await judge(site, truth, [each.name for each in gateways])
        (duplicates,) = site.sql("SELECT coalesce(sum(total), 0) FROM store_counter WHERE name = 'duplicates'")[0]
    finally:
        await site.close()
    return Ran(size, site.clock.monotonic() - began, met, truth, int(duplicates), by_member, wrong)


async def judge(site: GroupSite, truth: Truth, gateways: list[str]) -> list[str]:
    """What is not as it must be, asked of the store itself."""
    wrong = []
    rows = site.sql(
        "SELECT g.gateway, b.epoch, b.seq, min(b.digest), count(*) FROM store_batch b JOIN store_gateway g"
        " ON g.id = b.gateway GROUP BY 1, 2, 3"
    )
    there = {(str(gateway), str(epoch), int(seq)): (str(text), int(n)) for gateway, epoch, seq, text, n in rows}
    for name, expected in truth.digests.items():
        text, count = there.pop(name, ("", 0))
        if count != 1:
            wrong.append(f"batch {name} is stored {count} times")
        elif text != expected:
            wrong.append(f"batch {name} is stored as another one")
        if name not in truth.acked:
            wrong.append(f"batch {name} was never acked")
    wrong += [f"batch {name} is stored and nobody sealed it" for name in there]
    series, events = await site.stored(gateways)
    found = Counter((device, point, at) for (device, point), pairs in series.items() for at, _ in pairs)
    values = {(device, point, at): value for (device, point), pairs in series.items() for at, value in pairs}
    for key, value in truth.readings.items():
        if found[key] != 1:
            wrong.append(f"reading {key} is there {found[key]} times")
        elif values[key] != value:
            wrong.append(f"reading {key} is {values[key]} and was {value}")
    wrong += [f"reading {key} was never taken" for key in found if key not in truth.readings]
    told = Counter(events)
    wrong += [f"event {key} is there {told[key]} times" for key in truth.events if told[key] != 1]
    wrong += [f"event {key} never happened" for key in told if key not in truth.events]
    return wrong


def pointless(ran: Ran) -> list[str]:
    """What the run did not meet: it proves nothing then."""
    size = ran.size
    held = {
        f"{size.kills} kills of members": ran.met["kill"] >= size.kills,
        f"{size.stops} members that stood still": ran.met["stop"] >= size.stops,
        f"{size.points} ends at fail points": sum(ran.met[point] for point in FAIL_POINTS) >= size.points,
        f"{size.revoked} members that were taken their certificate": ran.met["revoked"] >= size.revoked,
        f"{size.acks} acks": ran.truth.counts["acks"] >= size.acks,
        "a duplicate that was skipped": ran.duplicates >= 1,
        "a batch that was sent again, to whom it might concern": ran.truth.counts["sent again"] >= 1,
        "batches stored by each member": len(ran.by_member) == size.members and all(ran.by_member.values()),
    }
    return [f"not met: {what}" for what, was in held.items() if not was]


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R24, without certificates and with them."""
    return [told(SIZES[level], seed, work / "group", GroupSite), told(SEALED[level], seed, work / "sealed", SealedSite)]


def told(size: Size, seed: int, work: Path, kind: type[GroupSite]) -> Finding:
    """One run."""
    what = WITH_CERTIFICATES if kind is SealedSite else WITHOUT
    try:
        ran = asyncio.run(play(size, seed, work, kind))
    except AssertionError as error:
        return Finding("R24", what, f"seed {seed}", (str(error),))
    counts = ran.truth.counts
    amount = (
        f"{ran.met['kill']} kills and {ran.met['stop']} stops of {ran.size.members} members, {ran.met['desk']} kills "
        f"of the desk, {ran.met['revoked']} revoked, "
        f"{ran.met['point']} ends at fail points in {ran.seconds:.0f} s; {len(ran.truth.digests):,} "
        f"batches with {len(ran.truth.readings):,} readings and {len(ran.truth.events):,} events of "
        f"{ran.size.gateways} gateways"
    )
    excused = (
        f"{counts['acks']:,} acks, {ran.duplicates:,} duplicates skipped, {counts['sent again']:,} sent again; by "
        + ", ".join(f"{name} {batches}" for name, batches in ran.by_member.items())
    )
    violations = (*ran.wrong, *pointless(ran))
    return Finding("R24", what, amount, violations, excused)


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
