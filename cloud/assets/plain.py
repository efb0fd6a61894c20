"""Assets of kinds that no feature shows: their facts, their devices, and how fresh these are."""

from collections.abc import Sequence

from cloud.assets.contract import Asset, AssetKey, Happened, Observed, Roster, Shown
from cloud.live.entities import device_id
from cloud.live.state import LiveState

PLAIN_KINDS = ("reader", "meter", "driver")
"""A feature that comes to show one of these itself takes it out of this list."""

PRIVATE = frozenset({"cards"})
"""Facts that open doors are shown to nobody who only looks."""


class PlainAssets:
    """Shows them. A ``Listener`` and a watcher of the roster."""

    kinds = PLAIN_KINDS

    def __init__(self, roster: Roster, shown: Shown, live: LiveState) -> None:
        self._roster, self._shown, self._live = roster, shown, live
        self._last: dict[AssetKey, dict[str, object]] = {}
        self._seen: dict[AssetKey, tuple[int, int, str]] = {}

    def open(self) -> None:
        """Show what there is, with the age that live state knows of its devices."""
        for kind in self.kinds:
            for asset in self._roster.all(kind):
                for binding in asset.bindings:
                    device = self._live.find(device_id(asset.key.site, binding.device))
                    if device is not None:
                        observed_at, received_at, quality = self._live.views.summary(device)
                        if observed_at is not None and received_at is not None:
                            self._see(asset.key, observed_at, received_at, quality)
                self._show(asset)

    def asset_changed(self, key: AssetKey, asset: Asset | None) -> None:
        """A watcher of the roster."""
        if key.kind not in self.kinds:
            return
        if asset is not None:
            self._show(asset)
            return
        self._last.pop(key, None)
        self._seen.pop(key, None)
        self._shown.hide(key.entity)

    async def observed(self, observed: Sequence[Observed]) -> None:
        changed = {}
        for each in observed:
            if self._see(each.asset.key, each.at, each.received_at, each.quality):
                changed[each.asset.key] = each.asset
        for asset in changed.values():
            self._show(asset)

    async def happened(self, happened: Sequence[Happened]) -> None:
        for each in happened:
            key, event = each.asset.key, each.event
            last = self._last.get(key)
            if last is not None and isinstance(last["at"], int) and last["at"] > event.at:
                continue
            self._last[key] = {"kind": event.kind, "at": event.at, "who": self._who(key.site, event.data)}
            self._see(key, event.at, each.received_at, "good")
            self._show(each.asset, urgent=True)

    def _who(self, site: str, data: dict[str, str | int | float | bool | None]) -> str:
        """The person whose card it was; empty for a card nobody carries."""
        card = data.get("card_key")
        person = self._roster.by_card(site, card) if isinstance(card, str) else None
        return person.name if person is not None else ""

    def _see(self, key: AssetKey, at: int, received_at: int, quality: str) -> bool:
        before = self._seen.get(key)
        if before is not None and before[0] > at:
            return False
        self._seen[key] = (at, received_at, quality)
        return True

    def _show(self, asset: Asset, *, urgent: bool = False) -> None:
        key = asset.key
        observed_at, received_at, quality = self._seen.get(key, (None, None, "good"))
        devices = [self._live.find(device_id(key.site, each.device)) for each in asset.bindings]
        limits = [each.stale_after_s for each in devices if each is not None and each.stale_after_s is not None]
        states = [each.attributes.get("state") for each in devices if each is not None]
        self._shown.show(
            key.entity,
            key.kind,
            key.site,
            title=asset.name,
            attributes={
                "facts": {name: value for name, value in asset.facts.items() if name not in PRIVATE},
                "latitude": asset.facts.get("latitude"),
                "longitude": asset.facts.get("longitude"),
                "unit": asset.unit,
                "devices": [each.device for each in asset.bindings],
                "device_state": states[0] if states else ("waiting" if asset.bindings else None),
                "last": self._last.get(key),
            },
            observed_at=observed_at,
            received_at=received_at,
            quality=quality,
            stale_after_s=max(limits) if limits and observed_at is not None else None,
            urgent=urgent,
        )
