"""A site written as CSV: a row for each asset, with a column for each fact; ``;`` between the parts of a list.

kind,id,name,unit,devices,plate,seats
vehicle,zhe-a-3m902,浙A·3M902,车队,position=car-01,浙A·3M902,4
"""

from collections.abc import Mapping

from cloud.assets.facts import FACTS, Fact
from cloud.assets.site_plan import KINDS, Place, SitePlan
from cloud.sheets.filled import FLAGS, BadSheet, csv_filled

OWN = ("kind", "id", "name", "unit", "devices")
COLUMNS_MAX = 300
LISTS = ("texts", "schedule")


def read_csv(text: str, site: str) -> SitePlan:
    """What the text says of a site; faults are in the plan."""
    plan = SitePlan(site)
    try:
        sheet = csv_filled(text)
        if not _check_header(plan, sheet.header):
            return plan
        for line, cells in sheet.rows:
            if plan.is_hopeless:
                break
            _take(plan, sheet.header, cells, line)
    except BadSheet as error:
        plan.wrong(Place(error.line, ""), error.message)
    return plan


def _check_header(plan: SitePlan, header: list[str]) -> bool:
    if len(header) > COLUMNS_MAX:
        plan.wrong(Place(1, ""), f"{len(header)} columns; at most {COLUMNS_MAX}")
        return False
    columns = {*OWN, *(name for facts in FACTS.values() for name in facts)}
    for needed in ("kind", "id"):
        if needed not in header:
            plan.wrong(Place(1, needed), "this column is missing; the first line names the columns")
    for name in header:
        if name not in columns and not name.startswith("x_"):
            plan.wrong(Place(1, name), f"unknown column (allowed: {', '.join(sorted(columns))}, x_...)")
        elif header.count(name) > 1:
            plan.wrong(Place(1, name), "this column stands there twice")
    return not plan.faults


def _take(plan: SitePlan, header: list[str], cells: list[str], line: int) -> None:
    if len(cells) > len(header):
        plan.wrong(Place(line, ""), f"{len(cells)} cells, but {len(header)} columns")
        return
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if cell.strip()}
    kind = row.pop("kind", "")
    place = Place(line, f"{kind}:{row.get('id', '')}")
    if kind not in KINDS:
        plan.wrong(Place(line, "kind"), f"{kind!r} is no kind of asset: {', '.join(KINDS)}")
        return
    values: dict[str, object] = {}
    for name, cell in row.items():
        if name == "devices":
            values[name] = _devices(cell)
        elif name in OWN:
            values[name] = cell
        else:
            values[name] = _typed(FACTS[kind].get(name), cell)
    plan.add(kind, values, place)


def _devices(cell: str) -> Mapping[str, object]:
    found: dict[str, list[str]] = {}
    for part in _parts(cell):
        role, _, device = part.partition("=")
        found.setdefault(role.strip(), []).append(device.strip())
    return found


def _typed(fact: Fact | None, cell: str) -> object:
    """The cell as the fact wants it; as it stands when it cannot be read, so that the check names it."""
    if fact is None:
        return cell
    if fact.type in LISTS:
        return _parts(cell)
    if fact.type == "flag":
        return FLAGS.get(cell.lower(), cell)
    if fact.type in ("number", "whole"):
        try:
            value = float(cell)
        except ValueError:
            return cell
        return int(value) if value.is_integer() else value
    return cell


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.replace("；", ";").split(";") if part.strip()]
