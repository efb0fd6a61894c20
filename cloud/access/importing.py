"""Bringing people, cards and rules in from a file: read, check, and write all of it or nothing.

TOML has a table for each record, named by its kind, as in ``[[holder]]``; CSV a row for each holder with a card, whose
groups are made where there are none. Instants are days or local times of the site; a last day is the whole of it.
What is not named stays: a field, a column, and an empty cell too, so that no table of names gives a lost card back.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from cloud.access.contract import (
    TYPES,
    AccessChange,
    BadRecord,
    Group,
    Holder,
    Permission,
    PlannedOnOld,
    Record,
    RecordKey,
    SiteAccess,
    key_of,
)
from cloud.access.register import AccessRegister
from cloud.assets.map_rules import Fault
from cloud.sheets.filled import FLAGS, BadSheet, csv_filled
from protocols.errors import BadSettings, StoreUnavailable
from protocols.settings import Document, spell

FORMATS = ("toml", "csv")
FAULTS_MAX = 50
TRIES = 5
"""To bring a file in while somebody else changes the same site."""
ROWS_MAX = 50_000
COLUMNS = {
    "id": "holder",
    "name": "holder",
    "unit": "holder",
    "until": "holder",
    "disabled": "holder",
    "groups": "group",
    "card": "credential",
    "kind": "credential",
    "label": "credential",
    "level": "credential",
    "card_from": "credential",
    "card_until": "credential",
    "blocked": "credential",
    "exempt": "credential",
    "lasting": "credential",
}
EITHER = {"holder": "group", "group": "holder", "door": "door_group", "door_group": "door"}
"""Fields of a permission that take each other's place."""
INSTANTS = {"until": "until_at", "from": "from_at", "card_from": "from_at", "card_until": "until_at"}


