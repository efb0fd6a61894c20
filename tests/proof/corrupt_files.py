"""The files of a compound for the proof by corruption: how each is made, and what must hold when it opens damaged.

`LOOKS[file](folder)` opens what lies there as its owner does, uses it, and says what happened. It runs in a process of
its own: a library that ends the process is found, too.
"""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cloud.app import _client_id
from cloud.registry import database as registry_database
from cloud.registry.alarm_book import AlarmBook, StoredAlarm
from cloud.registry.database import Database
from cloud.settings import load_cloud
from cloud.store.contract import ReadingsQuery
from cloud.store.duckdb_store import FILE_NAME as STORE_FILE
from cloud.store.duckdb_store import DuckdbStore
from edge.buffer import Change
from edge.cards import open_card_keys
from edge.settings import load_site
from protocols.clock import ManualClock
from protocols.errors import BadSettings, StoreUnavailable
from tests.cloud.store.works import DAY, MIDNIGHT, NAMES, POWER, work
from tests.contracts.buffer_on_disk import AT, buffer_at, everything, make_unclean_copy, telemetry

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"
BATCHES, EACH = 24, 8_000
LOGGED = 30
ALARMS = 400


class Seen(NamedTuple):
    """``kept``: what was there, ``found``: what is. ``told``: the damage was noticed and said. ``lost``: by its owner's
    own count, None where it gives none. ``wrong``: what must not be."""

    kept: int
    found: int
    told: bool
    lost: int | None
    wrong: list[str]


# --- the gateway's buffer


def make_buffer(folder: Path) -> None:
    kept = asyncio.run(make_unclean_copy(folder))
    (folder / "kept.txt").write_text("".join(f"{i.epoch} {i.seq} {p.hex()}\n" for i, p in kept.items()))


async def look_at_buffer(folder: Path) -> Seen:
    kept = {
        (epoch, int(seq)): bytes.fromhex(payload)
        for epoch, seq, payload in (line.split() for line in (folder / "kept.txt").read_text().splitlines())
    }
    buffer = buffer_at(folder / "buffer.db")
    opened = await buffer.open()
    found = {(batch.identity.epoch, batch.identity.seq): batch.payload for batch in await everything(buffer)}
    old = {name: payload for name, payload in found.items() if name in kept}
    wrong = [f"batch {name} was altered" for name, payload in old.items() if payload != kept[name]]
    quarantined = buffer.figures().quarantined
    probe = await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(5000)], damage_told=True))
    identity = probe.batches[0].identity
    if (identity.epoch, identity.seq) in kept:
        wrong.append(f"{identity} was given out again")
    await buffer.close()
    if (await buffer.open()).damage is not None:
        wrong.append("it is damaged again at the next start")
    await buffer.close()
    told = opened.damage is not None or quarantined > 0 or opened.epoch not in {epoch for epoch, _ in kept}
    lost = None if opened.damage is None else opened.damage.lost
    return Seen(len(kept), len(old), told, lost, wrong)


# --- the collector's store


def _values(batch: int) -> np.ndarray:
    return np.random.default_rng(batch).random(EACH)


def make_store(folder: Path) -> None:
    """Enough readings for several blocks in the file, and newer batches in its log."""
    live = folder / "live"
    store = DuckdbStore(live, ManualClock(), roll_up_every_s=0)
    store.open()
    store.commit(NAMES)
    for batch in range(1, BATCHES + 1):
        at = MIDNIGHT + batch * EACH * 1000
        store.commit(work(batch, [(n % 2, at + n * 1000, float(v)) for n, v in enumerate(_values(batch))]))
    asyncio.run(store.maintain(MIDNIGHT + 9 * DAY))
    assert store._root is not None
    store._root.cursor().execute("CHECKPOINT")
    for number in range(BATCHES + 1, BATCHES + LOGGED + 1):
        store.commit(work(number, [(0, MIDNIGHT + number * EACH * 1000, float(number))]))
    for suffix in ("", ".wal"):
        shutil.copy(live / f"{STORE_FILE}{suffix}", folder / f"{STORE_FILE}{suffix}")
    store.close()
    shutil.rmtree(live)


