"""``dayuan-cloud config rollout``: one change for many gateways, beside a running collector, which sends it."""

import argparse
import asyncio
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path

from cloud.cli_config import read_site_file
from cloud.cli_desk import BadGateway
from cloud.cli_desk import Desk as Registry
from cloud.cli_identity import _instant, _key
from cloud.cli_instant import instant_asked
from cloud.registry.identity_book import IdentityBook
from cloud.registry.rollout_book import RolloutBook
from cloud.registry.site_file_book import SiteFileBook
from cloud.registry.tables_rollouts import RolloutRow
from cloud.site_files.desk import Desk
from cloud.site_files.rollout_steps import shown
from cloud.site_files.rollouts import GATEWAYS_MAX, Rollouts, Wish
from cloud.site_files.stages import USUAL
from cloud.store.contract import GatewayKey
from protocols.clock import SystemClock
from protocols.data_owner import as_root
from protocols.errors import BadRollout
from protocols.settings import duration

DESK = "desk"
LISTED_MAX = 50


async def rollout_plan(registry: Registry, options: argparse.Namespace) -> object:
    """Write it down, and judge every file."""
    rollouts = _rollouts(registry)
    files = await asyncio.to_thread(_folder, options.folder) if options.folder else {}
    wish = Wish(
        why=options.reason,
        by=DESK,
        changes=options.change or (),
        files=files,
        gateways=options.gateways or (),
        site=options.site,
        stages=options.stage or USUAL,
        soak_s=int(_duration("--soak", options.soak)),
        patience_s=int(_duration("--patience", options.patience)),
        stop_after=options.failures,
        confirm_within_s=options.confirm_within,
        not_before=await instant_asked(registry, "--not-before", options.not_before, options.site),
    )
    row = await _said(rollouts.plan(wish))
    while await rollouts.check(row.id):
        pass
    return await _whole(rollouts, row)


async def rollout_list(registry: Registry, options: argparse.Namespace) -> object:
    """The newest first."""
    return [_short(row) for row in await _rollouts(registry).book.newest(LISTED_MAX)]


async def rollout_show(registry: Registry, options: argparse.Namespace) -> object:
    """How far one is, with every gateway."""
    rollouts = _rollouts(registry)
    return await _whole(rollouts, await _said(rollouts.find(options.id)))


async def rollout_diff(registry: Registry, options: argparse.Namespace) -> object:
    """What changes."""
    rollouts = _rollouts(registry)
    await _said(rollouts.find(options.id))
    keys = [_key(options.gateway)] if options.gateway else [one.key for one in await rollouts.book.seen(options.id)]
    return {"/".join(key): await _said_diff(rollouts, options.id, key) for key in keys}


async def rollout_start(registry: Registry, options: argparse.Namespace) -> object:
    """Begin."""
    return _short(await _said(_rollouts(registry).start(options.id, by=DESK, without_wrong=options.without_wrong)))


async def rollout_pause(registry: Registry, options: argparse.Namespace) -> object:
    """Begin with nobody more."""
    if (options.id is None) != options.restored:
        raise BadGateway("which one? pause ID, or --restored for all that run in a registry that was put back")
    if options.restored:
        return {"paused": await _rollouts(registry).pause_restored()}
    return _short(await _said(_rollouts(registry).pause(options.id, by=DESK)))


async def rollout_continue(registry: Registry, options: argparse.Namespace) -> object:
    """Go on."""
    return _short(await _said(_rollouts(registry).go_on(options.id, by=DESK)))


async def rollout_abort(registry: Registry, options: argparse.Namespace) -> object:
    """End it."""
    return _short(await _said(_rollouts(registry).abort(options.id, by=DESK, back=options.back)))


def _rollouts(registry: Registry) -> Rollouts:
    clock = SystemClock()
    desk = Desk(SiteFileBook(registry.database), IdentityBook(registry.database, clock), clock)
    return Rollouts(RolloutBook(registry.database), desk, clock)


async def _said(work: Awaitable[RolloutRow]) -> RolloutRow:
    try:
        return await work
    except BadRollout as error:
        raise BadGateway(error.detail) from None


async def _said_diff(rollouts: Rollouts, number: int, key: GatewayKey) -> str:
    try:
        return await rollouts.difference(number, key)
    except BadRollout as error:
        raise BadGateway(error.detail) from None


async def _whole(rollouts: Rollouts, row: RolloutRow) -> object:
    seen, now = await rollouts.book.seen(row.id), SystemClock().now_ms()
    gateways = []
    for one in seen:
        wrong = f"line {one.line}: {one.setting}: {one.message}" if one.line else one.message
        said = ": ".join(part for part in (wrong or one.reason, one.detail, one.devices) if part)
        state = shown(row, one, now)
        gateways.append({"gateway": "/".join(one.key), "stage": one.stage + 1, "state": state, "detail": said})
    return {**_short(row), "counts": dict(Counter(each["state"] for each in gateways)), "gateways": gateways}


def _short(row: RolloutRow) -> dict[str, object]:
    return {
        "id": row.id,
        "state": row.state,
        "halted": row.halted,
        "stage": row.stage + 1,
        "by": row.by,
        "made": _instant(row.made_at),
        "why": row.why,
        "changes": row.change.splitlines(),
        "stages": row.stages.splitlines(),
    }


@as_root()
def _folder(folder: Path) -> dict[GatewayKey, str]:
    paths = sorted(folder.glob("*/*.toml"))[: GATEWAYS_MAX + 1]
    if not paths:
        raise BadGateway(f"{folder}: no site files there; they lie as {folder}/SITE/GATEWAY.toml")
    return {_key(f"{path.parent.name}/{path.stem}"): read_site_file(path) for path in paths}


def _duration(option: str, text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise BadGateway(f"{option}: {error}") from None