@dataclass(slots=True)
class Outcome:
    """What an import did, or would do. With errors nothing was written."""

    site: str
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    written: bool = False
    names: list[str] = field(default_factory=list)
    """What is new or different, as ``kind:id``."""
    errors: list[Fault] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    there: SiteAccess
    zone: ZoneInfo
    records: dict[RecordKey, Record] = field(default_factory=dict)
    lines: dict[RecordKey, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def wrong(self, line: int, key: str, message: str) -> None:
        self.faults.append(Fault(line, key, message))

    def put(self, kind: str, values: Mapping[str, object], line: int, where: str) -> None:
        """A record of the file, over what is there; what it names is checked when all are there."""
        shaped: dict[str, object] = {}
        for name, value in values.items():
            try:
                shaped[INSTANTS.get(name, name)] = self._instant(name, value) if name in INSTANTS else value
            except ValueError as error:
                self.wrong(line, f"{where}.{name}", str(error))
                return
        name = str(shaped.get("id", ""))
        before = self.there.of(kind).get(name)
        if kind == "holder":
            shaped["number"] = before.number if isinstance(before, Holder) else new_number()
        unknown = shaped.keys() - set(TYPES[kind].__struct_fields__)
        if unknown:
            allowed = ", ".join(sorted(each for each in TYPES[kind].__struct_fields__ if each != "number"))
            self.wrong(line, f"{where}.{min(unknown)}", f"unknown (allowed: {allowed})")
            return
        try:
            record: Record = msgspec.convert({**_kept(before, shaped), **shaped}, TYPES[kind])
        except msgspec.ValidationError as error:
            self.wrong(line, where, str(error))
            return
        key = key_of(record)
        if key in self.records and kind != "group" and self.records[key] != record:
            self.wrong(line, where, f"{kind} {record.id!r} stands here twice, and not alike")
            return
        self.records[key] = record
        self.lines.setdefault(key, line)

    def _instant(self, name: str, value: object) -> int | None:
        if value == "":
            return None
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
            except ValueError:
                raise ValueError(f"{str(value)[:40]!r} is no day; write it like 2026-12-31") from None
        if isinstance(value, datetime):
            return round((value if value.tzinfo else value.replace(tzinfo=self.zone)).timestamp() * 1000)
        if not isinstance(value, date):
            raise ValueError(f"{value!r} is no day; write it like 2026-12-31")
        if value >= date.max:
            raise ValueError(f"{value} is too far ahead; write an earlier day, or leave it out where there is no end")
        day = value + timedelta(days=1) if name.endswith("until") else value
        return round(datetime.combine(day, time(), self.zone).timestamp() * 1000)


def _kept(before: Record | None, named: Mapping[str, object]) -> dict[str, object]:
    """Of what is there, what a file leaves as it is."""
    if before is None:
        return {}
    kept = {name: getattr(before, name) for name in before.__struct_fields__}
    if isinstance(before, Permission):
        for name in (each for each in named.keys() & EITHER.keys() if named[each]):
            kept[EITHER[name]] = ""
    return kept


def new_number() -> int:
    """What lists call a new holder: a number that says nothing of them."""
    return 1 + secrets.randbelow(2**40)


async def import_access(
    register: AccessRegister, site: str, text: str, *, form: str, zone: ZoneInfo, by: str, dry_run: bool = False
) -> Outcome:
    """``form`` is one of ``FORMATS``. Raises StoreUnavailable."""
    for _ in range(TRIES):
        there = register.site(site)
        try:
            return await _bring_in(register, site, there, text, form=form, zone=zone, by=by, dry_run=dry_run)
        except PlannedOnOld:
            continue
    raise StoreUnavailable(f"access of {site} is being changed all the time; bring the file in again")


async def _bring_in(
    register: AccessRegister,
    site: str,
    there: SiteAccess,
    text: str,
    *,
    form: str,
    zone: ZoneInfo,
    by: str,
    dry_run: bool,
) -> Outcome:
    plan = await asyncio.to_thread(_read, text, form, there, zone)
    if plan.faults:
        return Outcome(site, errors=sorted(plan.faults)[:FAULTS_MAX])
    change = AccessChange(site=site, put=tuple(plan.records.values()), by=by)
    try:
        if dry_run:
            await asyncio.to_thread(register.check, change)
        else:
            await register.apply(change, on=there)
    except BadRecord as error:
        faults = [
            Fault(plan.lines.get(RecordKey(each.kind, each.id), 0), f"{each.kind}:{each.id}.{each.field}", each.message)
            for each in error.faults
        ]
        return Outcome(site, errors=sorted(faults))
    created = [key for key in plan.records if key.id not in there.of(key.kind)]
    changed = [key for key, record in plan.records.items() if there.of(key.kind).get(key.id) not in (None, record)]
    return Outcome(
        site,
        created=len(created),
        changed=len(changed),
        unchanged=len(plan.records) - len(created) - len(changed),
        written=not dry_run and bool(created or changed),
        names=[f"{key.kind}:{key.id}" for key in [*created, *changed]],
    )


def _read(text: str, form: str, there: SiteAccess, zone: ZoneInfo) -> _Plan:
    plan = _Plan(there, zone)
    if form == "toml":
        _read_toml(plan, text)
    else:
        _read_csv(plan, text)
    return plan


def _read_toml(plan: _Plan, text: str) -> None:
    try:
        document = Document("", text)
    except BadSettings as error:
        plan.wrong(error.line, error.key, error.message)
        return
    for table, rows in document.values.items():
        if table not in TYPES or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            plan.wrong(document.line(table), table, f"unknown table (allowed: {', '.join(f'[[{k}]]' for k in TYPES)})")
            continue
        for index, row in enumerate(rows):
            if len(plan.faults) >= FAULTS_MAX:
                return
            plan.put(table, row, document.line(table, index), spell((table, index)))


def _read_csv(plan: _Plan, text: str) -> None:
    members: dict[str, dict[str, int]] = {}
    try:
        sheet = csv_filled(text)
        for name in sheet.header:
            if name not in COLUMNS:
                plan.wrong(1, name[:40], f"unknown column (allowed: {', '.join(COLUMNS)})")
        for needed in ("id", "name"):
            if needed not in sheet.header:
                plan.wrong(1, needed, "this column is missing; the first line names the columns")
        if plan.faults:
            return
        for count, (line, cells) in enumerate(sheet.rows):
            if count >= ROWS_MAX or len(plan.faults) >= FAULTS_MAX:
                plan.wrong(line, "", f"more than {ROWS_MAX} rows") if count >= ROWS_MAX else None
                return
            _take(plan, dict(zip(sheet.header, (cell.strip() for cell in cells), strict=False)), line, members)
    except BadSheet as error:
        plan.wrong(error.line, "", error.message)
    for group, found in members.items():
        known = plan.there.groups.get(group) or Group(id=group, name=group)
        after = tuple(dict.fromkeys((*known.members, *found)))
        plan.records[RecordKey("group", group)] = msgspec.structs.replace(known, members=after)
        plan.lines[RecordKey("group", group)] = min(found.values())


def _take(plan: _Plan, row: dict[str, str], line: int, members: dict[str, dict[str, int]]) -> None:
    filled = {name: cell for name, cell in row.items() if cell}
    values: dict[str, dict[str, object]] = {"holder": {}, "credential": {}}
    for name, cell in filled.items():
        if name == "groups":
            for group in cell.replace("；", ";").split(";"):
                members.setdefault(group.strip(), {}).setdefault(filled.get("id", ""), line)
        else:
            values[COLUMNS[name]][{"card": "id"}.get(name, name)] = _typed(name, cell)
    plan.put("holder", values["holder"], line, f"line {line}")
    if "card" in filled:
        plan.put("credential", {"holder": filled.get("id", ""), **values["credential"]}, line, f"line {line}")


def _typed(name: str, cell: str) -> object:
    if name in ("disabled", "exempt", "lasting"):
        return FLAGS.get(cell.lower(), cell)
    if name == "level" and cell.isascii() and cell.isdecimal():
        return int(cell)
    return cell
