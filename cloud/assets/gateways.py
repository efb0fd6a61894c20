"""Gateways as things of a site: where each stands and what it is called there, put beside what live state knows of it.

An asset of the kind ``gateway`` names one by its id, or by the fact ``gateway``. One never heard of is shown, too.
"""

import re

from cloud.assets.contract import Asset, AssetKey, Roster
from cloud.live.state import LiveState
from cloud.store.contract import GatewayKey
from protocols.reading import ID_PATTERN

KIND = "gateway"


class PlacedGateways:
    """A watcher of the roster. The attribute ``placed`` of a gateway's entity is null while no asset names it."""

    def __init__(self, roster: Roster, live: LiveState) -> None:
        self._roster, self._live = roster, live
        self._on: dict[AssetKey, GatewayKey] = {}

    def open(self) -> None:
        """Place those there are."""
        for asset in self._roster.all(KIND):
            self._place(asset)

    def asset_changed(self, key: AssetKey, asset: Asset | None) -> None:
        """A watcher of the roster."""
        if key.kind != KIND:
            return
        before = self._on.pop(key, None)
        if before is not None:
            self._put(before, None)
        if asset is not None:
            self._place(asset)

    def _place(self, asset: Asset) -> None:
        name = asset.text("gateway") or asset.key.id
        if re.fullmatch(ID_PATTERN.pattern, name) is None:
            return
        gateway = GatewayKey(asset.key.site, name)
        self._on[asset.key] = gateway
        self._put(
            gateway,
            {
                "asset": asset.key.id,
                "name": asset.name,
                "unit": asset.unit,
                "building": asset.text("building"),
                "floor": asset.text("floor"),
                "latitude": asset.facts.get("latitude"),
                "longitude": asset.facts.get("longitude"),
            },
        )

    def _put(self, gateway: GatewayKey, placed: dict[str, object] | None) -> None:
        entity = self._live.gateway(gateway)
        if entity.put("placed", placed):
            self._live.dirty.add(entity.index)
            self._live.on_gateway(entity)
            self._live.on_change()
