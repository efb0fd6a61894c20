"""Sheets that somebody filled in: the header, and rows with the line each stands on."""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from protocols.errors import Permanent

FLAGS = {"true": True, "yes": True, "1": True, "是": True, "false": False, "no": False, "0": False, "否": False}
"""How people write yes and no in a cell, in lower case."""


class BadSheet(Permanent):
    """A file that is no sheet; ``line``: where reading ended."""

    def __init__(self, line: int, message: str) -> None:
        self.line, self.message = line, message
        super().__init__(f"line {line}: {message}")


class Filled(NamedTuple):
    """One sheet. ``header`` in lower case; ``rows`` as (line, cells) without empty ones; they may raise BadSheet."""

    name: str
    header: list[str]
    rows: Iterator[tuple[int, list[str]]]


def csv_filled(text: str) -> Filled:
    """A CSV whose cells are parted by commas, semicolons or tabs. Raises BadSheet."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for cells in lines:
                if any(cell.strip() for cell in cells):
                    yield lines.line_num, cells
        except csv.Error as error:
            raise BadSheet(lines.line_num, f"no CSV: {error}") from None

    try:
        header = [name.strip().lower() for name in next(lines, [])]
    except csv.Error as error:
        raise BadSheet(lines.line_num, f"no CSV: {error}") from None
    return Filled("", header, rows())
