"""An outage in which the buffer gets full: what was dropped is what gap records name, batch by batch (part of R6)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from edge.buffer import Change, Draft, Kind
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import sealer
from protocols.batch import Identity
from protocols.clock import SystemClock
from tests.bench.waiting_buffer import PER_BATCH, second

KEPT_BYTES_PER_SECOND = 150
"""Less than half of what a second takes, so that more is dropped than kept."""
SECONDS_AT_ONCE = 20

Produced = dict[Identity, int]
"""Each batch of readings that was ever committed, and which second of the outage it is."""


class Overfilled(NamedTuple):
    """What was committed, and how many readings of it are still on the disk."""

    produced: Produced
    kept_readings: int


async def overfill(path: Path, seconds: int, *, until_ms: int, gateway: str) -> Overfilled:
    """Commit every second before ``until_ms`` to a buffer that is much too small."""
    max_bytes = seconds * KEPT_BYTES_PER_SECOND
    buffer = SqliteBuffer(path, max_bytes=max_bytes, seal=sealer(gateway), clock=SystemClock())
    await buffer.open()
    produced: Produced = {}
    for start in range(0, seconds, SECONDS_AT_ONCE):
        turns = range(start, min(start + SECONDS_AT_ONCE, seconds))
        drafts = [Draft(Kind.TELEMETRY, second(turn, until_ms - (seconds - turn) * 1000)) for turn in turns]
        committed = await buffer.commit(Change(sealed_at=until_ms, drafts=drafts))
        sealed = [batch.identity for batch in committed.batches if batch.kind is Kind.TELEMETRY]
        produced.update(zip(sealed, turns, strict=True))
    figures = buffer.figures()
    await buffer.close()
    if not 0 < figures.dropped_readings < seconds * PER_BATCH:
        raise AssertionError(f"{figures.dropped_readings} readings were dropped: the buffer was to be full")
    return Overfilled(produced, figures.readings)


class Accounted(NamedTuple):
    """``turns``: the seconds that are stored; ``told``: readings that gap records name."""

    turns: list[int]
    told: int
    gaps: int
    wrong: list[str]


def account(path: Path, produced: Produced) -> Accounted:
    """Every batch is stored or named by one gap record, none is both, and each record's figures are exact."""
    with duckdb.connect(str(path), read_only=True) as file:
        rows = file.execute("SELECT epoch, seq FROM batches").fetchall()
        told = file.execute("SELECT data FROM events WHERE kind = 'gap' ORDER BY batch").fetchall()
    stored = {Identity(str(epoch), int(seq)) for epoch, seq in rows}
    gaps = [json.loads(data) for (data,) in told]
    balanced = balance(produced, stored & produced.keys(), gaps)
    return balanced._replace(wrong=[*balanced.wrong, *holes(stored, gaps)])


def holes(stored: set[Identity], gaps: list[dict[str, Any]]) -> list[str]:
    """Of every number that was ever given out, also to live batches and gap records, something is known."""
    known = {(gap["epoch"], seq) for gap in gaps for seq in range(gap["from_seq"], gap["to_seq"] + 1)} | stored
    last = {epoch: max(seq for each, seq in known if each == epoch) for epoch in {epoch for epoch, _ in known}}
    missing = [(epoch, seq) for epoch, end in last.items() for seq in range(1, end + 1) if (epoch, seq) not in known]
    return [f"{len(missing)} batches are neither stored nor named, the first {min(missing)}"] if missing else []


def balance(produced: Produced, stored: set[Identity], gaps: list[dict[str, Any]]) -> Accounted:
    """See `account`."""
    wrong: list[str] = []
    named: set[Identity] = set()
    for gap in gaps:
        span = f"the gap record {gap.get('epoch')}/{gap.get('from_seq')}-{gap.get('to_seq')} ({gap.get('reason')})"
        if gap.get("reason") != "buffer_full":
            wrong.append(f"{span} tells of something else")
            continue
        meant = {Identity(gap["epoch"], seq) for seq in range(gap["from_seq"], gap["to_seq"] + 1)} & produced.keys()
        if (gap["batches"], gap["readings"]) != (len(meant), len(meant) * PER_BATCH):
            wrong.append(f"{span} says {gap['batches']} batches, {gap['readings']} readings; they were {len(meant)}")
        if meant & named:
            wrong.append(f"{span} names {len(meant & named)} batches that another one names")
        named |= meant
    if stored & named:
        wrong.append(f"{len(stored & named)} batches are stored and named as dropped")
    if neither := produced.keys() - stored - named:
        wrong.append(f"{len(neither)} batches are neither stored nor named, the first {min(neither)}")
    return Accounted(sorted(produced[each] for each in stored), len(named) * PER_BATCH, len(gaps), wrong)
