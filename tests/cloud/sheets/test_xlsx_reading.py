"""XLSX files that cannot be read end in BadSheet, whatever is wrong with them."""

import struct
import zipfile
from io import BytesIO

import pytest
from openpyxl import Workbook

from cloud.sheets.filled import BadSheet
from cloud.sheets.xlsx_reading import xlsx_filled

FLAGS, PACKED_HOW = 8, 10
"""Where a part's flags and its way of packing stand in its row of the directory at the end."""


def sheet() -> bytes:
    book = Workbook()
    book.active.append(["meter", "name"])
    book.active.append(["b3", "B3 main"])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def changed(name: str, offset: int, value: int) -> bytes:
    """The sheet with two bytes of the directory's row of one part changed."""
    data = bytearray(sheet())
    row = data.index(b"PK\x01\x02", zipfile.ZipFile(BytesIO(data)).start_dir)
    while not data[row + 46 :].startswith(name.encode()):
        row = data.index(b"PK\x01\x02", row + 4)
    struct.pack_into("<H", data, row + offset, value)
    return bytes(data)


def test_a_sheet_is_read() -> None:
    (found,) = xlsx_filled(sheet())
    assert found.rows


@pytest.mark.parametrize("name", ["xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize(("offset", "value"), [(FLAGS, 1), (PACKED_HOW, 99)], ids=["encrypted", "unknown packing"])
def test_a_part_that_cannot_be_unpacked_is_told(name: str, offset: int, value: int) -> None:
    with pytest.raises(BadSheet, match="no XLSX file"):
        xlsx_filled(changed(name, offset, value))
