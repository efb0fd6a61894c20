"""Good requests to the routes of site files."""

from __future__ import annotations

import itertools

from cloud.site_files.rollouts import Wish
from protocols.birth import SiteFileBirth
from protocols.site_config import pack, sha256_of
from tests.cloud.api.conftest import Api
from tests.proof.api_identity import KEY, enrol_gateway
from tests.proof.api_sound import Sound, json_sound

SITE_FILE = """
[gateway]
site = "east"
id = "b3"
[uplink]
url = "mqtts://collector:8883"
[remote_config]
enabled = true
[[bus]]
name = "line"
kind = "modbus-tcp"
host = "10.0.0.6"
"""
_numbers = itertools.count(1)


async def of_site_files(api: Api, entry: tuple[str, str]) -> Sound:
    """What makes a request to ``entry`` a good one, with what it needs brought about."""
    method, path = entry
    await enrol_gateway(api)
    await tell_site_file(api)
    if path.startswith("/api/v1/rollouts"):
        return await _of_rollouts(api, entry)
    named = {"site": "east", "gateway": "b3", "number": "1"}
    if method == "GET":
        return Sound(path=named)
    changed = SITE_FILE + f"# {next(_numbers)}\n"
    query = {} if path.endswith("/dry-run") else {"reason": "a new meter"}
    return Sound(named, query, changed.encode(), "application/toml")


async def _of_rollouts(api: Api, entry: tuple[str, str]) -> Sound:
    path = entry[1]
    rollouts = api.services.configuring.rollouts
    for row in await rollouts.book.unfinished():
        if row.state == "draft":
            await rollouts.abort(row.id, by="test", back=False)
    change = f'set gateway.name = "{next(_numbers)}"'
    if entry == ("POST", "/api/v1/rollouts"):
        return json_sound({"changes": [change]}, {"reason": "calmer", "site": "east"})
    if path == "/api/v1/rollouts":
        return Sound()
    row = await rollouts.plan(Wish(why="calmer", by="test", changes=[change], site="east"))
    of_one = {"of_site": "east", "gateway": "b3"} if path.endswith("/difference") else {}
    return Sound({"number": str(row.id), "deed": "abort"}, of_one)


async def tell_site_file(api: Api, text: str = SITE_FILE, revision: int = 0) -> None:
    """The gateway says which file it runs."""
    raw = text.encode()
    said = SiteFileBirth(
        sha256=sha256_of(raw),
        revision=revision,
        source="collector" if revision else "box",
        state="in_force",
        packed=pack(raw),
    )
    await api.services.configuring._take_told(KEY, said, 1_790_000_000_000)
