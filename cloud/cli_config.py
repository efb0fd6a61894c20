"""``dayuan-cloud config``: site files of gateways, beside a running collector, which sends what is wanted here."""

import argparse
import asyncio
from pathlib import Path

from cloud.cli_desk import BadGateway
from cloud.cli_desk import Desk as Registry
from cloud.cli_identity import _instant, _key
from cloud.cli_instant import instant_asked
from cloud.registry.identity_book import IdentityBook
from cloud.registry.site_file_book import COLLECTOR, SiteFileBook
from cloud.registry.tables_site_files import SiteFileRow
from cloud.site_files.desk import SHOWN_MAX, Desk, difference, said, state_of
from cloud.store.contract import GatewayKey
from protocols.clock import SystemClock
from protocols.data_owner import as_root
from protocols.errors import BadOffer
from protocols.site_config import TEXT_BYTES_MAX


class _Files:
    def __init__(self, registry: Registry, options: argparse.Namespace) -> None:
        clock = SystemClock()
        self.registry = registry
        self.key: GatewayKey = _key(options.gateway)
        self.desk = Desk(SiteFileBook(registry.database), IdentityBook(registry.database, clock), clock)
        self.book = self.desk.book

    async def running(self) -> SiteFileRow | None:
        now = await self.book.now(self.key)
        return await self.desk.running(self.key, now) if now is not None else None

    async def revision(self, number: int) -> SiteFileRow:
        row = await self.book.find(self.key, number)
        if row is None:
            raise BadGateway(f"{self.key.site}/{self.key.gateway} has no revision {number}; see config history")
        return row

    async def want(self, text: str, options: argparse.Namespace) -> object:
        checked = await self.desk.check(self.key, text)
        if not checked.ok:
            allowed = f" (allowed: {checked.allowed})" if checked.allowed else ""
            raise BadGateway(f"line {checked.line}: {checked.key}: {checked.message}{allowed}")
        try:
            row = await self.desk.want(
                self.key,
                text,
                by="desk",
                why=options.reason,
                not_before=await instant_asked(self.registry, "--not-before", options.not_before, self.key.site),
                confirm_within_s=int(options.confirm_within),
            )
        except BadOffer as error:
            raise BadGateway(error.detail) from None
        return {"gateway": options.gateway, "revision": row.revision, "sha256": row.sha256, "checked_by": checked.by}


async def config_show(registry: Registry, options: argparse.Namespace) -> object:
    """What it runs and what is wanted; with --revision the text of one."""
    files = _Files(registry, options)
    if options.revision is not None:
        row = await files.revision(options.revision)
        return {"revision": row.revision, "text": row.text}
    now, running = await files.book.now(files.key), await files.running()
    wanted = next((row for row in await files.book.revisions(files.key, SHOWN_MAX) if row.origin == COLLECTOR), None)
    return {
        "gateway": options.gateway,
        "runs": None if running is None else running.revision,
        "source": None if now is None else now.source,
        "state": None if now is None else now.state,
        "told": None if now is None else _instant(now.at),
        "wanted": None if wanted is None else wanted.revision,
        "text": "" if running is None else running.text,
    }


async def config_history(registry: Registry, options: argparse.Namespace) -> object:
    """Every revision, the newest first."""
    files = _Files(registry, options)
    now, answers = await files.book.now(files.key), await files.book.answers(files.key)
    rows = await files.book.revisions(files.key, SHOWN_MAX)
    wanted = next((row.revision for row in rows if row.origin == COLLECTOR), None)
    return [
        {
            "revision": row.revision,
            "state": state_of(row, answers.get(row.revision), now, row.revision == wanted),
            "not_before": _instant(row.not_before or None),
            "by": row.by,
            "made": _instant(row.made_at),
            "why": row.why,
            "detail": said(answers.get(row.revision)),
        }
        for row in rows
    ]


async def config_diff(registry: Registry, options: argparse.Namespace) -> object:
    """What a file would change against what runs now."""
    files = _Files(registry, options)
    running = await files.running()
    if running is None:
        raise BadGateway(f"{options.gateway} never said which site file it runs")
    text = await asyncio.to_thread(read_site_file, options.file)
    return {"diff": difference(running.text, text, named=(f"revision {running.revision}", str(options.file)))}


async def config_set(registry: Registry, options: argparse.Namespace) -> object:
    """Want a file."""
    return await _Files(registry, options).want(await asyncio.to_thread(read_site_file, options.file), options)


async def config_revert(registry: Registry, options: argparse.Namespace) -> object:
    """Want the text of an earlier revision, under a new number."""
    files = _Files(registry, options)
    return await files.want((await files.revision(options.revision)).text, options)


@as_root()
def read_site_file(path: Path) -> str:
    """A file somebody named. Raises BadGateway."""
    try:
        with path.open("rb") as file:
            return file.read(TEXT_BYTES_MAX + 1).decode()
    except OSError as error:
        raise BadGateway(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadGateway(f"{path}: not UTF-8") from None
