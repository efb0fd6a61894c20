"""The oracle's record against the collector's file: every promise, every id, every value, the order.

`what_is_stored` reads the file of a collector that has ended; `judge` says what is wrong, in words, and counts what
shows whether the run meant anything.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt

from protocols.batch import open_batch
from protocols.reading import Quality
from tests.proof.oracle import SALT, BatchName, Life, Meter, Oracle, Tap, salt

EVENT = "card_read"
IN_BROKER_MS = 2_000
"""A broker writes its queue about once a second: what it confirmed since then dies with it."""
WAITED_MS = 30_000
"""At most so long a confirmed tap waits in the broker for a gateway that was killed; at most so long a broker that came
back without its file knows of no gateway, and keeps for nobody what it confirms."""
EARLY_MS = 5
SHOWN_MAX = 5

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class StoredBatch(NamedTuple):
    name: BatchName
    digest: str
    readings: int
    events: int


class StoredTap(NamedTuple):
    device: str
    key: str
    batch: int


@dataclass
class Stored:
    """Everything in the collector's file. Columns of readings side by side, in the order of batches and rows."""

    series: dict[int, tuple[str, str]]
    batches: dict[int, StoredBatch]
    of_series: Ints
    at: Ints
    value: Floats
    quality: Ints
    batch: Ints
    taps: list[StoredTap]
    events: Counter[int] = field(default_factory=Counter)
    duplicates: int = 0
    odd: list[str] = field(default_factory=list)


def what_is_stored(path: Path) -> Stored:
    """Read the whole file. Nobody may have it open."""
    with duckdb.connect(str(path), read_only=True) as file:

        def rows(sql: str) -> list[tuple[object, ...]]:
            return file.execute(sql).fetchall()

        columns = file.execute(
            "SELECT r.series, r.observed_at, r.value, r.quality, r.batch FROM readings r LEFT JOIN batches b"
            " ON r.batch = b.id ORDER BY b.gateway, b.epoch, b.seq, r.rowid"
        ).fetchnumpy()
        batches = {
            int(str(number)): StoredBatch(
                (str(gateway), str(epoch), int(str(seq))), str(digest), int(str(readings)), int(str(events))
            )
            for number, gateway, epoch, seq, digest, readings, events in rows(
                "SELECT b.id, g.gateway, b.epoch, b.seq, b.digest, b.readings, b.events"
                " FROM batches b JOIN gateway g ON b.gateway = g.id"
            )
        }
        events = rows(
            "SELECT e.device, e.kind, e.data, e.batch FROM events e JOIN batches b ON e.batch = b.id"
            " ORDER BY b.gateway, b.epoch, b.seq, e.rowid"
        )
        series = rows("SELECT id, device, point FROM series")
        [(duplicates,)] = rows("SELECT coalesce(sum(total), 0)::BIGINT FROM counter WHERE name = 'duplicates'")
        odd = [
            f"{count} rows in {table}"
            for table in ("quarantine", "refused_reading", "fence")
            for [(count,)] in [rows(f"SELECT count(*) FROM {table}")]
            if count
        ]
        names = [(each.name, number) for number, each in batches.items()]
    odd += [
        f"batch {name} is stored {count} times" for name, count in Counter(n for n, _ in names).items() if count > 1
    ]

    def column(name: str) -> Ints:
        return np.asarray(np.ma.filled(columns[name].astype(np.int64)))

    return Stored(
        series={int(str(number)): (str(device), str(point)) for number, device, point in series},
        batches=batches,
        of_series=column("series"),
        at=column("observed_at"),
        value=np.asarray(np.ma.filled(columns["value"].astype(np.float64), np.nan)),
        quality=column("quality"),
        batch=column("batch"),
        taps=[
            StoredTap(str(device), json.loads(str(data)).get("card_key", ""), int(str(batch)))
            for device, kind, data, batch in events
            if kind == EVENT
        ],
        events=Counter(int(str(batch)) for *_, batch in events),
        duplicates=int(str(duplicates)),
        odd=odd,
    )