async def look_at_store(folder: Path) -> Seen:
    store = DuckdbStore(folder, ManualClock(), roll_up_every_s=0)
    report = store.open()
    whole_aside = report.damaged_path is not None and not report.cut_log_bytes
    parts = []
    wrong = []
    query = ReadingsQuery(
        site=POWER.site, device=POWER.device, point=POWER.point, from_at=0, to_at=2 * MIDNIGHT, limit=100_000
    )
    number = store.remembered().next_batch
    if whole_aside:
        store.commit(NAMES)
    for _ in range(3):
        with_error = ""
        try:
            parts += await store.maintain(MIDNIGHT + 9 * DAY)
            await store.readings(query)
            await store.readings(dataclasses.replace(query, step="1h"))
        except StoreUnavailable as error:  # must be over in the last round
            with_error = str(error)[:200]
    if with_error:
        wrong.append(f"it cannot be read: {with_error}")
    probe_at = MIDNIGHT + 999 * EACH * 1000
    store.commit(work(number, [(0, probe_at, 7.5)], seq=99_999))
    assert store._root is not None
    rows = store._root.cursor().execute("SELECT batch, observed_at, value FROM readings ORDER BY 1, 2").fetchnumpy()
    batch, at, value = (np.asarray(rows[name]) for name in ("batch", "observed_at", "value"))
    if (value[at == probe_at] != 7.5).any() or not (at == probe_at).any():
        wrong.append("a fresh reading is not there")
    old = at != probe_at
    batch, at, value = batch[old], at[old], value[old]
    place = (at - MIDNIGHT) // 1000
    for each in np.unique(batch):
        mine = batch == each
        wanted = _values(int(each))[place[mine] - int(each) * EACH] if each <= BATCHES else float(each)
        if not (value[mine] == wanted).all():
            wrong.append(f"batch {each} was altered")
    store.close()
    kept = BATCHES * EACH + LOGGED
    told = report.damaged_path is not None or bool(parts)
    lost = sum(part.rows for part in parts if part.table == "readings")
    if told and not whole_aside and not report.cut_log_bytes and lost != kept - len(at):
        wrong.append(f"{kept - len(at)} readings are gone, {lost} were told")
    return Seen(kept, len(at), told, None if report.damaged_path is not None else lost, wrong)


# --- the registry


def make_registry(folder: Path) -> None:
    async def fill() -> None:
        live = folder / "live"
        live.mkdir()
        database = Database(live / registry_database.FILE_NAME, ManualClock())
        await database.open()
        book = AlarmBook(database)
        for first in range(1, ALARMS, 40):
            await book.write([_alarm(number) for number in range(first, first + 40)])
        for suffix in ("", "-wal"):
            name = f"{registry_database.FILE_NAME}{suffix}"
            shutil.copy(live / name, folder / name)
        await database.close()
        shutil.rmtree(live)

    asyncio.run(fill())


def _alarm(number: int) -> StoredAlarm:
    return StoredAlarm(number, "device_lost", f"east/m{number}", 2, number, {"error": f"no answer {number}"})


async def look_at_registry(folder: Path) -> Seen:
    database = Database(folder / registry_database.FILE_NAME, ManualClock())
    await database.open()
    book = AlarmBook(database)
    found = {alarm.id: alarm for alarm in await book.active()}
    await book.write([_alarm(99_999)])
    wrong = [] if 99_999 in {alarm.id for alarm in await book.active()} else ["a fresh alarm is not there"]
    same = sum(found.get(number) == _alarm(number) for number in range(1, ALARMS + 1))
    await database.close()
    return Seen(ALARMS, same, database.set_aside is not None, None, wrong)


# --- small files


def make_settings(folder: Path) -> None:
    shutil.copy(SAMPLES / "site.toml", folder / "site.toml")


async def look_at_settings(folder: Path) -> Seen:
    try:
        load_site(folder / "site.toml")
    except BadSettings:
        return Seen(1, 0, True, None, [])
    return Seen(1, 1, False, None, [])


def make_card_key(folder: Path) -> None:
    open_card_keys(folder / "card.key")
    shutil.copy(folder / "card.key", folder / "card.before")


async def look_at_card_key(folder: Path) -> Seen:
    try:
        keys = open_card_keys(folder / "card.key")
    except BadSettings:
        return Seen(1, 0, True, None, [])
    same = keys.key("04a1b2c3", "hex") == open_card_keys(folder / "card.before").key("04a1b2c3", "hex")
    return Seen(1, int(same), False, None, [])


def make_client_id(folder: Path) -> None:
    _client_id(load_cloud(None, data=str(folder)))


async def look_at_client_id(folder: Path) -> Seen:
    name = _client_id(load_cloud(None, data=str(folder)))
    return Seen(1, 1, False, None, [] if name.isascii() and name.isprintable() else [f"{name!r} is no client id"])


MAKES: dict[str, Callable[[Path], None]] = {
    "buffer": make_buffer,
    "store": make_store,
    "registry": make_registry,
    "settings": make_settings,
    "card key": make_card_key,
    "client id": make_client_id,
}
LOOKS: dict[str, Callable[[Path], Awaitable[Seen]]] = {
    "buffer": look_at_buffer,
    "store": look_at_store,
    "registry": look_at_registry,
    "settings": look_at_settings,
    "card key": look_at_card_key,
    "client id": look_at_client_id,
}
TARGETS: dict[str, tuple[str, ...]] = {
    "buffer": ("buffer.db", "buffer.db-wal"),
    "store": (STORE_FILE, STORE_FILE, STORE_FILE, f"{STORE_FILE}.wal"),
    "registry": (registry_database.FILE_NAME, f"{registry_database.FILE_NAME}-wal"),
    "settings": ("site.toml",),
    "card key": ("card.key",),
    "client id": ("broker-client-id",),
}
