"""The assets there are now, in RAM, and who is told when one changes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from cloud.assets.contract import Asset, AssetKey, Binding
from cloud.registry.asset_book import AssetBook, SiteChange
from protocols.errors import Permanent

CARRIERS = ("guard", "technician", "driver")
"""Kinds of assets that are people, known by their cards."""

Watcher = Callable[[AssetKey, Asset | None], None]
"""Told of an asset that is new or different, or (None) gone. Must not raise."""


class RevConflict(Permanent):
    """Somebody else changed it meanwhile; ``rev`` is the current one, 0 when there is none."""

    def __init__(self, rev: int) -> None:
        self.rev = rev
        super().__init__(f"it is at revision {rev} now")


class AssetRoster:
    """See ``cloud.assets.contract.Roster``. ``open`` first; what changes is on disk before it is in RAM."""

    def __init__(self, book: AssetBook) -> None:
        self._book = book
        self._assets: dict[AssetKey, Asset] = {}
        self._revs: dict[AssetKey, int] = {}
        self._sorted: list[Asset] | None = None
        self._bound: defaultdict[tuple[str, str], list[tuple[Asset, Binding]]] = defaultdict(list)
        self._cards: dict[tuple[str, str], AssetKey] = {}
        self._watchers: list[Watcher] = []

    async def open(self) -> None:
        """Read what was written down."""
        for asset, rev in await self._book.assets():
            self._take(asset, rev)

    def watch(self, watcher: Watcher) -> None:
        """Tell of changes from now on. What is there already: ``all``."""
        self._watchers.append(watcher)

    def find(self, key: AssetKey) -> Asset | None:
        return self._assets.get(key)

    def rev(self, key: AssetKey) -> int:
        """How often it was written; 0 for what does not exist."""
        return self._revs.get(key, 0)

    def all(self, kind: str | None = None, site: str | None = None) -> Sequence[Asset]:
        """By key."""
        if self._sorted is None:
            self._sorted = [self._assets[key] for key in sorted(self._assets)]
        if kind is None and site is None:
            return list(self._sorted)
        return [each for each in self._sorted if kind in (None, each.key.kind) and site in (None, each.key.site)]

    def bound(self, site: str, device: str) -> Sequence[tuple[Asset, Binding]]:
        """What a device tells about."""
        return tuple(self._bound.get((site, device), ()))

    def by_card(self, site: str, card_key: str) -> Asset | None:
        """The guard, technician or driver who carries this card."""
        key = self._cards.get((site, card_key))
        return self._assets.get(key) if key is not None else None

    def expect(self, key: AssetKey, rev: int | None) -> None:
        """Raises RevConflict when the asset is not at the revision somebody thinks; None expects nothing."""
        now = self.rev(key)
        if rev is not None and now != rev:
            raise RevConflict(now)

    async def change(self, change: SiteChange) -> int:
        """Write, then take over and tell. Returns how often the book was written then."""
        changes = await self._book.write(change)
        revs = [self._revs.get(asset.key, 0) + 1 for asset in change.put]
        self._replace(change.removed, list(zip(change.put, revs, strict=True)))
        return changes

    async def reload(self) -> None:
        """Another process wrote: take over what is different, and tell."""
        there = await self._book.assets()
        gone = self._assets.keys() - {asset.key for asset, _ in there}
        different = [(asset, rev) for asset, rev in there if self._assets.get(asset.key) != asset]
        self._revs.update({asset.key: rev for asset, rev in there if asset.key in self._revs})
        self._replace(sorted(gone), different)

    def _replace(self, removed: Sequence[AssetKey], put: Sequence[tuple[Asset, int]]) -> None:
        gone = [key for key in removed if self._drop(key)]
        for asset, _ in put:
            self._drop(asset.key)
        for asset, rev in put:
            self._take(asset, rev)
        for key in gone:
            self._tell(key, None)
        for asset, _ in put:
            self._tell(asset.key, asset)

    def _tell(self, key: AssetKey, asset: Asset | None) -> None:
        for watcher in self._watchers:
            watcher(key, asset)

    def _take(self, asset: Asset, rev: int) -> None:
        key = asset.key
        self._assets[key], self._revs[key], self._sorted = asset, rev, None
        for binding in asset.bindings:
            self._bound[key.site, binding.device].append((asset, binding))
        for card in cards_of(asset):
            self._cards[key.site, card] = key

    def _drop(self, key: AssetKey) -> bool:
        asset = self._assets.pop(key, None)
        if asset is None:
            return False
        self._revs.pop(key)
        self._sorted = None
        for device in {binding.device for binding in asset.bindings}:
            left = [each for each in self._bound[key.site, device] if each[0].key != key]
            if left:
                self._bound[key.site, device] = left
            else:
                del self._bound[key.site, device]
        for card in cards_of(asset):
            if self._cards.get((key.site, card)) == key:
                del self._cards[key.site, card]
        return True


def cards_of(asset: Asset) -> Iterable[str]:
    """The card keys a person carries; none for what is no person."""
    return asset.texts("cards") if asset.key.kind in CARRIERS else ()