@dataclass
class Judgement:
    """``wrong``: what breaks a promise, in words. ``counts``: what was found, and what was excused and why."""

    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    oldest_in_memory_ms: int = 0

    def say(self, what: str, where: list[str]) -> None:
        """One line for many findings of a kind."""
        if where:
            more = f" and {len(where) - SHOWN_MAX} more" if len(where) > SHOWN_MAX else ""
            self.wrong.append(f"{len(where)} x {what}: {'; '.join(where[:SHOWN_MAX])}{more}")


def judge(oracle: Oracle, stored: Stored, *, timeout_ms: int) -> Judgement:
    """Everything. ``timeout_ms``: after which a gateway asks a meter once more."""
    found = Judgement(wrong=[*oracle.wrong, *stored.odd])
    _promises(oracle, stored, found)
    _streams(oracle, stored, found)
    _readings(oracle, stored, found, timeout_ms)
    _taps(oracle, stored, found)
    found.counts["duplicate deliveries that the collector skipped"] = stored.duplicates
    return found


def _promises(oracle: Oracle, stored: Stored, found: Judgement) -> None:
    """Each batch that was promised is there, with its bytes' digest and with each of its rows."""
    by_name = {each.name: number for number, each in stored.batches.items()}
    ends = np.searchsorted(order := np.sort(stored.batch), list(by_name.values()), side="right")
    starts = np.searchsorted(order, list(by_name.values()), side="left")
    rows = dict(zip(by_name, zip(starts.tolist(), ends.tolist(), strict=True), strict=True))
    by_batch = np.argsort(stored.batch, kind="stable")
    missing, other, changed = [], [], []
    for name, promise in oracle.promises.items():
        if name not in by_name:
            missing.append(f"{name}{' that was acked' if name in oracle.acked else ''}")
            continue
        if stored.batches[by_name[name]].digest != promise.digest:
            other.append(f"{name}")
        first, last = rows[name]
        mine = by_batch[first:last]
        batch = open_batch(promise.payload)
        wanted = Counter(
            (one.device, one.point, one.observed_at, one.value)
            for one in batch.readings()
            if one.quality is not Quality.BAD
        )
        have = Counter(
            (*stored.series[number], at, value)
            for number, at, value in zip(
                stored.of_series[mine].tolist(), stored.at[mine].tolist(), stored.value[mine].tolist(), strict=True
            )
            if value == value
        )
        if wanted != have or stored.events[by_name[name]] != len(batch.events):
            changed.append(f"{name}: {sum((wanted - have).values())} gone, {sum((have - wanted).values())} too many")
    found.say("promised batch is not stored", missing)
    found.say("stored under the name of a promised batch: another one", other)
    found.say("rows of a promised batch differ", changed)
    found.say("acked batch is not stored", [f"{name}" for name in sorted(oracle.acked - by_name.keys())])
    found.counts["promised batches"] = len(oracle.promises)
    found.counts["acked batches"] = len(oracle.acked)


def _streams(oracle: Oracle, stored: Stored, found: Judgement) -> None:
    """No seq left out, as many rows as each batch says, and a new epoch only after a kill that tore the log."""
    seqs: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for gateway, epoch, seq in (each.name for each in stored.batches.values()):
        seqs[gateway][epoch].append(seq)
    for gateway, epochs in seqs.items():
        kills = len(oracle.killed_at(gateway))
        found.counts["epochs begun because a kill tore the log"] += len(epochs) - 1
        if len(epochs) > kills + 1:
            found.wrong.append(f"{gateway} began {len(epochs)} epochs in {kills} kills, and nothing was damaged")
        for epoch, numbers in epochs.items():
            gaps = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
            found.say(f"seq of {gateway}/{epoch} is nowhere", [str(gap) for gap in gaps])
    rows = Counter(stored.batch.tolist())
    stray = [str(number) for number in rows if number not in stored.batches]
    found.say("rows of a batch that is not stored", stray)
    uneven = [
        f"{each.name}: {rows[number]} of {each.readings}"
        for number, each in stored.batches.items()
        if rows[number] != each.readings or stored.events[number] != each.events
    ]
    found.say("a batch has not its rows", uneven)


