"""A scripted session of the gateway's buffer, for a disk that fails: ``python -m tests.proof.buffer_session FOLDER``.

Prints a line for everything it was told is durable (``kept EPOCH SEQ``, ``session N``), and before it lets go of what
the collector has (``releasing EPOCH SEQ``: it may die between the commit and any word of it). Goes on after
StoreUnavailable as the gateway does, and opens again after StoreDamaged. `look` says what is there afterwards.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from edge.buffer import Change, Draft, KeptBatch, Kind
from edge.buffer_sqlite import SqliteBuffer
from edge.sealer import sealer
from protocols.clock import SystemClock
from protocols.errors import StoreDamaged, StoreUnavailable
from protocols.reading import Event, Reading

ROUNDS = 14
TRIES = 40
AT = 1_795_000_000_000


def buffer_at(folder: Path) -> SqliteBuffer:
    return SqliteBuffer(folder / "buffer.db", max_bytes=1 << 22, seal=sealer("gw"), clock=SystemClock())


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def opened(buffer: SqliteBuffer) -> None:
    """Open, as often as it takes."""
    for _ in range(TRIES):
        try:
            await buffer.open()
            return
        except StoreUnavailable as error:
            say("refused", error)
    raise SystemExit("the buffer does not open although the disk works again")


async def committed(buffer: SqliteBuffer, change: Change) -> list[KeptBatch]:
    for _ in range(TRIES):
        try:
            return (await buffer.commit(change)).batches
        except StoreUnavailable as error:
            say("refused", error)
        except StoreDamaged as error:
            say("damaged", error)
            await opened(buffer)
    raise SystemExit("the buffer does not take a batch although the disk works again")


def draft(number: int) -> Draft:
    if number % 3 == 0:
        return Draft(Kind.EVENTS, events=[Event("gate", "button", AT + number)])
    readings = [Reading("meter", "active_power_total", n * 1.1, AT + number * 1000 + n) for n in range(60)]
    return Draft(Kind.TELEMETRY, readings=readings)


async def work(folder: Path) -> None:
    buffer = buffer_at(folder)
    await opened(buffer)
    kept: list[KeptBatch] = []
    for number in range(ROUNDS):
        release = [(kept[0].place, kept[0].place)] if len(kept) > 4 else []
        if (
            release
        ):  # the collector has it: whether it is still here no longer matters, also when we die before the next line
            say("releasing", kept[0].identity.epoch, kept[0].identity.seq)
        batches = await committed(buffer, Change(sealed_at=AT + number, drafts=[draft(number)], release=release))
        if release:
            kept.pop(0)
        for batch in batches:
            kept.append(batch)
            say("kept", batch.identity.epoch, batch.identity.seq)
        if number % 5 == 4:
            try:
                say("session", await buffer.next_session(0))
            except StoreUnavailable as error:
                say("refused", error)
    await buffer.close()


def look(folder: Path) -> list[str]:
    """``found EPOCH SEQ`` for each batch that is there, ``session N``; raises what the buffer raises."""
    return asyncio.run(_look(folder))


async def _look(folder: Path) -> list[str]:
    buffer = buffer_at(folder)
    opened = await buffer.open()
    lines = [f"set aside {opened.damage.detail}"] if opened.damage is not None else []
    place = 1
    while batches := (await buffer.read(place, 1 << 40, sealed_at=AT)).batches:
        lines += [f"found {batch.identity.epoch} {batch.identity.seq}" for batch in batches]
        place = batches[-1].place + 1
    lines.append(f"session {await buffer.next_session(0)}")
    await buffer.close()
    return lines


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
