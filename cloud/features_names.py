"""What people call what an alarm is of."""

from cloud.alarms.shown import plain_name
from cloud.assets.contract import AssetKey, Roster
from cloud.live.state import LiveState
from cloud.registry.inventory import Inventory
from cloud.store.contract import GatewayKey

OF_DEVICES = frozenset({"device", "device_lost", "rule_high", "rule_low", "rule_rate", "rule_stale", "rule_state"})
"""Kinds whose source is a device where a gateway has the same id."""


class SourceNames:
    """Asks the registry, and live state for what is in no registry (rounds, visitors, requests)."""

    def __init__(self, inventory: Inventory, live: LiveState, roster: Roster) -> None:
        self._inventory, self._live, self._roster = inventory, live, roster

    def name_of(self, kind: str, source: str) -> str:
        """The name of a site, gateway, device or thing; its id where it has none."""
        site, _, own = source.partition("/")
        if not own:
            return self._inventory.site(site).name or site
        if ":" in own:
            return self._thing(site, own) or plain_name(kind, source)
        named = self._roster.find(AssetKey(site, "gateway", own))
        device, gateway = self._inventory.device(site, own), self._inventory.gateway(GatewayKey(site, own))
        if device is not None and (gateway is None or kind.partition(".")[0] in OF_DEVICES):
            return device.name or own
        if named is not None and named.text("gateway") in ("", own):
            return named.name or own
        return (gateway.name if gateway is not None else "") or own

    def _thing(self, site: str, own: str) -> str:
        kind, _, name = own.partition(":")
        asset, shown = self._roster.find(AssetKey(site, kind, name)), self._live.find(f"{site}/{own}")
        return (asset.name if asset is not None else "") or (shown.name if shown is not None else "")
