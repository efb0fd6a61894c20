"""What energy has, as tables: amounts by step, bills, balances, anomalies. Exports and reports are made of these."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from cloud.energy.balance import Balance
from cloud.energy.buckets import Step, buckets
from cloud.energy.contract import BASE_MS, DOUBTFUL, MICRO, UNITS, EnergyFault, Flag, Intervals, Source
from cloud.energy.pages import Total, add
from cloud.energy.structure import Meter, Structure
from cloud.energy.suspects import Suspect
from cloud.registry.energy_book import StoredStructure
from cloud.reports.words import Language, columns, word
from cloud.sheets.contract import Sheet
from cloud.tariffs.contract import Bill

AMOUNTS = "kind id name from until value unit coverage measured quality source flags"
BALANCE = (
    "meter name from until children fed used gap unit gap_share two_u significant coverage verdict "
    "suspect fault factor explains"
)
LINES = "meter name kind line band month quantity unit price amount currency coverage not_measured document how note"
ROWS_MAX = 200_000


class TooLarge(EnergyFault):
    """More rows than anybody reads; the message says what would be right."""


class Amounts(Protocol):
    """Where amounts come from (``cloud.energy.feature.Energy``)."""

    def structure(self, site: str) -> StoredStructure: ...

    async def intervals(self, site: str, meter: str, since: int, until: int) -> Intervals | None: ...

    async def balance(self, site: str, meter: str, since: int, until: int) -> tuple[Balance, list[Suspect]]: ...


class Span(NamedTuple):
    """[since, until) of a site (ms), for a file in a language."""

    site: str
    since: int
    until: int
    zone: ZoneInfo
    language: Language = "en"


class Thing(NamedTuple):
    """Something whose amounts are told: a meter, or a space as the sum of meters."""

    kind: Literal["meter", "space"]
    id: str
    name: str
    unit: str
    meters: tuple[str, ...]


def meters_of(structure: Structure, chosen: Sequence[str] = ()) -> list[Thing]:
    """Meters, all of them without a choice. Raises EnergyFault for one there is not."""
    for name in chosen:
        if name not in structure.meter:
            raise EnergyFault(f"there is no meter {name[:64]!r}")
    wanted = [structure.meter[name] for name in chosen] if chosen else structure.meters
    return [Thing("meter", each.id, each.name, UNITS[each.medium], (each.id,)) for each in wanted]


def spaces_of(structure: Structure, chosen: Sequence[str] = (), medium: str = "electricity") -> list[Thing]:
    """Spaces, all that have meters without a choice. Raises EnergyFault for one there is not."""
    known = {space.id: space for space in structure.spaces}
    for name in chosen:
        if name not in known:
            raise EnergyFault(f"there is no space {name[:64]!r}")
    found = []
    for space in [known[name] for name in chosen] if chosen else structure.spaces:
        meters = tuple(each.id for each in structure.counted_in(space.id, medium))
        if meters or chosen:
            found.append(Thing("space", space.id, space.name, UNITS[medium], meters))
    return found


class EnergyTables:
    """Makes the tables; changes nothing."""

    def __init__(self, amounts: Amounts) -> None:
        self._amounts = amounts

    def structure(self, site: str) -> Structure:
        return self._amounts.structure(site).structure

    async def amounts(self, span: Span, things: Sequence[Thing], step: Step | Literal["total"]) -> Sheet:
        """What things used, by step of the site's clock or in one sum. Raises TooLarge."""
        each_ms = {"15m": BASE_MS, "1h": 4 * BASE_MS, "1d": 96 * BASE_MS, "1mo": 28 * 96 * BASE_MS}.get(step, 2**60)
        if len(things) * ((span.until - span.since) // each_ms + 1) > ROWS_MAX:
            raise TooLarge(f"more than {ROWS_MAX} rows: a shorter time, fewer meters or a larger step")
        rows: list[list[object]] = []
        known: dict[str, Mapping[tuple[int, int], Total]] = {}
        for thing in things:
            for meter in thing.meters:
                if meter not in known:
                    intervals = await self._amounts.intervals(span.site, meter, span.since, span.until)
                    known[meter] = await asyncio.to_thread(_by_step, intervals, span.zone.key, step)
            rows += await asyncio.to_thread(_rows, thing, [known[meter] for meter in thing.meters], span.language)
        name = {"meter": "meters", "space": "spaces"}.get(things[0].kind, "amounts") if things else "amounts"
        title = word(name, span.language)
        return Sheet(title, columns(AMOUNTS, span.language), rows, span.zone.key)

    async def balances(self, span: Span, chosen: Sequence[str] = ()) -> Sheet:
        """Each meter that feeds others against them; one row for each suspect of a gap."""
        structure = self.structure(span.site)
        rows: list[list[object]] = []
        for parent in chosen or tuple(structure.children):
            found, suspects = await self._amounts.balance(span.site, parent, span.since, span.until)
            rows += _balance_rows(span, structure, structure.meter[parent], found, suspects)
        return Sheet(word("balance", span.language), columns(BALANCE, span.language), rows, span.zone.key)


def bill_sheet(meter: Meter | None, name: str, bill: Bill, language: Language) -> Sheet:
    """The lines of a bill, and its total at the end."""

    def said(code: str) -> str:
        return word(code, language)

    called = meter.name if meter is not None else name
    rows: list[list[object]] = [
        [
            name,
            called,
            said(line.kind),
            line.name if line.kind != "energy" else said(line.name),
            said(line.band) if line.band else "",
            line.month,
            line.quantity,
            line.unit,
            line.price,
            line.amount,
            bill.currency,
            None if line.coverage is None else line.coverage.share,
            line.not_measured,
            line.source,
            line.how,
            line.note,
        ]
        for line in bill.lines
    ]
    note = "; ".join(bill.warnings)
    total: list[object] = [name, called, said("total"), f"{bill.since} – {bill.until}", "", "", bill.energy, bill.unit]
    total += [bill.per_unit, bill.total, bill.currency, bill.coverage.share, None, bill.tariff, bill.rounding, note]
    return Sheet(said("bill"), columns(LINES, language), [*rows, total])


def quality_of(total: Total) -> str:
    """``good``, ``uncertain`` or ``bad`` (nothing is known), as an interval's."""
    if total.micro is None:
        return "bad"
    whole = total.covered_ms == total.length_ms and total.source is Source.MEASURED
    return "good" if whole and not Flag(total.flags) & DOUBTFUL else "uncertain"


Edges = tuple[int, int]


def _by_step(intervals: Intervals | None, zone: str, step: Step | Literal["total"]) -> dict[Edges, Total]:
    if intervals is None or not len(intervals):
        return {}
    if step == "total":
        found = buckets(intervals, zone, "1mo")
        return {(intervals.first, intervals.end): add([each.total for each in found])}
    return {(each.start, each.end): each.total for each in buckets(intervals, zone, step)}


def _rows(thing: Thing, parts: Sequence[Mapping[Edges, Total]], language: Language) -> list[list[object]]:
    edges = sorted({edge for part in parts for edge in part})
    found: list[list[object]] = []
    for edge in edges:
        total = add([part[edge] for part in parts if edge in part])
        found.append(
            [
                word(thing.kind, language),
                thing.id,
                thing.name,
                *edge,
                None if total.micro is None else total.micro / MICRO,
                thing.unit,
                round(total.coverage, 6),
                None if total.micro is None else total.measured / MICRO,
                word(quality_of(total), language),
                word(total.source.name.lower(), language),
                ", ".join(word((flag.name or "").lower(), language) for flag in Flag if flag in Flag(total.flags)),
            ]
        )
    return found


def _balance_rows(
    span: Span, structure: Structure, parent: Meter, found: Balance, suspects: Sequence[Suspect]
) -> list[list[object]]:
    said: list[object] = [
        parent.id,
        parent.name,
        span.since,
        span.until,
        " ".join(each.id for each in structure.children[parent.id]),
        found.parent / MICRO,
        found.children / MICRO,
        found.gap / MICRO,
        UNITS[parent.medium],
        found.share,
        2 * found.uncertainty / MICRO,
        found.significant,
        found.coverage,
        word(found.verdict, span.language),
    ]
    if not suspects:
        return [[*said, None, None, None, None]]
    return [[*said, one.meter, word(one.fault, span.language), one.factor, one.explains] for one in suspects]
