"""A structure as a file says it, from TOML, CSV or XLSX: every fault with its line and what would be right.

TOML has a table for each thing, CSV and XLSX a row:

[[meter]]                                             thing,id,name,space,device,point,register.rated
id = "b3-main"                                        meter,b3-main,B3 main,b3,b3-main,active_energy_import_total,400
space = "b3"
register = { resolution = "0.01", rated = 400 }

A sheet of XLSX that is named after what its rows are (``space``, ``unit``, ``meter``) needs no column ``thing``.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from cloud.assets.map_rules import Fault
from cloud.assets.site_plan import FAULTS_MAX, Place
from cloud.energy.contract import Register
from cloud.energy.structure import THINGS_MAX, Meter, Space, Structure, Unit, flaws
from cloud.sheets.file_text import text_of
from cloud.sheets.filled import FLAGS, BadSheet, Filled, csv_filled
from cloud.sheets.xlsx_reading import xlsx_filled
from protocols.errors import BadSettings
from protocols.reading import ID_RULE, is_id
from protocols.settings import Document, spell

Thing = Space | Unit | Meter
THINGS: dict[str, type[Thing]] = {"space": Space, "unit": Unit, "meter": Meter}
SHEETS = {name: thing for thing in THINGS for name in (thing, f"{thing}s")} | {
    "空间": "space",
    "组织": "unit",
    "部门": "unit",
    "表计": "meter",
}
"""Names of sheets, in lower case."""
THING = "thing"
COLUMNS_MAX = 100


@dataclass(slots=True)
class StructurePlan:
    """What a file says. ``things`` by kind and id."""

    things: dict[tuple[str, str], tuple[Thing, Place]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def wrong(self, place: Place, message: str) -> None:
        """Note a fault."""
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(Fault(place.line, place.key, message))

    @property
    def is_hopeless(self) -> bool:
        return len(self.faults) >= FAULTS_MAX or len(self.things) > THINGS_MAX

    def add(self, kind: str, values: Mapping[str, object], place: Place) -> None:
        """Take a thing as written."""
        values = {"name": values.get("id", ""), **values}
        name = values.get("id")
        if not isinstance(name, str) or not is_id(name):
            self.wrong(place.below("id"), f"{name!r} is no id: {ID_RULE}")
            return
        if (kind, name) in self.things:
            self.wrong(place.below("id"), f"{name!r} stands in line {self.things[kind, name][1].line} already")
            return
        taken = self._taken(THINGS[kind], values, place)
        if taken is not None:
            self.things[kind, name] = (THINGS[kind](**taken), place)

    def _taken(self, struct: type[msgspec.Struct], values: Mapping[str, object], place: Place) -> dict[str, Any] | None:
        """The fields of a struct; None when one cannot be taken."""
        fields = {each.name: each for each in msgspec.structs.fields(struct)}
        found: dict[str, Any] = {}
        before = len(self.faults)
        for name, value in values.items():
            if name not in fields:
                near = difflib.get_close_matches(name, fields, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                self.wrong(place.below(name), f"unknown{hint} (allowed: {', '.join(fields)})")
            elif fields[name].type is Register:
                if not isinstance(value, Mapping):
                    self.wrong(place.below(name), 'a table, like { resolution = "0.01", rated = 400 }')
                    continue
                inner = self._taken(Register, value, place.below(name))
                found[name] = None if inner is None else Register(**inner)
            else:
                try:
                    found[name] = msgspec.convert(value, fields[name].type, strict=False)
                except (msgspec.ValidationError, ValueError, ArithmeticError):
                    self.wrong(place.below(name), f"{str(value)[:60]!r} is {_wanted(fields[name].type)}")
        for name, each in fields.items():
            if each.required and name not in values:
                self.wrong(place.below(name), f"missing; {_wanted(each.type).removeprefix('not ')}")
        return found if len(self.faults) == before else None

    def check(self, structure: Structure) -> None:
        """Note what does not fit together in the structure this makes."""
        for thing, name, message in flaws(structure)[:FAULTS_MAX]:
            kind, _, id_ = thing.partition(":")
            known = self.things.get((kind, id_))
            if known is not None:
                self.wrong(known[1].below(name), message)
            else:
                self.wrong(Place(0, f"{thing}.{name}"), f"{message} (stands at the site, not in the file)")


def merged(plan: StructurePlan, before: Structure, *, remove: bool) -> Structure:
    """The structure with what the file says; ``remove``: and nothing else."""
    found: dict[str, dict[str, Any]] = {kind: {} for kind in THINGS}
    if not remove:
        for kind, known in each_thing(before):
            found[kind][known.id] = known
    for (kind, name), (thing, _) in plan.things.items():
        found[kind][name] = thing
    return Structure(
        spaces=tuple(found["space"].values()),
        units=tuple(found["unit"].values()),
        meters=tuple(found["meter"].values()),
    )


def each_thing(structure: Structure) -> Iterable[tuple[str, Thing]]:
    """All of a structure with their kinds."""
    yield from (("space", space) for space in structure.spaces)
    yield from (("unit", unit) for unit in structure.units)
    yield from (("meter", meter) for meter in structure.meters)


def read_structure(data: bytes, form: str) -> StructurePlan:
    """``form``: toml, csv or xlsx. Faults are in the plan."""
    plan = StructurePlan()
    try:
        if form == "xlsx":
            for sheet in xlsx_filled(data):
                _take_sheet(plan, sheet)
        elif form == "csv":
            _take_sheet(plan, csv_filled(text_of(data).text))
        else:
            _take_document(plan, Document("", text_of(data).text))
    except BadSheet as error:
        plan.wrong(Place(error.line, ""), error.message)
    except BadSettings as error:
        plan.wrong(Place(error.line, error.key), error.message)
    return plan


def _take_document(plan: StructurePlan, document: Document) -> None:
    for table, rows in document.values.items():
        place = Place(document.line(table), table)
        if table not in THINGS:
            near = difflib.get_close_matches(table, THINGS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            plan.wrong(place, f"unknown table{hint} (allowed: {', '.join(THINGS)})")
        elif not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            plan.wrong(place, f"written as [[{table}]]")
        else:
            for index, row in enumerate(rows):
                if plan.is_hopeless:
                    return
                path = (table, index)
                plan.add(table, row, Place(document.line(*path), spell(path), partial(document.line, *path)))


def _take_sheet(plan: StructurePlan, sheet: Filled) -> None:
    named = SHEETS.get(sheet.name.strip().lower(), "")
    if not _check_header(plan, sheet, named):
        return
    for line, cells in sheet.rows:
        if plan.is_hopeless:
            return
        if len(cells) > len(sheet.header):
            plan.wrong(Place(line, sheet.name), f"{len(cells)} cells, but {len(sheet.header)} columns")
            continue
        row = {name: cell.strip() for name, cell in zip(sheet.header, cells, strict=False) if cell.strip()}
        kind = row.pop(THING, named).lower()
        if kind not in THINGS:
            plan.wrong(Place(line, THING), f"{kind[:40]!r} is none of {', '.join(THINGS)}")
            continue
        values: dict[str, Any] = {}
        for name, cell in row.items():
            outer, _, inner = name.partition(".")
            if inner:
                values.setdefault(outer, {})[inner] = cell
            else:
                values[name] = _plain(name, cell)
        plan.add(kind, values, Place(line, f"{kind}:{row.get('id', '')}"))


def _check_header(plan: StructurePlan, sheet: Filled, named: str) -> bool:
    columns = {THING, *(column for kind in THINGS for column in columns_of(kind))}
    before = len(plan.faults)
    if len(sheet.header) > COLUMNS_MAX:
        plan.wrong(Place(1, sheet.name), f"{len(sheet.header)} columns; at most {COLUMNS_MAX}")
        return False
    needed = ["id"] if named else [THING, "id"]
    for name in needed:
        if name not in sheet.header:
            where = f"sheet {sheet.name!r}: " if sheet.name else ""
            plan.wrong(Place(1, name), f"{where}this column is missing; the first line names the columns")
    for name in sheet.header:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            plan.wrong(Place(1, name), f"unknown column{hint} (allowed: {', '.join(sorted(columns))})")
        elif sheet.header.count(name) > 1:
            plan.wrong(Place(1, name), "this column stands there twice")
    return len(plan.faults) == before


def columns_of(kind: str) -> list[str]:
    """The columns of a thing in a sheet, in order."""
    found: list[str] = []
    for each in msgspec.structs.fields(THINGS[kind]):
        inner = msgspec.structs.fields(Register) if each.type is Register else ()
        found += [f"{each.name}.{one.name}" for one in inner] or [each.name]
    return found


def _plain(name: str, cell: str) -> object:
    if name == "counted" or name == "two_person":
        return FLAGS.get(cell.lower(), cell)
    # A spreadsheet's text that began like a formula was written with an apostrophe in front.
    return cell[1:] if cell.startswith("'") and cell[1:2] in tuple("=+-@") else cell


def _wanted(kind: Any) -> str:
    """``not ...``: what a value of this type is."""
    parts = [part for part in get_args(kind) if part is not type(None)]
    if get_origin(kind) in (Union, UnionType) and len(parts) == 1:
        return _wanted(parts[0])
    if get_origin(kind) is Literal:
        return f"not one of {', '.join(map(str, get_args(kind)))}"
    return {Decimal: "not a number", int: "not a whole number", bool: "not true or false"}.get(kind, "not a text")
