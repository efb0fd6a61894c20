"""Every way is bad in every manner: nothing is lost or doubled, and soon after, all goes on by itself (R8).

python -m tests.proof.network --level soak --seed 4

A schedule is what one way suffers in one wave: one to three spells of weather. All ways suffer at the same time, and in
every wave the broker is restarted once, with what it remembers or without. Between waves everything is fine, and a
fresh card and a fresh answer of every meter must be acked within `RECOVERY_S`. The site file's time-outs are short
(an ack 1 s, a dead link 15 s); those that are in no file are the product's, so a half-open connection of the collector
or to a device broker is noticed by its keep-alive only.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from simulators.wires.bad_network import BAD
from tests.proof.bad_site import BadSite, Spell
from tests.proof.kill_site import COLLECTOR, GATEWAYS, TIMEOUT_S
from tests.proof.levels import Finding, Level, alone
from tests.proof.oracle_judge import Judgement, judge, what_is_stored

RECOVERY_S = 90.0
READY_S = 90.0
STUCK_S = 90.0
KINDS = (*BAD, "cut", "reset", "half open")
CONNECTIONS_FREE = 10
CONNECTIONS_PER_S = 1.0
"""Of one way: more is a storm. Each backoff in the product has a mean of at least half a second."""
WAYS = 3 * len(GATEWAYS) + 1


class Size(NamedTuple):
    """Waves of bad weather, each a schedule for every way. ``patient``: half-open ways also where it takes long."""

    waves: int
    patient: bool = True
    kinds: tuple[str, ...] = KINDS
    meters: int = 3
    every: str = "400 ms"
    flush: str = "0.3 s"
    recovery_s: float = RECOVERY_S


SIZES: dict[Level, Size] = {"ci": Size(2, patient=False), "soak": Size(20), "proof": Size(100)}


class Ran(NamedTuple):
    """What a run was like."""

    waves: int
    seconds: float
    met: Counter[str]
    recovered_s: list[float]
    connections: Counter[str]
    swallowed: int
    judgement: Judgement


def schedule(rng: random.Random, way: str, size: Size) -> list[Spell]:
    """What a way suffers in one wave."""
    kinds = [
        kind for kind in size.kinds if kind != "half open" or size.patient or way.endswith(("-up", "-meters"))
    ]  # fmt: skip
    return [
        Spell(rng.choice(kinds), rng.uniform(0.3, 3.0), rng.uniform(0.2, 1.5)) for _ in range(rng.randint(1, 3))
    ]  # fmt: skip


async def wave(site: BadSite, size: Size, number: int) -> list[float]:
    """All ways are bad at once; then how long each gateway took to come back."""
    site.oracle.forget_contents()
    began = site.clock.monotonic()
    before = {way: wire.connections for way, wire in site.wires.items()}
    async with asyncio.TaskGroup() as group:
        for way in sorted(site.wires):
            group.create_task(site.suffer(way, schedule(site.rng, way, size)), name=f"weather[{way}]")
        group.create_task(restart(site, site.rng.uniform(0.5, 3.0), remembers=number % 2 == 0), name="restart")
    took = await site.recovery_s(size.recovery_s)
    late = sorted(set(GATEWAYS) - took.keys())
    if late:
        site.oracle.wrong.append(f"wave {number}: {', '.join(late)} not back after {size.recovery_s:g} s")
    lasted_s = site.clock.monotonic() - began
    for way, wire in site.wires.items():
        if wire.connections - before[way] > CONNECTIONS_FREE + CONNECTIONS_PER_S * lasted_s:
            site.oracle.wrong.append(
                f"wave {number}: {wire.connections - before[way]} connections on {way} within {lasted_s:.0f} s"
            )
    return list(took.values())


async def restart(site: BadSite, after_s: float, *, remembers: bool) -> None:
    await site.clock.sleep(after_s)
    await site.restart_broker(remembers=remembers)


async def play(size: Size, seed: int, work: Path) -> Ran:
    """One run, judged. Raises AssertionError when it cannot come to its end; the logs are in ``work``."""
    site = BadSite(work, random.Random(seed), meters=size.meters, every=size.every, flush=size.flush)
    began = site.clock.monotonic()
    recovered: list[float] = []
    try:
        await site.start()
        await site.ready(READY_S)
        for number in range(size.waves):
            recovered += await wave(site, size, number)
        drained = await site.drained(STUCK_S)
        await site.stop()
    finally:
        await site.close()
    if not drained:
        site.oracle.wrong.append("the gateways do not get rid of what they hold")
    stored = await asyncio.to_thread(what_is_stored, work / COLLECTOR / "readings.duckdb")
    judgement = await asyncio.to_thread(judge, site.oracle, stored, timeout_ms=round(TIMEOUT_S * 900))
    judgement.counts.update(site.oracle.counts)
    return Ran(
        size.waves,
        site.clock.monotonic() - began,
        site.met,
        recovered,
        Counter({way: wire.connections for way, wire in site.wires.items()}),
        sum(wire.swallowed_bytes for wire in site.wires.values()),
        judgement,
    )


def pointless(ran: Ran, size: Size) -> list[str]:
    """What the run did not meet, in words: it proves nothing then."""
    counts = ran.judgement.counts
    held = {
        "an ack for each wave": counts["acks"] >= ran.waves,
        "a batch sent again": counts["seen again"] >= 1,
        "a duplicate delivery that was skipped": counts["duplicate deliveries that the collector skipped"] >= 1,
        "bytes that the network swallowed": ran.swallowed >= 1,
        "a restart of the broker": any(what.startswith("broker") for what in ran.met),
    }
    if ran.waves >= 10:  # a few waves need not bring each of these
        held |= {
            "a new connection on every way": min(ran.connections.values()) >= 2,
            "an answer that was lost on its way from the meter": counts["lost on a bad way from the meter"] >= 1,
        }
        held |= {f"weather {kind}": ran.met[kind] >= 1 for kind in size.kinds}
    return [f"not met: {what}" for what, was in held.items() if not was]


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R8."""
    try:
        ran = asyncio.run(play(SIZES[level], seed, work / "network"))
    except AssertionError as error:
        return [Finding("R8", "every way is bad", f"seed {seed}", (str(error),))]
    return findings(ran, SIZES[level])


def findings(ran: Ran, size: Size) -> list[Finding]:
    """The row of the table."""
    counts = ran.judgement.counts
    weather = ", ".join(f"{what} {count}" for what, count in sorted(ran.met.items()))
    slowest = max(ran.recovered_s, default=0.0)
    middle = sorted(ran.recovered_s)[len(ran.recovered_s) // 2] if ran.recovered_s else 0.0
    return [
        Finding(
            "R8",
            "every way is cut, stalled, half open, late, narrow; the broker forgets",
            f"{ran.waves * WAYS} schedules on {WAYS} ways in {ran.seconds:.0f} s ({weather});"
            f" back after {middle:.1f} s, at most {slowest:.1f} s;"
            f" {counts['readings served']:,} readings served, {counts['readings stored']:,} stored",
            (*ran.judgement.wrong, *pointless(ran, size)),
            f"{counts['acks']} acks, {counts['seen again']} batches seen again,"
            f" {counts['seen again after their ack']} of them after their ack,"
            f" {counts['duplicate deliveries that the collector skipped']} duplicates skipped,"
            f" {ran.swallowed:,} bytes swallowed, {sum(ran.connections.values())} connections,"
            f" {counts['lost on a bad way from the meter']} readings lost before any gateway had them",
        )
    ]


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
