"""What a new compound's collector is given when it runs: tokens for whoever asks it here, and the sample site."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from simulators import sample_site
from simulators.broker import write_private
from simulators.clerk_api import Refused
from simulators.compound_doors import Administrator
from simulators.desk import CommandFailed, add_token
from simulators.layout import Layout
from simulators.processes import ProcessFailed
from simulators.stored import ApiRefused, CollectorApi
from simulators.told_matching import card_key
from simulators.world.rounds import guard_card


async def have_token(layout: Layout, url: str, file: Path, *, name: str = "simulators", role: str = "viewer") -> None:
    """A token that the collector takes lies in ``file``: the one that is there, or a new one.

    A folder that was begun without the sample site has a viewer's, which is not enough for people.
    """
    if file.exists() and (role == "viewer" or layout.sample_mark.exists()):
        api = CollectorApi(url, file.read_text(encoding="utf-8").strip())
        try:
            await asyncio.to_thread(api.get, "/api/v1/sites")
            return
        except ApiRefused:
            pass  # made for another store, or revoked: a new one is made
        finally:
            api.close()
    write_private(file, await add_token(layout.cloud_file, name=name, role=role) + "\n")


async def bring_in_sample(layout: Layout, administrator: Administrator, say: Callable[[str], None]) -> None:
    """The sample site with its map and its calendar, once for each folder. Raises ProcessFailed."""
    if layout.sample_mark.exists():
        return
    try:
        api = await administrator.api()
        site, drawn = (file.read_text(encoding="utf-8") for file in (sample_site.SITE_FILE, sample_site.MAP_FILE))
        told = await api.post("/api/v1/assets/import?format=toml", with_cards(site, layout.card_secret()))
        await api.put(f"/api/v1/map/{sample_site.SITE}", drawn)
    except (CommandFailed, Refused) as error:
        raise ProcessFailed(f"the sample site was not brought in: {error}") from None
    write_private(layout.sample_mark, "brought in; without this file it is brought in again at the next start\n")
    say(f"site       {sample_site.SITE}: {told['created']} assets, a map and a calendar")


def with_cards(site: str, secret: bytes) -> str:
    """The site file with the keys of the guards' cards: they depend on the secret of each compound."""
    for row in sample_site.tables()["guard"]:
        line = f'number = "{row["number"]}"\n'
        site = site.replace(line, f'{line}cards = ["{card_key(secret, guard_card(row["id"]))}"]\n')
    return site
