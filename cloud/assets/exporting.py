"""A site as files that bring it in again without changing anything (``importing``): TOML whole, CSV its assets.

Places of the map that a file can say are in the TOML; areas and roads stay in the map, which an import adds to.
"""

import csv
import io
from collections.abc import Iterable, Mapping

from cloud.assets.contract import Asset
from cloud.assets.desk import AssetDesk
from cloud.assets.import_csv import OWN, read_csv
from cloud.assets.maps import features_of
from cloud.assets.site_plan import is_same
from cloud.sheets.toml_text import toml_table
from protocols.errors import Permanent


class NotSaid(Permanent):
    """Some of it cannot be said in this format; ``names`` says of what, as ``kind:id``."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        super().__init__(f"{len(names)} assets cannot be said in CSV without loss: {', '.join(names[:5])}")


def site_toml(desk: AssetDesk, site: str) -> str:
    """All of a site that ``import_toml`` reads."""
    parts = [toml_table("[site]", {"id": site})]
    parts += [toml_table("[[unit]]", {"name": name}) for name in desk.units(site)]
    parts += [
        toml_table("[[day]]", {"day": day.day, "type": day.type} | ({"name": day.name} if day.name else {}))
        for day in desk.calendar.days(site)
    ]
    parts += [toml_table("[[place]]", row) for row in _places(desk.maps.document(site) or {})]
    parts += [toml_table(f"[[{asset.key.kind}]]", _row(asset)) for asset in desk.roster.all(site=site)]
    return "\n".join(parts)


def site_csv(desk: AssetDesk, site: str) -> str:
    """The assets of a site, a row each. Raises NotSaid when reading them back would give something else."""
    assets = desk.roster.all(site=site)
    facts = sorted({name for asset in assets for name in asset.facts})
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*OWN, *facts])
    for asset in assets:
        devices = ";".join(f"{each.role}={each.device}" for each in asset.bindings)
        own = [asset.key.kind, asset.key.id, asset.name, asset.unit, devices]
        writer.writerow([*own, *(_cell(asset.facts.get(name)) for name in facts)])
    text = out.getvalue()
    read = {each.key: each for each, _ in read_csv(text, site).assets}
    lost = [asset for asset in assets if asset.key not in read or not is_same(asset, read[asset.key])]
    if lost:
        raise NotSaid([f"{asset.key.kind}:{asset.key.id}" for asset in lost])
    return text


def _row(asset: Asset) -> dict[str, object]:
    devices: dict[str, list[str]] = {}
    for role, device in asset.bindings:
        devices.setdefault(role, []).append(device)
    row: dict[str, object] = {"id": asset.key.id, "name": asset.name}
    if asset.unit:
        row["unit"] = asset.unit
    row |= asset.facts
    if devices:
        row["devices"] = {role: named[0] if len(named) == 1 else named for role, named in devices.items()}
    return row


def _places(document: Mapping[str, object]) -> Iterable[dict[str, object]]:
    """Points of a map that come back as they are."""
    for feature in features_of(document):
        about, shape = feature.get("properties"), feature.get("geometry")
        if not isinstance(about, dict) or not isinstance(shape, dict) or shape.get("type") != "Point":
            continue
        spot = shape.get("coordinates")
        if feature.keys() != {"type", "properties", "geometry"} or not isinstance(spot, list) or len(spot) != 2:
            continue
        if about.get("id") and about.get("kind") and not {"longitude", "latitude"} & about.keys():
            yield {**about, "longitude": float(spot[0]), "latitude": float(spot[1])}


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ";".join(str(each) for each in value)
        case int() | float():
            return repr(value)
        case _:
            return str(value)
