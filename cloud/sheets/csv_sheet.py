"""A sheet as CSV: each instant by the site's clock, with its offset, and in UTC beside it."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from cloud.sheets.contract import Sheet
from cloud.sheets.csv_text import BOM, csv_bytes, local_texts, utc_texts


def csv_of(sheet: Sheet, *, headings: bool = False, mark: bool = True) -> bytes:
    """The whole sheet. headings: words for people in place of names for programs. mark: with a byte order mark, by
    which Excel knows that it is UTF-8; some programs take it for a part of the first name."""
    header: list[str] = []
    columns: list[Sequence[object]] = []
    for place, column in enumerate(sheet.columns):
        name = column.heading if headings else column.id
        values = [row[place] for row in sheet.rows]
        if column.kind == "instant":
            header += [f"{name} ({sheet.zone})", f"{name} (UTC)"] if headings else [f"{name}_local", f"{name}_utc"]
            columns += [_instants(values, sheet.zone), _instants(values, "")]
        else:
            header.append(name)
            columns.append([_plain(value) for value in values])
    whole = csv_bytes(header, columns)
    return whole if mark else whole.removeprefix(BOM.encode())


def _instants(values: Sequence[object], zone: str) -> list[str | None]:
    places = [place for place, value in enumerate(values) if value is not None]
    at = np.array([values[place] for place in places], np.int64)
    found: list[str | None] = [None] * len(values)
    for place, text in zip(places, local_texts(at, zone) if zone else utc_texts(at), strict=True):
        found[place] = text
    return found


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:f}" if value >= 0 else _Number(f"{value:f}")
    return value


class _Number:
    """Digits that begin with a minus sign and are no text a spreadsheet would run."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text
