"""A site written as TOML: a table for each asset, named by its kind, and tables for days, units and places.

[site]
id = "east-compound"

[[vehicle]]
id = "zhe-a-3m902"
plate = "浙A·3M902"
seats = 4
devices = { position = "car-01" }
"""

import difflib
from collections.abc import Mapping
from functools import partial

from cloud.assets.calendar import parse_day
from cloud.assets.map_rules import Fault
from cloud.assets.site_plan import ASSETS_MAX, KINDS, UNITS_MAX, Place, SitePlan
from protocols.errors import BadSettings
from protocols.settings import Document, spell

DAYS_MAX = 4_000
ROWS_MAX = {"unit": UNITS_MAX, "day": DAYS_MAX}
TABLES = ("site", "unit", "day", "place", *KINDS)


def read_toml(text: str, site: str) -> SitePlan:
    """What the text says of a site (``site`` "" takes what it names itself); faults are in the plan."""
    try:
        document = Document("", text)
    except BadSettings as error:
        return SitePlan(site, faults=[Fault(error.line, error.key, error.message)])
    plan = SitePlan(site)
    about = document.values.get("site", {})
    named = about.get("id") if isinstance(about, dict) else about
    if isinstance(named, str) and site and named != site:
        plan.wrong(Place(document.line("site", "id"), "site.id"), f"the file is of site {named!r}, not of {site!r}")
    if not site:
        plan.site = named if isinstance(named, str) else ""
    for table, rows in document.values.items():
        if plan.is_hopeless:
            break
        if table not in TABLES:
            near = difflib.get_close_matches(table, TABLES, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            plan.wrong(Place(document.line(table), table), f"unknown table{hint} (allowed: {', '.join(TABLES)})")
        elif table != "site":
            _take_table(plan, document, table, rows)
    return plan


def _take_table(plan: SitePlan, document: Document, table: str, rows: object) -> None:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        plan.wrong(Place(document.line(table), table), f"written as [[{table}]]")
        return
    if len(rows) > ROWS_MAX.get(table, ASSETS_MAX):
        plan.wrong(
            Place(document.line(table), table), f"{len(rows)} of them; at most {ROWS_MAX.get(table, ASSETS_MAX)}"
        )
        return
    for index, row in enumerate(rows):
        if plan.is_hopeless:
            return
        path = (table, index)
        place = Place(document.line(*path), spell(path), partial(document.line, *path))
        match table:
            case "unit":
                _take_unit(plan, row, place)
            case "day":
                _take_day(plan, row, place)
            case "place":
                _take_place(plan, row, place)
            case kind:
                plan.add(kind, row, place)


def _take_unit(plan: SitePlan, row: Mapping[str, object], place: Place) -> None:
    name = row.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 80:
        plan.wrong(place.below("name"), "a text of 1 to 80 characters")
        return
    plan.units = [*(plan.units or []), name]


def _take_day(plan: SitePlan, row: Mapping[str, object], place: Place) -> None:
    try:
        day = parse_day(row, plan.site)
    except ValueError as error:
        plan.wrong(place, str(error))
        return
    if any(known.day == day.day for known in plan.days or []):
        plan.wrong(place.below("day"), f"{day.day} stands here twice")
    plan.days = [*(plan.days or []), day]


def _take_place(plan: SitePlan, row: Mapping[str, object], place: Place) -> None:
    longitude, latitude = row.get("longitude"), row.get("latitude")
    rest = {key: value for key, value in row.items() if key not in ("longitude", "latitude")}
    if not isinstance(longitude, int | float) or not isinstance(latitude, int | float):
        plan.wrong(place.below("latitude"), "a place needs latitude and longitude, in degrees")
        return
    if not -90 <= latitude <= 90 or not -180 <= longitude <= 180:
        plan.wrong(place.below("latitude"), f"{latitude}, {longitude} is nowhere on earth; are they swapped?")
        return
    point = {"type": "Point", "coordinates": [float(longitude), float(latitude)]}
    plan.places.append(({"type": "Feature", "properties": {"kind": "place", **rest}, "geometry": point}, place))
