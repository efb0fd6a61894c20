"""``dayuan-cloud import`` and ``dayuan-cloud map``: assets and map of a site, with a running collector or without."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from cloud.access.importing import FORMATS as ACCESS_FORMATS
from cloud.access.importing import import_access
from cloud.access.register import AccessRegister
from cloud.assets.book import AssetRoster
from cloud.assets.calendar import SiteCalendar
from cloud.assets.contract import AssetKey
from cloud.assets.desk import AssetDesk
from cloud.assets.importing import FORMATS, Outcome, import_site
from cloud.assets.map_rules import Fault, check_map
from cloud.assets.maps import SiteMaps
from cloud.cli_desk import BadSite
from cloud.registry.access_book import AccessBook
from cloud.registry.asset_book import AssetBook, SiteChange
from cloud.registry.database import Database
from cloud.registry.inventory import Inventory
from cloud.sheets.file_text import text_of
from cloud.sheets.filled import BadSheet
from protocols.clock import SystemClock
from protocols.data_owner import as_root
from protocols.errors import BadSettings
from protocols.reading import ID_RULE, is_id

FILE_MAX = 16 * 1024 * 1024

Answer = list[dict[str, object]] | dict[str, object]


async def _open(database: Database) -> AssetDesk:
    inventory = Inventory(database)
    await inventory.load()
    clock = SystemClock()
    book = AssetBook(database, clock)
    desk = AssetDesk(book, AssetRoster(book), SiteCalendar(inventory), SiteMaps(), clock)
    await desk.open()
    return desk


async def import_file(database: Database, options: argparse.Namespace) -> Answer:
    form = options.file.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise BadSite(f"{options.file}: its name must end in {' or '.join('.' + each for each in FORMATS)}")
    desk = await _open(database)
    outcome = await import_site(
        desk, _text(options.file), form=form, site=options.site, dry_run=options.dry_run, remove=options.remove
    )
    if outcome.errors:
        raise _bad(options.file, outcome.errors)
    return _told(outcome, dry_run=options.dry_run)


def _told(outcome: Outcome, *, dry_run: bool) -> Answer:
    found: dict[str, object] = {
        "site": outcome.site,
        "created": outcome.created,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "removed": outcome.removed,
        "not_in_file": outcome.missing,
        "written": outcome.written,
    }
    return found | ({"would_change": outcome.names} if dry_run else {})


async def import_access_file(database: Database, options: argparse.Namespace) -> Answer:
    """People, cards and rules; a running collector takes them over within seconds."""
    form = options.file.suffix.lower().removeprefix(".")
    if form not in ACCESS_FORMATS:
        raise BadSite(f"{options.file}: its name must end in {' or '.join('.' + each for each in ACCESS_FORMATS)}")
    if not is_id(options.site):
        raise BadSite(f"{options.site[:40]!r} is no site ({ID_RULE})")
    desk, clock = await _open(database), SystemClock()
    register = AccessRegister(
        AccessBook(database, clock),
        lambda site, door: desk.roster.find(AssetKey(site, "door", door)) is not None,
        clock,
    )
    await register.open()
    outcome = await import_access(
        register,
        options.site,
        _text(options.file),
        form=form,
        zone=desk.calendar.zone(options.site),
        by="command line",
        dry_run=options.dry_run,
    )
    if outcome.errors:
        raise _bad(options.file, outcome.errors)
    found: dict[str, object] = {
        "site": outcome.site,
        "created": outcome.created,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "written": outcome.written,
    }
    return found | ({"would_change": outcome.names} if options.dry_run else {})


async def put_map(database: Database, options: argparse.Namespace) -> Answer:
    try:
        document = json.loads(_text(options.file))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise _bad(options.file, [Fault(line, "", f"no JSON: {error}")]) from None
    named = document.get("name") if isinstance(document, dict) else None
    site = options.site or (named if isinstance(named, str) else "")
    if not is_id(site):
        raise BadSite(f"{options.file}: of which site? name it with --site ({ID_RULE})")
    desk = await _open(database)
    known = [asset.spot for asset in desk.roster.all(site=site) if asset.spot is not None]
    faults = check_map(document, known)
    if faults:
        raise _bad(options.file, faults)
    same = document == desk.maps.document(site)
    if not options.dry_run and not same:
        await desk.apply(SiteChange(site, document=document))
    return {
        "site": site,
        "features": len(document["features"]),
        "rev": desk.maps.rev(site),
        "written": not options.dry_run and not same,
    }


@as_root()
def _text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            raw = file.read(FILE_MAX + 1)
        if len(raw) > FILE_MAX:
            raise BadSite(f"{path}: larger than {FILE_MAX} bytes")
        return text_of(raw).text
    except OSError as error:
        raise BadSettings(f"cannot be read: {error.strerror}", file=str(path)) from None
    except BadSheet as error:
        raise BadSite(f"{path}:{error.line}: {error.message}") from None


def _bad(path: Path, faults: Sequence[Fault]) -> BadSite:
    lines = [
        f"{path}{f':{fault.line}' if fault.line else ''}: {f'{fault.key}: ' if fault.key else ''}{fault.message}"
        for fault in faults
    ]
    return BadSite("\n".join([*lines, "nothing was written"]))
