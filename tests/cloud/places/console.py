"""A compound for tests of the places: an organisation in RAM, and what was shown, noted and raised."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from cloud.assets.calendar import SiteCalendar
from cloud.assets.contract import Asset, AssetKey, Binding, Booked, Fence, Happened, Observed, Place
from cloud.geo.earth import Spot
from protocols.reading import Event

SITE = "east"
ZONE = "Asia/Shanghai"
DAY = 86_400_000
HOUR = 3_600_000
MINUTE = 60_000


def at(text: str, day: str = "2026-11-24") -> int:
    """``08:30`` or ``08:30:05`` of a Tuesday at the site, ms."""
    from zoneinfo import ZoneInfo

    moment = datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=ZoneInfo(ZONE))
    return round(moment.astimezone(UTC).timestamp() * 1000)


class Zones:
    """One zone everywhere."""

    def time_zone(self, site: str) -> str:
        del site
        return ZONE


class PretendRoster:
    """Assets in a dict."""

    def __init__(self, *assets: Asset) -> None:
        self.assets = {asset.key: asset for asset in assets}

    def put(self, asset: Asset) -> None:
        self.assets[asset.key] = asset

    def find(self, key: AssetKey) -> Asset | None:
        return self.assets.get(key)

    def all(self, kind: str | None = None, site: str | None = None) -> Sequence[Asset]:
        chosen = (self.assets[key] for key in sorted(self.assets))
        return [each for each in chosen if kind in (None, each.key.kind) and site in (None, each.key.site)]

    def bound(self, site: str, device: str) -> Sequence[tuple[Asset, Binding]]:
        return [(a, b) for a in self.all(site=site) for b in a.bindings if b.device == device]

    def by_card(self, site: str, card_key: str) -> Asset | None:
        return next((a for a in self.all(site=site) if card_key in a.texts("cards")), None)

    def happened(self, event: Event) -> list[Happened]:
        """As the feed would tell it."""
        return [Happened(asset, binding, event, event.at + 50) for asset, binding in self.bound(SITE, event.device)]

    def observed(self, device: str, at: int, **points: float | None) -> list[Observed]:
        """As the feed would tell it."""
        return [
            Observed(asset, binding, at, at + 50, points, "bad" if None in points.values() else "good")
            for asset, binding in self.bound(SITE, device)
        ]


class PretendJournal:
    """What is written down, as the real one keeps it."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, int, Mapping[str, object]]] = []
        self.replaced = 0

    def note(self, site: str, entity: str, kind: str, at: int, facts: Mapping[str, object]) -> None:
        del site
        self.rows.append((entity, kind, at, facts))

    def replace(
        self,
        site: str,
        entity: str,
        kinds: Sequence[str],
        since: int,
        until: int,
        rows: Sequence[tuple[str, int, Mapping[str, object]]],
    ) -> None:
        del site
        self.replaced += 1
        self.rows = [
            row for row in self.rows if not (row[0] == entity and row[1] in kinds and since <= row[2] < until)
        ] + [(entity, kind, at, facts) for kind, at, facts in rows]

    def of(self, entity: str, *kinds: str) -> list[tuple[str, int, Mapping[str, object]]]:
        """By time."""
        found = [row[1:] for row in self.rows if row[0] == entity and (not kinds or row[1] in kinds)]
        return sorted(found, key=lambda row: (row[1], row[0], str(row[2])))


class PretendShown:
    """What the console shows now."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, object]] = defaultdict(dict)

    def show(
        self,
        name: str,
        kind: str,
        site: str,
        *,
        title: str,
        attributes: Mapping[str, object],
        observed_at: int | None = None,
        received_at: int | None = None,
        quality: str = "good",
        stale_after_s: float | None = None,
        urgent: bool = False,
    ) -> None:
        del kind, site, observed_at, received_at, quality, stale_after_s, urgent
        self.things[name] |= {"title": title, **attributes}

    def hide(self, name: str) -> None:
        self.things.pop(name, None)


class PretendAlarms:
    """Alarms that are up."""

    def __init__(self) -> None:
        self.up: dict[tuple[str, str], Mapping[str, object]] = {}
        self.raised = 0

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, object]) -> None:
        self.raised += 1
        self.up[kind, source] = args

    def clear_alarm(self, kind: str, source: str) -> None:
        self.up.pop((kind, source), None)

    @property
    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.up}


class PretendHistory:
    """What the store would give back."""

    def __init__(self) -> None:
        self.past: list[Event] = []
        self.values: list[tuple[str, str, int, float | None]] = []

    async def events(self, site: str, device: str | None, since: int, until: int) -> list[Event]:
        del site
        return [each for each in self.past if device in (None, each.device) and since <= each.at < until]

    async def readings(
        self, site: str, device: str, point: str, since: int, until: int
    ) -> Sequence[tuple[int, float | None]]:
        del site
        return [(t, v) for d, p, t, v in self.values if (d, p) == (device, point) and since <= t < until]


class PretendMap:
    """Fences and places in lists."""

    def __init__(self, fences: Sequence[Fence] = (), places: Sequence[Place] = ()) -> None:
        self._fences, self._places = fences, places

    def fences(self, site: str) -> Sequence[Fence]:
        del site
        return self._fences

    def places(self, site: str) -> Sequence[Place]:
        del site
        return self._places

    def place(self, site: str, name: str) -> Place | None:
        del site
        return next((place for place in self._places if name in (place.id, place.name)), None)

    def roads(self, site: str) -> Sequence[Sequence[Spot]]:
        del site
        return ()

    def where(self, site: str, spot: Spot) -> str:
        del site, spot
        return ""


class PretendOrders:
    """Work that was given."""

    def __init__(self) -> None:
        self.booked: list[Booked] = []

    def of(self, resource: AssetKey, since: int, until: int) -> Sequence[Booked]:
        return [each for each in self.booked if each.resource == resource and each.since < until and each.until > since]


def asset(kind: str, name: str, *bindings: tuple[str, str], unit: str = "", title: str = "", **facts: object) -> Asset:
    """An asset of the site; bindings are (role, device)."""
    key = AssetKey(SITE, kind, name)
    bound = tuple(Binding(role, device) for role, device in bindings)
    return Asset(key=key, name=title or name, unit=unit, facts=facts, bindings=bound)


def calendar() -> SiteCalendar:
    return SiteCalendar(Zones())
