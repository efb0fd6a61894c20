"""An XLSX file that somebody filled in. Values only: formulas count as what the spreadsheet last showed."""

import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from cloud.sheets.filled import BadSheet, Filled

UNPACKED_MAX = 64 << 20
"""A small file may unpack to a very large one."""
SHEETS_MAX, COLUMNS_MAX, ROWS_MAX = 20, 100, 30_000
NO_XLSX = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    OSError,
    IndexError,
    EOFError,
    RuntimeError,  # a part that is encrypted, or packed in a way that is not known
)
"""What reading a damaged file ends in."""


def xlsx_filled(data: bytes) -> list[Filled]:
    """Every sheet that has a header. Raises BadSheet."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as parts:
            if sum(part.file_size for part in parts.infolist()) > UNPACKED_MAX:
                raise BadSheet(0, f"unpacks to more than {UNPACKED_MAX >> 20} MiB")
        book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        if len(book.worksheets) > SHEETS_MAX:
            raise BadSheet(0, f"more than {SHEETS_MAX} sheets")
        return [found for page in book.worksheets if (found := _read(page)) is not None]
    except NO_XLSX as error:
        raise BadSheet(0, f"no XLSX file: {error}") from None


def _read(page: Any) -> Filled | None:
    rows: list[tuple[int, list[str]]] = []
    for line, cells in enumerate(page.iter_rows(max_col=COLUMNS_MAX, values_only=True), 1):
        if line > ROWS_MAX:
            raise BadSheet(line, f"sheet {page.title!r} has more than {ROWS_MAX} rows")
        texts = [_text(cell) for cell in cells]
        if any(texts):
            rows.append((line, texts))
    if not rows:
        return None
    header = [name.lower() for name in rows[0][1]]
    while header and not header[-1]:
        header.pop()
    return Filled(page.title, header, _cut(rows[1:], len(header)))


def _cut(rows: list[tuple[int, list[str]]], width: int) -> Iterator[tuple[int, list[str]]]:
    """Without the empty cells behind the last column."""
    for line, cells in rows:
        while len(cells) > width and not cells[-1]:
            cells.pop()
        yield line, cells


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() | date():
            return value.isoformat()
        case _:
            return str(value).strip()
