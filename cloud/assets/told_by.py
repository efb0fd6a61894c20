"""Through which gateways news of a thing come: while all of them are offline, what is known of it is not of now."""

from cloud.assets.contract import AssetKey, Roster
from cloud.live.entities import device_id
from cloud.live.state import LiveState


class ToldBy:
    """Those of the devices that are bound to it, as far as a gateway has announced them."""

    def __init__(self, roster: Roster, live: LiveState) -> None:
        self._roster, self._live = roster, live

    def gateways(self, name: str) -> list[str]:
        """Ids of gateways, by name; empty for what no device tells about. ``name``: ``site/kind:id``."""
        key = AssetKey.of_entity(name)
        asset = self._roster.find(key) if key is not None else None
        if asset is None:
            return []
        devices = (self._live.find(device_id(asset.key.site, each.device)) for each in asset.bindings)
        return sorted({each.gateway for each in devices if each is not None and each.gateway})
