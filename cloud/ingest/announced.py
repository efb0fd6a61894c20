"""Which points gateways have announced. What was not announced is stored too, and shown as such."""

from collections.abc import Iterable, Set

from cloud.store.contract import GatewayKey
from cloud.store.series_book import SeriesBook
from protocols.birth import Birth


class Announced:
    """The points of the newest birth of each gateway."""

    def __init__(self) -> None:
        self._points: dict[GatewayKey, frozenset[tuple[str, str]]] = {}
        self._counted: dict[GatewayKey, tuple[int, tuple[int, int]]] = {}

    def take(self, key: GatewayKey, birth: Birth) -> None:
        """Remember a birth; it replaces the one before."""
        self._points[key] = frozenset((device.id, point.name) for device in birth.devices for point in device.points)
        self._counted.pop(key, None)

    def is_unannounced(self, key: GatewayKey, device: str, point: str) -> bool:
        """True when no birth of this gateway named the point."""
        return (device, point) not in self._points.get(key, frozenset())

    def odd_series(self, key: GatewayKey, seen: Set[int], book: SeriesBook) -> tuple[int, int]:
        """How many of the series a gateway sent are (unannounced, of a point not in the vocabulary)."""
        known = self._counted.get(key)
        if known is not None and known[0] == len(seen):
            return known[1]
        numbers: Iterable[int] = list(seen)
        unannounced = unknown = 0
        for number in numbers:
            name = book.name(number)
            unannounced += self.is_unannounced(key, name.device, name.point)
            unknown += not book.in_vocabulary(number)
        self._counted[key] = (len(seen), (unannounced, unknown))
        return unannounced, unknown
