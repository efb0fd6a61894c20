"""A whole site as a file says it: checked, and compared with what there is, before anything is written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from cloud.assets.book import AssetRoster, cards_of
from cloud.assets.calendar import SiteCalendar
from cloud.assets.contract import Asset, AssetKey, Binding
from cloud.assets.facts import FACTS, check_facts
from cloud.assets.map_rules import Fault, check_map
from cloud.assets.maps import SiteMaps, features_of
from cloud.registry.asset_book import CalendarDay, SiteChange
from protocols.reading import ID_RULE, is_id

ROLES = ("position", "contact", "lock", "reader", "presence", "odometer", "ignition", "meter", "tag")
NAME_MAX = 80
UNITS_MAX = 2_000
ASSETS_MAX = 20_000
FACTS_MAX = 200
FAULTS_MAX = 1_000
"""Nobody reads more; what comes after them is not looked at."""


def _no_line(_: str) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the file. ``line_of``: on which line a key below it stands, 0 when nobody knows."""

    line: int
    key: str
    line_of: Callable[[str], int] = _no_line

    def below(self, part: str) -> "Place":
        return Place(self.line_of(part) or self.line, f"{self.key}.{part}" if self.key else part)


@dataclass(slots=True)
class SitePlan:
    """What a file says of a site. None where it says nothing: that stays as it is."""

    site: str
    assets: list[tuple[Asset, Place]] = field(default_factory=list)
    days: list[CalendarDay] | None = None
    units: list[str] | None = None
    places: list[tuple[dict[str, object], Place]] = field(default_factory=list)
    """GeoJSON features, put into the site's map by id."""
    faults: list[Fault] = field(default_factory=list)

    def wrong(self, place: Place, message: str) -> None:
        """Note a fault."""
        self.faults.append(Fault(place.line, place.key, message))

    @property
    def is_hopeless(self) -> bool:
        """There are so many faults that nothing more need be read."""
        return len(self.faults) >= FAULTS_MAX

    def add(self, kind: str, values: Mapping[str, object], place: Place) -> None:
        """Take an asset as written: ``id``, ``name``, ``unit``, ``devices`` by role, and facts beside them."""
        facts = {key: value for key, value in values.items() if key not in ("id", "name", "unit", "devices")}
        name = values.get("id")
        if not isinstance(name, str) or not is_id(name):
            self.wrong(place.below("id"), f"{name!r} is no id: {ID_RULE}")
            return
        if len(facts) > FACTS_MAX:
            self.wrong(place, f"{len(facts)} facts; at most {FACTS_MAX}")
            return
        title, unit = values.get("name", name), values.get("unit", "")
        for key, text in (("name", title), ("unit", unit)):
            if not isinstance(text, str) or len(text) > NAME_MAX or not text.isprintable():
                self.wrong(place.below(key), f"a text of at most {NAME_MAX} characters")
        for fault in check_facts(kind, facts):
            allowed = f" (allowed: {fault.allowed})" if fault.allowed else ""
            self.wrong(place.below(fault.fact), fault.message + allowed)
        bindings = self._bindings(values.get("devices", {}), place.below("devices"))
        asset_key = AssetKey(self.site, kind, name)
        self.assets.append(
            (Asset(key=asset_key, name=str(title), unit=str(unit), facts=facts, bindings=bindings), place)
        )

    def _bindings(self, devices: object, place: Place) -> tuple[Binding, ...]:
        if not isinstance(devices, Mapping):
            self.wrong(place, 'devices by role, like { position = "car-01" }')
            return ()
        found = []
        for role, named in devices.items():
            if role not in ROLES:
                self.wrong(place.below(str(role)), f"{role!r} is no role: {', '.join(ROLES)}")
                continue
            for device in named if isinstance(named, list) else [named]:
                if not isinstance(device, str) or not is_id(device):
                    self.wrong(place.below(role), f"{device!r} is no device id: {ID_RULE}")
                else:
                    found.append(Binding(role, device))
        return tuple(dict.fromkeys(found))

    def check(self, roster: AssetRoster, maps: SiteMaps) -> None:
        """Note what does not fit together, here and with what there is."""
        seen: dict[AssetKey, Place] = {}
        for asset, place in self.assets:
            if asset.key in seen:
                self.wrong(place.below("id"), f"{asset.key.id!r} stands in line {seen[asset.key].line} already")
            seen.setdefault(asset.key, place)
        if len(self.assets) > ASSETS_MAX:
            self.wrong(Place(0, "assets"), f"{len(self.assets)} assets, at most {ASSETS_MAX}")
        self._check_cards([asset for asset in roster.all(site=self.site) if asset.key not in seen])
        self._check_units()
        if self.places:
            known = [asset.spot for asset, _ in self.assets if asset.spot is not None]
            self.faults += check_map(self.document(maps), known)

    def _check_cards(self, others: Iterable[Asset]) -> None:
        held = {card: asset.name for asset in others for card in cards_of(asset)}
        for asset, place in self.assets:
            for card in cards_of(asset):
                if card in held:
                    self.wrong(place.below("cards"), f"card {card[:12]!r} is held by {held[card]!r} already")
                held[card] = asset.name

    def _check_units(self) -> None:
        units = self.units or []
        if len(units) > UNITS_MAX:
            self.wrong(Place(0, "units"), f"{len(units)} units, at most {UNITS_MAX}")
        twice = {name for name in units if units.count(name) > 1} if len(units) <= UNITS_MAX else set()
        for name in sorted(twice):
            self.wrong(Place(0, "units"), f"{name!r} stands there twice")

    def document(self, maps: SiteMaps) -> dict[str, object]:
        """The map of the site with the places of this file in it."""
        before = maps.document(self.site) or {"type": "FeatureCollection", "features": []}
        features = features_of(before)
        at = {_id_of(feature): index for index, feature in enumerate(features) if _id_of(feature)}
        for feature, _ in self.places:
            index = at.get(_id_of(feature))
            if index is None:
                features.append(feature)
            else:
                features[index] = feature
        return {**before, "features": features}


