"""``dayuan-cloud privacy`` and ``dayuan-cloud retention``: on the data of a collector that does not run.

The store of a running collector is its alone; there the same is asked for by ``/api/v1/privacy``.
"""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.audit.note import current, tell
from cloud.backup_socket import is_running
from cloud.privacy.archive import archive
from cloud.privacy.classes import CLASSES
from cloud.privacy.contract import subject_of
from cloud.privacy.desk import Changed, Held, Plan
from cloud.privacy.wiring import Privacy, privacy_of
from cloud.registry.inventory import Inventory
from cloud.store.opening import store_of
from protocols.clock import SystemClock
from protocols.data_owner import as_root
from protocols.errors import Permanent

if TYPE_CHECKING:
    from cloud.cli_desk import Desk


__all__ = ["CannotNow", "Changed", "Held"]


class CannotNow(Permanent):
    """The command cannot work on this data now; the message says why."""


@asynccontextmanager
async def _opened(desk: "Desk") -> AsyncIterator[Privacy]:
    settings, clock = desk.settings, SystemClock()
    if settings.data.exists() and is_running(settings.data):
        raise CannotNow(
            f"a collector runs with {settings.data}: ask it (POST /api/v1/privacy/exports, .../deletions), or stop it"
        )
    inventory = Inventory(desk.database, settings.sites)
    await inventory.load()
    store = store_of(settings, clock, inventory)
    await asyncio.to_thread(store.open)
    try:
        yield privacy_of(settings, desk.database, store, clock)
    finally:
        await asyncio.to_thread(store.close)


async def privacy_export(desk: "Desk", options: argparse.Namespace) -> object:
    """Everything on one person, as a ZIP in a folder."""
    subject = subject_of(options.person)
    clock = SystemClock()
    async with _opened(desk) as privacy:
        found = await privacy.desk.find(subject)
    tell(records=sum(len(records) for records in found.values()))
    if (note := current()) is not None:
        await desk.trail.ensure(note)
    stamp = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    path = Path(options.to) / f"personal-data-{stamp}.zip"
    await asyncio.to_thread(_write, path, archive(found, clock.now_ms()))
    return {"file": str(path), **{name: len(records) for name, records in found.items()}}


async def privacy_delete(desk: "Desk", options: argparse.Namespace) -> object:
    """What would go; with ``--confirm`` it goes."""
    subject = subject_of(options.person)
    async with _opened(desk) as privacy:
        if options.confirm:
            return _told(await privacy.desk.delete(subject, options.confirm, options.also or ()), deleted=True)
        return _told(await privacy.desk.plan(subject), deleted=False)


async def retention_show(desk: "Desk", _: argparse.Namespace) -> object:
    """What is kept for how long, and what the last rounds did."""
    from cloud.registry.privacy_book import PrivacyBook

    runs = await PrivacyBook(desk.database, SystemClock()).runs()
    days = desk.settings.days_kept
    shown = []
    for kept in CLASSES:
        run = runs.get(kept.name)
        shown.append(
            {
                "class": kept.name,
                "days": days[kept.name] or "for ever",
                "of": kept.basis,
                "kept_since": _instant(run.kept_since) if run else "",
                "last_run": _instant(run.run_at) if run else "",
                "deleted": run.total if run else 0,
            }
        )
    return shown


async def retention_run(desk: "Desk", options: argparse.Namespace) -> object:
    """A round now; with ``--dry-run`` only what would go."""
    async with _opened(desk) as privacy:
        due = await privacy.keeper.outlook()
        if not options.dry_run:
            await privacy.keeper.round()
    return [
        {
            "class": each.kept,
            "older_than": _instant(each.before) if each.before is not None else "",
            "would_go" if options.dry_run else "gone": each.due,
            "held": each.held,
        }
        for each in due
    ]


def _told(plan: Plan, *, deleted: bool) -> dict[str, object]:
    stays = [f"{count} of {name}: {why}" for name, each in plan.stays.items() for why, count in each.items()]
    goes = {name: count for name, count in plan.goes.items() if count}
    asks = {each.found.id: ", ".join(f"{value}" for value in each.found.facts.values()) for each in plan.asks}
    asked = {"asks": asks} if asks and not deleted else {}
    return {**goes, "stays": stays, **asked, **({"deleted": True} if deleted else {"confirm": plan.confirm})}


@as_root()
def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        raise CannotNow(f"{path}: {error.strerror}") from error


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at // 1000, UTC).isoformat().replace("+00:00", "Z")
