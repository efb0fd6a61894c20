"""Processes are killed, at random and at named instants: nothing promised is lost, nothing is stored twice or altered.

python -m tests.proof.kills --level soak --seed 4
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from cloud.store.failpoint import NAMES as COLLECTOR_NAMES
from edge.failpoint import NAMES as OF_GATEWAY
from simulators.stored import CollectorApi, read_events
from tests.proof.kill_site import BROKER, COLLECTOR, GATEWAYS, SITE, TIMEOUT_S, Site
from tests.proof.levels import Finding, Level, alone
from tests.proof.oracle import Tap
from tests.proof.oracle_judge import EVENT, Judgement, judge, what_is_stored

NOT_HERE = frozenset(
    {"mid_salvage", "mid_set_aside", "mid_registry_set_aside", "mid_expiry", "asked_again"}
    | {"before_energy_days", "after_energy_days", "after_energy_done"}
    | {"before_feed_noted", "after_feed_forgotten"}
    | {"mid_expire", "mid_move_out", "mid_scrub", "after_scrub"}
    | {"before_config_text", "after_config_text", "before_config_record", "after_config_record", "in_trial"}
    | {"before_registry_commit", "after_registry_commit"}
    | {"grants_written", "grants_numbered", "grants_moved", "grants_kept"}
)
"""Passed only with a damaged file, when what was kept goes or is asked for, where energy is metered, with a store on a
server, a site file from afar, doors, people's data, or at any deed at the registry; see
tests/cloud/energy/test_killed.py,
tests/cloud/site_files/test_killed.py,
tests/cloud/store/test_killed_forgetting.py,
tests/cloud/store/test_ledger_store.py,
tests/cloud/test_killed_there.py,
tests/cloud/test_resend_drill.py,
tests/contracts/test_buffer_damage.py,
tests/edge/access/test_grant_store.py,
tests/edge/test_remote_config.py."""
IN_TRANSACTION = frozenset({"before_commit", "mid_delete", "mid_roll_up"})
PASSAGES = {
    "before_checkpoint": 1,
    "after_birth": 1,
    "mid_roll_up": 1,
    "mid_migration": 18,
    "mid_registry_migration": 20,
}
PASSAGES_MAX = 6
FIRST_START = ("mid_registry_migration", "mid_migration")
READY_S = 120.0
BROKER_SHARE = 0.2
STUCK_S = 90.0
PROBE_S = 90.0


class Size(NamedTuple):
    """Of a run. ``rounds``: how often each fail point is to be met; ``of_collector``: those of the collector."""

    kills: int
    readings: int
    rounds: int
    of_collector: tuple[str, ...]
    meters: int = 8
    every: str = "200 ms"
    flush: str = "0.3 s"
    pause_s: float = 1.2


OF_COLLECTOR = tuple(name for name in COLLECTOR_NAMES if name not in NOT_HERE)
TELL_EVERY_S = 60.0
SIZES: dict[Level, Size] = {
    # A collector takes seconds to start where the machine is busy: the others of its fail points have their own tests.
    "ci": Size(16, 50_000, 1, ("before_ack",)),
    "soak": Size(1_000, 5_000_000, 10, OF_COLLECTOR, meters=24),
    "proof": Size(5_000, 20_000_000, 50, OF_COLLECTOR, meters=24),
}


class Ran(NamedTuple):
    """What a run was like: ``met`` counts fail points, ``probe_s`` how long a fresh tap took at the end."""

    size: Size
    seconds: float
    killed: Counter[str]
    met: Counter[str]
    together: int
    stopping: int
    probe_s: float
    judgement: Judgement


def plan(rng: random.Random, size: Size) -> dict[str, list[str]]:
    """The fail points in the order they are armed, each at some passage."""

    def of(names: tuple[str, ...]) -> list[str]:
        wanted = [name for name in names if name not in NOT_HERE and name not in FIRST_START] * size.rounds
        rng.shuffle(wanted)
        return [f"{name}:{rng.randint(1, PASSAGES.get(name, PASSAGES_MAX))}" for name in wanted]

    first = [f"{name}:{rng.randint(1, PASSAGES[name])}" for name in FIRST_START if name in size.of_collector]
    return {"gateway": of(OF_GATEWAY), COLLECTOR: first + of(size.of_collector)}


async def strike(site: Site, size: Size, figures: Counter[str]) -> None:
    """Kill until there were enough kills, every fail point was met and enough was served."""
    rng, oracle = site.rng, site.oracle
    quiet_since, last = site.clock.monotonic(), (0, 0)
    tell_at = quiet_since + TELL_EVERY_S

    def served() -> int:
        return sum(each.answers * len(each.points) for each in oracle.meters.values())

    while True:
        left = [*site.points_left["gateway"], *site.points_left[COLLECTOR], *filter(None, site.armed.values())]
        if site.kills >= size.kills and served() >= size.readings and not left:
            return
        now = (site.kills, served())
        if now != last:
            quiet_since, last = site.clock.monotonic(), now
        if site.clock.monotonic() >= tell_at:
            tell_at += TELL_EVERY_S
            print(f"kills: {now[0]:,} of {size.kills:,}, {now[1]:,} readings", file=sys.stderr, flush=True)
        if site.clock.monotonic() - quiet_since > STUCK_S:
            raise AssertionError(f"nothing moves any more after {now} kills and readings; left {left}; {site.root}")
        await site.clock.sleep(rng.uniform(0.1, size.pause_s))
        ripe = site.ripe()
        if len(oracle.killed_at(BROKER)) > site.kills * BROKER_SHARE + 1:
            # It is always ripe; gateways that find nobody again and again wait longer and longer, as they should.
            ripe = [name for name in ripe if name != BROKER]
        if site.kills >= size.kills:
            # Only for the fail points that are left: each is armed at a start.
            site.hurry = True
            ripe = [name for name in ripe if name != BROKER and site.points_left[site.kind(name)]]
        if not ripe:
            continue
        times = {name: len(site.oracle.killed_at(name)) for name in ripe}
        ripe.sort(key=lambda name: times[name] + rng.uniform(0, 3))
        # The first time that two can be struck they are: a run without it would mean less.
        dice = rng.random() if figures["together"] or len(ripe) < 2 else 0.2
        if dice < 0.12 and len(ripe) > 2:
            site.kill(ripe)
            figures["together"] += 1
        elif dice < 0.35 and len(ripe) > 1:
            site.kill(ripe[:2])
            figures["together"] += 1
        elif dice < 0.45:
            await site.kill_while_it_stops(ripe[0], rng.uniform(0.0, 0.4))
            figures["stopping"] += 1
        else:
            site.kill(ripe[:1])


async def probe(site: Site) -> float:
    """A fresh card at each gateway: how long until the API has all of them."""
    api = await site.api()
    try:
        began = site.clock.monotonic()
        taps = [await site.hold_card(gateway) for gateway in GATEWAYS]
        keys = {key for key, tap in site.oracle.taps.items() if any(tap is each for each in taps)}
        while not await asyncio.to_thread(_told, api, keys, taps, site.now()):
            if site.clock.monotonic() - began > PROBE_S:
                raise AssertionError(f"a fresh tap is not stored after {PROBE_S:g} s")
            await site.clock.sleep(0.1)
        return site.clock.monotonic() - began
    finally:
        api.close()


def _told(api: CollectorApi, keys: set[str], taps: list[Tap], now: int) -> bool:
    at = min(tap.confirmed_at or now for tap in taps) - 60_000
    events = read_events(api, SITE, at, now + 3_600_000)
    return keys <= {event.data.get("card_key") for event in events if event.kind == EVENT}


async def play(size: Size, seed: int, work: Path) -> Ran:
    """One run, judged. Raises AssertionError when it cannot come to its end; the logs are in ``work``."""
    rng = random.Random(seed)
    site = Site(work, rng, meters=size.meters, every=size.every, flush=size.flush)
    for kind, points in plan(rng, size).items():
        site.points_left[kind].extend(points)
    figures: Counter[str] = Counter()
    began = site.clock.monotonic()
    try:
        await site.start()
        await site.ready(READY_S)
        await strike(site, size, figures)
        site.armed.clear()
        drained = await site.drained(STUCK_S)
        probe_s = await probe(site) if drained else -1.0
        drained = drained and await site.drained(STUCK_S)
        await site.stop()
    finally:
        await site.close()
    if not drained:
        site.oracle.wrong.append("the gateways do not get rid of what they hold")
    stored = await asyncio.to_thread(what_is_stored, work / COLLECTOR / "readings.duckdb")
    judgement = await asyncio.to_thread(judge, site.oracle, stored, timeout_ms=round(TIMEOUT_S * 900))
    judgement.counts.update(site.oracle.counts)
    lives = {name: site.oracle.lives.get(name, []) for name in site.names}
    met = Counter(f"{site.kind(name)} {life.fail_point}" for name in lives for life in lives[name] if life.fail_point)
    killed = Counter({name: len(site.oracle.killed_at(name)) for name in site.names})
    seconds = site.clock.monotonic() - began
    return Ran(size, seconds, killed, met, figures["together"], figures["stopping"], probe_s, judgement)


def pointless(ran: Ran) -> list[str]:
    """What the run did not meet, in words: it proves nothing then."""
    counts, size = ran.judgement.counts, ran.size
    wanted = [f"gateway {name}" for name in OF_GATEWAY if name not in NOT_HERE]
    wanted += [f"collector {name}" for name in size.of_collector]
    held = {
        f"{size.kills} kills": sum(ran.killed.values()) >= size.kills,
        "a kill of each process": min(ran.killed.values()) >= 1,
        f"{size.readings} readings served": counts["readings served"] >= size.readings,
        # A busy collector answers many batches with one ack.
        f"{size.kills // 2} acks": counts["acks"] >= size.kills // 2,
        "a duplicate delivery that was skipped": counts["duplicate deliveries that the collector skipped"] >= 1,
        "a kill inside an open transaction": any(name.split()[1] in IN_TRANSACTION for name in ran.met),
        "an ack that was lost": counts["seen again after their ack"] >= 1 or ran.met["gateway before_ack"] >= 1,
        "several killed at once": ran.together >= 1,
        **{f"fail point {name}": ran.met[name] >= 1 for name in wanted},
    }
    return [f"not met: {what}" for what, was in held.items() if not was]


def run(level: Level, seed: int, work: Path) -> list[Finding]:
    """R1 and R2 in one run."""
    try:
        ran = asyncio.run(play(SIZES[level], seed, work / "kills"))
    except AssertionError as error:
        return [Finding("R1", "processes are killed", f"seed {seed}", (str(error),))]
    return findings(ran)


def findings(ran: Ran) -> list[Finding]:
    """The rows of the table."""
    judgement, counts = ran.judgement, ran.judgement.counts
    killed = ", ".join(f"{name} {count}" for name, count in ran.killed.items())
    missed = pointless(ran)
    amount = (
        f"{sum(ran.killed.values())} kills ({killed}; {ran.together} times several at once,"
        f" {ran.stopping} while it stopped) in {ran.seconds:.0f} s,"
        f" {counts['readings served']:,} readings served, {counts['readings stored']:,} stored,"
        f" {counts['taps']:,} taps, {counts['promised batches']:,} batches promised"
    )
    excused = "; ".join(
        f"{counts[name]:,} {name}"
        for name in (
            "duplicate deliveries that the collector skipped", "seen again after their ack", "acks",
            "found in buffers of killed gateways", "in the memory of a gateway when it was killed",
            "answered too late, asked again", "taps that died with the broker which had confirmed them",
            "taps that waited in a broker whose file its kill damaged",
            "taps that a broker told again as new, killed before it noted that they were taken",
            "epochs begun because a kill tore the log",
            "taps held twice, for want of a confirmation",
        )
    )  # fmt: skip
    excused += (
        f"; at most {judgement.oldest_in_memory_ms / 1000:.1f} s old in memory; fresh tap stored in {ran.probe_s:.1f} s"
    )
    points = ", ".join(f"{name} {count}" for name, count in sorted(ran.met.items()))
    return [
        Finding("R1", "processes are killed at random", amount, (*judgement.wrong, *missed), excused),
        Finding(
            "R2",
            "processes are killed at each named instant",
            f"{sum(ran.met.values())} kills at {len(ran.met)} instants",
            tuple(each for each in missed if "fail point" in each),
            points,
        ),
    ]


if __name__ == "__main__":
    sys.exit(alone(__doc__ or "", run))