class Difference(NamedTuple):
    """What a plan would change. ``missing``: assets of the site that the file does not name."""

    created: list[str]
    changed: list[str]
    unchanged: int
    missing: list[AssetKey]
    change: SiteChange | None
    """None when nothing is different."""


def compare(
    plan: SitePlan, roster: AssetRoster, calendar: SiteCalendar, maps: SiteMaps, units: Sequence[str], *, remove: bool
) -> Difference:
    """What is different from what there is. ``remove``: assets that the file does not name shall go."""
    created: list[str] = []
    changed: list[str] = []
    put: list[Asset] = []
    unchanged = 0
    for asset, _ in plan.assets:
        known = roster.find(asset.key)
        if known is not None and is_same(known, asset):
            unchanged += 1
            continue
        (created if known is None else changed).append(f"{asset.key.kind}:{asset.key.id}")
        put.append(asset)
    named = {asset.key for asset, _ in plan.assets}
    missing = [asset.key for asset in roster.all(site=plan.site) if asset.key not in named]
    days = plan.days if plan.days is not None and sorted(plan.days) != calendar.days(plan.site) else None
    new_units = plan.units if plan.units is not None and plan.units != list(units) else None
    document = plan.document(maps) if plan.places else None
    if document is not None and document == maps.document(plan.site):
        document = None
    changed += [name for name, new in (("days", days), ("units", new_units), ("map", document)) if new is not None]
    removed = missing if remove else []
    nothing = not put and not removed and days is None and new_units is None and document is None
    change = SiteChange(plan.site, put, removed, days, new_units, document)
    return Difference(created, changed, unchanged, missing, None if nothing else change)


def is_same(one: Asset, other: Asset) -> bool:
    """Equal as they are kept: what is a tuple here comes back as a list."""
    kept, new = (msgspec.json.decode(msgspec.json.encode(each)) for each in (one, other))
    return bool(kept == new)


def _id_of(feature: Mapping[str, object]) -> str:
    about = feature.get("properties")
    return str(about.get("id", "")) if isinstance(about, dict) else ""


KINDS = tuple(FACTS)
