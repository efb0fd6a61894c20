"""Files as Excel and editors of Chinese and other offices write them."""

from __future__ import annotations

import pytest

from cloud.sheets.file_text import text_of
from cloud.sheets.filled import BadSheet

SHEET = "id,name,unit\np1,王小明,后勤处\np2,朱镕基,办公室\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_chinese_is_read_as_it_was_written(encoding: str) -> None:
    read = text_of(SHEET.encode(encoding))
    assert read.text == SHEET
    assert read.encoding == ("UTF-8" if encoding.startswith("utf") else "GB18030")


def test_ascii_is_ascii() -> None:
    assert text_of(b"id,name\np1,Li\n") == ("id,name\np1,Li\n", "UTF-8")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id,name\np1,Müller\np2,Jørgen Åse\n", "latin-1"),
        ("id,name\np1,François, Zoé\n", "cp1252"),
        ("id,name\np1,Straße\n", "cp1252"),
    ],
)
def test_what_is_neither_is_told_with_its_line_and_not_guessed_at(text: str, encoding: str) -> None:
    with pytest.raises(BadSheet) as refused:
        text_of(text.encode(encoding))
    assert refused.value.line == 2
    assert "save the file as UTF-8" in str(refused.value)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a\n\x00\xff\n", b"id\n\x80\x80\x80\n"])
def test_bytes_that_are_no_text_are_told(data: bytes) -> None:
    with pytest.raises(BadSheet):
        text_of(data)