def _readings(oracle: Oracle, stored: Stored, found: Judgement, timeout_ms: int) -> None:
    """Each value names a reading that was served to this very series, once, later ones later; what is not there was
    in the memory of a gateway that was killed."""
    good = ~np.isnan(stored.value)
    found.counts["said by a gateway, without a value"] = int((~good).sum())
    found.say("a value is not called good", [""] * int((good & (stored.quality != 0)).sum()))
    order = np.argsort(stored.of_series[good], kind="stable")
    numbers = stored.of_series[good][order]
    cuts = (
        np.searchsorted(numbers, list(stored.series), side="left"),
        np.searchsorted(numbers, list(stored.series), side="right"),
    )
    value, at = stored.value[good][order], stored.at[good][order]
    seen = set()
    for (device, point), first, last in zip(stored.series.values(), *(cut.tolist() for cut in cuts), strict=True):
        meter = oracle.meters.get(device)
        if meter is None or point not in meter.points:
            found.say("a series that nobody serves", [f"{device}/{point}"] if last > first else [])
            continue
        seen.add((device, point))
        _one_series(oracle, f"{device}/{point}", meter, value[first:last], at[first:last], found, timeout_ms)
    unheard = [
        f"{device}/{point}" for device, m in oracle.meters.items() for point in m.points if (device, point) not in seen
    ]
    found.say("a series was never stored", unheard)
    found.counts["readings served"] = sum(each.answers * len(each.points) for each in oracle.meters.values())


def _one_series(
    oracle: Oracle, label: str, meter: Meter, value: Floats, at: Ints, found: Judgement, timeout_ms: int
) -> None:
    whole = value.astype(np.int64)
    n = whole // SALT
    known = (value == whole) & (whole % SALT == salt(*label.split("/"))) & (n >= 1) & (n <= meter.answers)
    found.say("a value that was never served", [f"{label} {each!r}" for each in value[~known].tolist()])
    n, at = n[known], at[known]
    times, again = np.unique(n, return_counts=True)
    found.say("a reading is stored twice", [f"{label} n={each}" for each in times[again > 1].tolist()])
    found.say("a later reading stands before an earlier one", [f"{label} n={each}" for each in n[1:][np.diff(n) < 0]])
    served = np.frombuffer(meter.at, np.int64) if meter.answers else np.zeros(0, np.int64)
    lives = np.array(meter.life, np.int64)
    early = at < served[n - 1] - EARLY_MS
    found.say("stamped before it was served", [f"{label} n={each}" for each in n[early].tolist()])
    ended = np.append([life.ended_at for life in oracle.lives.get(meter.gateway, ())], np.iinfo(np.int64).max)
    late = at > ended[lives[n - 1]]
    found.say("stamped after its gateway had ended", [f"{label} n={each}" for each in n[late].tolist()])
    found.counts["readings stored"] += len(times)
    there = np.zeros(meter.answers + 1, bool)
    there[times] = True
    there[0] = True
    _absent(oracle, label, meter, served, lives, there[1:], found, timeout_ms)


def _absent(
    oracle: Oracle,
    label: str,
    meter: Meter,
    served: Ints,
    lives: Ints,
    there: npt.NDArray[np.bool_],
    found: Judgement,
    timeout_ms: int,
) -> None:
    """Of a killed life only the end may be gone, whatever the machine's speed; of a clean one what was under way."""
    ends = oracle.lives.get(meter.gateway, [])
    gone: list[str] = []
    columns = (np.arange(len(lives)), lives, *of_the_rest(lives, there))
    for place, life, left, tail in zip(*(column[~there].tolist() for column in columns), strict=True):
        ended: Life | None = ends[life] if life < len(ends) else None
        if tail and ended is not None and (not ended.clean or left == 1):
            found.counts["in the memory of a gateway when it was killed"] += 1
            found.oldest_in_memory_ms = max(found.oldest_in_memory_ms, ended.ended_at - int(served[place]))
        elif oracle.may_be_lost(label.partition("/")[0], int(served[place])):
            found.counts["lost on a bad way from the meter"] += 1
        elif place + 1 < len(served) and served[place + 1] - served[place] >= timeout_ms:
            found.counts["answered too late, asked again"] += 1
        else:
            gone.append(f"{label} n={place + 1} of life {life}")
    found.say("a reading is gone", gone)


