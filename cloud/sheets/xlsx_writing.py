"""Sheets as one XLSX file. Texts stay texts: nothing in it is a formula, whatever it begins with."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from cloud.sheets.contract import Column, Sheet

ROWS_MAX = 20_000
"""Of all sheets of a file together, half a year of quarter hours: more takes longer than somebody waits, and is CSV's
work."""

TEXT_MAX = 32_767
"""Of a cell, as the format has it."""

NAME_MAX = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\']")
_FORMATS = {"money": "#,##0.00", "share": "0.0%", "instant": "yyyy-mm-dd hh:mm"}
_WIDTHS = {"money": 14, "share": 11, "instant": 17, "number": 14, "flag": 9}


def xlsx_of(sheets: Iterable[Sheet]) -> bytes:
    """All sheets in one file. Raises ValueError when they have more than ``ROWS_MAX`` rows.

    An instant is a date of the site's clock, with UTC in a column of its own beside it.
    """
    given = list(sheets)
    if sum(len(sheet.rows) for sheet in given) > ROWS_MAX:
        raise ValueError(f"more than {ROWS_MAX} rows")
    book = Workbook(write_only=True)
    names: set[str] = set()
    for sheet in given:
        _write(book, sheet, _name_of(sheet.name, names))
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def _name_of(wanted: str, taken: set[str]) -> str:
    """Names of sheets are short, without some signs, and differ in more than case."""
    plain = _NOT_IN_NAMES.sub(" ", ILLEGAL_CHARACTERS_RE.sub("", wanted)).strip() or "Sheet"
    name, number = plain[:NAME_MAX], 2
    while name.lower() in taken:
        tail = f" {number}"
        name, number = plain[: NAME_MAX - len(tail)] + tail, number + 1
    taken.add(name.lower())
    return name


def _write(book: Workbook, sheet: Sheet, name: str) -> None:
    page = book.create_sheet(name)
    page.freeze_panes = "A2"
    makers: list[Callable[[object], Sequence[Any]]] = []
    head: list[Any] = []
    for column in sheet.columns:
        headings = [column.heading]
        if column.kind == "instant":
            headings = [f"{column.heading} ({sheet.zone})", f"{column.heading} (UTC)"]
        for heading in headings:
            width = _WIDTHS.get(column.kind, 18)
            page.column_dimensions[get_column_letter(len(head) + 1)].width = max(width, min(40, len(heading) + 4))
            head.append(_heading(page, heading))
        makers.append(_maker(page, column, ZoneInfo(sheet.zone)))
    page.append(head)
    for row in sheet.rows:
        page.append([cell for make, value in zip(makers, row, strict=True) for cell in make(value)])


def _heading(page: Any, text: str) -> Any:
    cell = _text(page, text)
    cell.font = Font(bold=True)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _maker(page: Any, column: Column, zone: ZoneInfo) -> Callable[[object], Sequence[Any]]:
    """What makes cells of a column's values; two cells of an instant."""

    def instant(value: object) -> Sequence[Any]:
        if not isinstance(value, int):
            return (None, None)
        utc = datetime.fromtimestamp(value / 1000, UTC)
        return (number(utc.astimezone(zone).replace(tzinfo=None))[0], utc.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def number(value: object) -> Sequence[Any]:
        if value is None:
            return (None,)
        if column.kind == "number":
            return (value,)
        cell = WriteOnlyCell(page, value)
        cell.number_format = _FORMATS[column.kind]
        return (cell,)

    def flag(value: object) -> Sequence[Any]:
        return (None if value is None else "yes" if value else "no",)

    def text(value: object) -> Sequence[Any]:
        if value is None or value == "":
            return (None,)
        if isinstance(value, str) and not value.startswith("=") and value.isprintable() and len(value) <= TEXT_MAX:
            return (value,)
        return (_text(page, str(value)),)

    makers = {"instant": instant, "flag": flag, "text": text}
    return makers.get(column.kind, number)


def _text(page: Any, text: str) -> Any:
    """A cell that holds a text even where it begins like a formula."""
    cell = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub("", text)[:TEXT_MAX])
    cell.data_type = "s"
    return cell
