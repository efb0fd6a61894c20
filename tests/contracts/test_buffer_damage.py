"""The SQLite buffer and a damaged file: it starts, says so, and intact batches survive."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.buffer import Change
from protocols.batch import Identity
from protocols.errors import StoreDamaged
from tests.contracts.buffer_on_disk import (
    AT,
    BOOT,
    CHILD,
    buffer_at,
    everything,
    fill,
    gaps,
    make_unclean_copy,
    telemetry,
)


def flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    place = rng.randrange(len(data))
    data[place] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def zero_a_page(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = rng.randrange(len(data) // 4096 + 1) * 4096
    data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    path.write_bytes(data)


def cut(path: Path, rng: random.Random) -> None:
    os.truncate(path, rng.randrange(path.stat().st_size))


def scribble(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    start = rng.randrange(len(data))
    data[start : start + 700] = rng.randbytes(len(data[start : start + 700]))
    path.write_bytes(data)


@pytest.mark.parametrize("target", ["buffer.db", "buffer.db-wal"])
@pytest.mark.parametrize("harm", [flip, zero_a_page, cut, scribble])
async def test_a_damaged_file_never_stops_the_start_and_intact_batches_survive(
    tmp_path: Path, harm: Callable[[Path, random.Random], None], target: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    kept = await make_unclean_copy(source)
    for seed in range(8):
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        for each in source.iterdir():
            (folder / each.name).write_bytes(each.read_bytes())
        harm(folder / target, random.Random(seed))
        buffer = buffer_at(folder / "buffer.db")
        opened = await buffer.open()
        found = {batch.identity: batch.payload for batch in await everything(buffer)}
        old = {identity: payload for identity, payload in found.items() if identity in kept}
        assert all(payload == kept[identity] for identity, payload in old.items()), "a batch was altered"
        assert len(old) >= len(kept) - WORST[harm.__name__], f"seed {seed}: only {len(old)} of {len(kept)} survived"
        if opened.damage is not None:
            assert (folder / Path(opened.damage.path).name).exists()
            assert opened.damage.salvaged == len(old)
            assert opened.damage.lost >= len(kept) - len(old) or target.endswith("-wal") or harm is cut
        # Life goes on, and no seq of before is given out again for something else.
        following = await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(5000)], damage_told=True))
        assert following.batches[0].identity not in kept
        assert (await buffer.open()).damage is None
        await buffer.close()


WORST = {"flip": 26, "zero_a_page": 40, "cut": 1000, "scribble": 26}
"""Batches one harm may cost: what lies in the pages it touched, or all that a short log held."""


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"this is no database at all, but somebody's letter" * 100])
async def test_a_file_that_is_no_buffer_is_set_aside_or_filled(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "buffer.db"
    path.write_bytes(content)
    buffer = buffer_at(path)
    opened = await buffer.open()
    assert len((await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(1)]))).batches) == 1
    if content.strip(b"\0"):
        assert opened.damage is not None
        assert Path(opened.damage.path).read_bytes() == content
    await buffer.close()


async def test_a_batch_damaged_on_the_disk_goes_to_quarantine_with_a_gap_record(tmp_path: Path) -> None:
    path = tmp_path / "buffer.db"
    buffer = buffer_at(path)
    await buffer.open()
    kept = await fill(buffer, 30)
    await buffer.close()
    victim = kept[Identity(next(iter(kept)).epoch, 12)]
    data = path.read_bytes()
    assert data.count(victim[20:]) == 1
    path.write_bytes(data.replace(victim[20:], victim[20:-1] + bytes([victim[-1] ^ 1])))
    await buffer.open()
    chunk = await buffer.read(1, 100, sealed_at=AT)
    assert [batch.identity.seq for batch in chunk.batches] == [n for n in range(1, 31) if n != 12]
    (told,) = gaps(chunk.gaps)
    assert (told.data["from_seq"], told.data["to_seq"], told.data["readings"]) == (12, 12, 20)
    assert told.data["reason"] == "damaged"
    assert buffer.figures().quarantined == 1
    await buffer.close()


async def test_damage_found_while_running_is_an_error_that_open_heals(tmp_path: Path) -> None:
    path = tmp_path / "buffer.db"
    buffer = buffer_at(path)
    await buffer.open()
    # More than SQLite keeps in its cache, or it would not notice.
    done = await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(number, 120) for number in range(3000)]))
    kept = {batch.identity for batch in done.batches}
    await buffer.close()
    await buffer.open()
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 8192] = b"\xff" * 8192
    path.write_bytes(data)
    with pytest.raises(StoreDamaged):
        await everything(buffer)
    opened = await buffer.open()
    assert opened.damage is not None
    found = {batch.identity for batch in await everything(buffer)}
    assert len(found & kept) >= len(kept) - 30
    assert opened.damage.lost == len(kept) - len(found & kept)
    await buffer.close()


async def test_damage_that_the_checks_at_opening_do_not_see_is_healed_by_the_next_open(tmp_path: Path) -> None:
    path = tmp_path / "buffer.db"
    buffer = buffer_at(path)
    await buffer.open()
    kept = await fill(buffer, 40)
    assert buffer._connection is not None
    # What a flipped bit in a record's header makes of a payload, and of a place that no epoch covers.
    buffer._connection.execute("UPDATE batch SET payload = 7 WHERE place = 5")
    buffer._connection.execute("UPDATE batch SET readings = 'many' WHERE place = 6")
    await buffer.close()
    await buffer.open()
    found = {batch.identity for batch in await everything(buffer)}
    assert len(found & set(kept)) == 38
    buffer._connection.execute("UPDATE batch SET place = -3 WHERE place = 7")
    with pytest.raises(StoreDamaged):
        await buffer.read(-10, 100, sealed_at=AT)
    opened = await buffer.open()
    assert opened.damage is not None
    assert len({batch.identity for batch in await everything(buffer)} & set(kept)) >= 37
    await buffer.close()


async def test_places_that_were_given_out_before_the_damage_are_not_given_out_again(tmp_path: Path) -> None:
    buffer = buffer_at(tmp_path / "buffer.db")
    await buffer.open()
    await fill(buffer, 40)
    newest = (await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(41), telemetry(42)]))).batches[-1]
    assert buffer._connection is not None
    buffer._connection.execute("UPDATE batch SET payload = x'00' WHERE place > 30")
    buffer._connection.execute("UPDATE batch SET place = -3 WHERE place = 7")
    with pytest.raises(StoreDamaged):
        await buffer.read(-10, 100, sealed_at=AT)
    await buffer.open()
    following = (await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(43)], damage_told=True))).batches[0]
    assert following.place > newest.place, "an ack that is under way would be taken for another batch"
    former = buffer.places_of(newest.identity.epoch)
    assert former is not None
    assert former.of(newest.identity.seq, newest.identity.seq) == (newest.place, newest.place)
    await buffer.close()


@pytest.mark.parametrize("after", [1, 2])
async def test_a_salvage_that_is_killed_is_made_good_at_the_next_start(tmp_path: Path, after: int) -> None:
    path = tmp_path / "buffer.db"
    buffer = buffer_at(path)
    await buffer.open()
    done = await buffer.commit(Change(sealed_at=AT, drafts=[telemetry(number) for number in range(2500)]))
    await buffer.close()
    data = bytearray(path.read_bytes())
    data[0:1024] = bytes(1024)
    path.write_bytes(data)
    run = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), f"mid_salvage:{after}"], capture_output=True, check=False, timeout=60
    )
    assert run.returncode == -9, run.stderr
    opened = await buffer.open()
    assert opened.damage is not None
    assert opened.damage.lost == 0
    assert {batch.identity for batch in await everything(buffer)} == {batch.identity for batch in done.batches}
    await buffer.close()


async def test_untimed_items_and_origins_survive_a_salvage(tmp_path: Path) -> None:
    path = tmp_path / "buffer.db"
    buffer = buffer_at(path)
    await buffer.open()
    await fill(buffer, 50)
    await buffer.commit(Change(sealed_at=AT, untimed=[telemetry(1)], boot=BOOT, origins=[b"seen"]))
    await buffer.close()
    data = bytearray(path.read_bytes())
    data[0:100] = bytes(100)
    path.write_bytes(data)
    opened = await buffer.open()
    assert opened.damage is not None
    assert list(opened.untimed) == [BOOT]
    assert buffer.has_origin(b"seen")
    await buffer.close()