def of_the_rest(lives: Ints, there: npt.NDArray[np.bool_]) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Of each reading: how many its life has from it on (it is one of them), and whether none of these is there."""
    order = np.argsort(lives, kind="stable")
    of_life = lives[order]
    left = np.empty(len(lives), np.int64)
    left[order] = np.searchsorted(of_life, of_life, side="right") - np.arange(len(lives))
    last_there = np.full(int(lives.max(initial=0)) + 1, -1, np.int64)
    np.maximum.at(last_there, lives[there], np.flatnonzero(there))
    return left, np.arange(len(lives)) > last_there[lives]


def _taps(oracle: Oracle, stored: Stored, found: Judgement) -> None:
    """Each tap that a broker confirmed is stored once; the broker that is killed is no witness for its last seconds."""
    times: Counter[str] = Counter(tap.key for tap in stored.taps)
    found.say("a card that nobody held", [f"{t.device} {t.key}" for t in stored.taps if t.key not in oracle.taps])
    broker = oracle.killed_at("broker")
    empty = list(_empty_spans(oracle, times))
    lost = [f"{t.device} n={t.n}" for k, t in oracle.taps.items() if not times[k] and _is_owed(oracle, t, empty, found)]
    found.say("a tap is gone", lost)
    twice = []
    for key, tap in oracle.taps.items():
        if times[key] > 1 and times[key] <= tap.attempts:
            found.counts["taps held twice, for want of a confirmation"] += 1
        elif times[key] > 1 and times[key] <= tap.attempts + _told_again(tap, broker):
            found.counts["taps that a broker told again as new, killed before it noted that they were taken"] += 1
        elif times[key] > 1:
            twice.append(f"{tap.device} n={tap.n} x {times[key]}")
    found.say("a tap is stored twice", twice)
    found.say("a later tap stands before an earlier one", list(_overtaken(oracle, stored)))
    found.counts["taps"] = sum(1 for tap in oracle.taps.values() if tap.confirmed_at is not None)
    found.counts["taps stored"] = len(stored.taps)


def _told_again(tap: Tap, broker_kills: list[int]) -> int:
    """How often the broker can have forgotten that a gateway had taken this tap."""
    if not tap.faulty_broker or tap.confirmed_at is None:
        return 0
    return sum(tap.confirmed_at <= kill + IN_BROKER_MS for kill in broker_kills)


def _empty_spans(oracle: Oracle, times: Counter[str]) -> Iterator[tuple[int, int]]:
    """When a confirmed tap was in a broker whose file was damaged, or in the new one before its gateway subscribed."""
    arrived = sorted(tap.confirmed_at or 0 for key, tap in oracle.taps.items() if tap.faulty_broker and times[key])
    for emptied in oracle.broker_emptied_at:
        first = next((at for at in arrived if at > emptied), emptied + WAITED_MS)
        yield emptied - WAITED_MS, min(first, emptied + WAITED_MS)


def _is_owed(oracle: Oracle, tap: Tap, empty: list[tuple[int, int]], found: Judgement) -> bool:
    if tap.confirmed_at is None:
        return False
    confirmed = tap.confirmed_at
    if tap.faulty_broker and any(kill - IN_BROKER_MS <= confirmed <= kill for kill in oracle.killed_at("broker")):
        found.counts["taps that died with the broker which had confirmed them"] += 1
        return False
    if tap.faulty_broker and any(since <= confirmed <= until for since, until in empty):
        found.counts["taps that waited in a broker whose file its kill damaged"] += 1
        return False
    return True


def _overtaken(oracle: Oracle, stored: Stored) -> Iterator[str]:
    newest: dict[str, int] = {}
    for row in stored.taps:
        tap = oracle.taps.get(row.key)
        if tap is None or tap.faulty_broker:
            continue
        if tap.n < newest.get(tap.device, 0):
            yield f"{tap.device} n={tap.n}"
        newest[tap.device] = max(tap.n, newest.get(tap.device, 0))
