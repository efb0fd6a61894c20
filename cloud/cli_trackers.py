"""``dayuan-cloud tracker``: phones that send their positions over HTTP."""

import argparse

from cloud.gps_in.trackers import Trackers, tracker_of
from cloud.ingest.contract import OWN_GATEWAY
from cloud.registry.database import Database
from cloud.registry.inventory import Inventory
from cloud.registry.tables import TokenRow
from cloud.registry.tokens import BadToken, Scope, Tokens, scope_of


async def add_tracker(database: Database, tokens: Tokens, options: argparse.Namespace) -> dict[str, object]:
    """A new tracker with its token. Raises BadToken, also for a device of a real gateway."""
    site, device = tracker_of(options.tracker)
    inventory = Inventory(database)
    await inventory.load()
    known = inventory.device(site, device)
    if known is not None and known.gateway != OWN_GATEWAY and known.removed_at is None:
        raise BadToken(f"{site}/{device} is a device of the gateway {known.gateway}; give the phone an id of its own")
    tracker, secret = await Trackers(tokens).add(options.tracker, options.name)
    told: dict[str, object] = {"id": tracker.token, "tracker": f"{site}/{device}", "name": tracker.name}
    if site not in {each.id for each in inventory.sites()}:
        told["warning"] = f"no gateway of a site {site!r} was ever seen; it is made with the first position"
    return {
        **told,
        "token": secret,
        "traccar_client": "server address .../api/v1/gps-in/osmand, device identifier: the token",
        "owntracks": "mode HTTP, address .../api/v1/gps-in/owntracks, password: the token",
    }


async def list_trackers(tokens: Tokens) -> list[TokenRow]:
    """All that may send or could."""
    return await Trackers(tokens).rows()


async def end_tracker(tokens: Tokens, options: argparse.Namespace) -> dict[str, object]:
    """End a tracker's token at once. Raises BadToken when there is none of that id."""
    row = next((row for row in await tokens.all() if row.id == options.id), None)
    if row is None or scope_of(row.scope)[0] is not Scope.TRACKER:
        raise BadToken(f"there is no tracker {options.id!r} (see: dayuan-cloud tracker list)")
    await tokens.revoke(options.id)
    return {"id": options.id, "tracker": scope_of(row.scope)[1], "revoked": True}
