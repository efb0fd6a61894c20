"""Bringing the structure of a site in from a file, and writing it out as one that changes nothing when it is read."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from cloud.assets.importing import Outcome
from cloud.energy.contract import Register
from cloud.energy.feature import Energy
from cloud.energy.structure import Structure
from cloud.energy.structure_plan import THING, THINGS, Thing, columns_of, each_thing, merged, read_structure
from cloud.sheets.contract import Column, Sheet
from cloud.sheets.csv_sheet import csv_of
from cloud.sheets.toml_text import toml_table
from cloud.sheets.xlsx_writing import xlsx_of

FORMATS = ("toml", "csv", "xlsx")


async def import_structure(
    energy: Energy, site: str, data: bytes, *, form: str, dry_run: bool, remove: bool, by: str, why: str
) -> Outcome:
    """All of it or nothing; the same file twice changes nothing. Raises EnergyFault when it changes meanwhile."""
    plan = await asyncio.to_thread(read_structure, data, form)
    stored = energy.structure(site)
    before = stored.structure
    wanted = merged(plan, before, remove=remove)
    if not plan.faults:
        plan.check(wanted)
    if plan.faults:
        return Outcome(site, errors=sorted(plan.faults))
    old = {(kind, each.id): each for kind, each in each_thing(before)}
    new = [key for key in plan.things if key not in old]
    other = [key for key, (thing, _) in plan.things.items() if key in old and old[key] != thing]
    gone = [key for key in old if key not in plan.things]
    changes = bool(new or other or (remove and gone))
    if changes and not dry_run:
        await energy.put_structure(site, wanted, rev=stored.rev, by=by, why=why or f"brought in as {form}")
    return Outcome(
        site,
        created=len(new),
        changed=len(other),
        unchanged=len(plan.things) - len(new) - len(other),
        removed=len(gone) if remove else 0,
        missing=0 if remove else len(gone),
        written=changes and not dry_run,
        names=[f"{kind}:{name}" for kind, name in (*new, *other)],
        gone=[f"{kind}:{name}" for kind, name in gone],
    )


def write_structure(structure: Structure, form: str) -> bytes:
    """All of it as a file of one of ``FORMATS``."""
    if form == "toml":
        return "\n".join(toml_table(f"[[{kind}]]", _said(each)) for kind, each in each_thing(structure)).encode()
    if form == "csv":
        columns = list(dict.fromkeys([THING, *(column for kind in THINGS for column in columns_of(kind))]))
        rows = [[kind if column == THING else _cell(each, column) for column in columns]
                for kind, each in each_thing(structure)]  # fmt: skip
        return csv_of(Sheet("structure", [Column(name, name) for name in columns], rows))
    sheets = []
    for kind in THINGS:
        columns = columns_of(kind)
        rows = [[_cell(each, column) for column in columns] for one, each in each_thing(structure) if one == kind]
        sheets.append(Sheet(kind, [Column(name, name) for name in columns], rows))
    return xlsx_of(sheets)


def _said(thing: msgspec.Struct) -> dict[str, object]:
    """What is not as it is when nothing is said."""
    found: dict[str, object] = {}
    for each in msgspec.structs.fields(thing):
        value = getattr(thing, each.name)
        if not each.required and value == each.default:
            continue
        found[each.name] = _said(value) if isinstance(value, Register) else _plain(value)
    return found


def _plain(value: object) -> object:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _cell(thing: Thing, column: str) -> object:
    outer, _, inner = column.partition(".")
    known: object = _said(thing).get(outer)
    if inner:
        known = known.get(inner) if isinstance(known, Mapping) else None
    if isinstance(known, bool):
        return "true" if known else "false"
    return None if known is None else str(known)
