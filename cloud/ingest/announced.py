"""Which points gateways have announced. What was not announced is stored too, and shown as such."""

from cloud.store.contract import GatewayKey
from protocols.birth import Birth


class Announced:
    """The points of the newest birth of each gateway."""

    def __init__(self) -> None:
        self._points: dict[GatewayKey, frozenset[tuple[str, str]]] = {}

    def take(self, key: GatewayKey, birth: Birth) -> None:
        """Remember a birth; it replaces the one before."""
        self._points[key] = frozenset((device.id, point.name) for device in birth.devices for point in device.points)

    def is_unannounced(self, key: GatewayKey, device: str, point: str) -> bool:
        """True when no birth of this gateway named the point."""
        return (device, point) not in self._points.get(key, frozenset())
