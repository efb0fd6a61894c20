"""The text of a file that somebody made with a spreadsheet or an editor.

Excel writes "CSV" in the encoding of its Windows: GB18030 where that is Chinese.
"""

from typing import NamedTuple

from cloud.sheets.csv_text import BOM
from cloud.sheets.filled import BadSheet

_COMMON_SHARE = 0.5


class FileText(NamedTuple):
    """``encoding``: UTF-8 or GB18030, to be told to whoever brought the file."""

    text: str
    encoding: str


def text_of(data: bytes) -> FileText:
    """UTF-8, with or without a byte order mark, else GB18030 (GB 18030-2022). Raises BadSheet.

    Almost any bytes can be read as GB18030: at least half of what is not ASCII must be characters of GB 2312, the
    common ones. Chinese is, with rare names in it too; Latin text of another encoding is not. Big5 and Cyrillic
    encodings cannot be told from it, which is why the encoding is told.
    """
    try:
        return FileText(data.decode("utf-8").removeprefix(BOM), "UTF-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    foreign = [sign for sign in text if not sign.isascii()]
    common = sum(1 for sign in foreign if _is_common(sign))
    if not foreign or common < _COMMON_SHARE * len(foreign):
        raise BadSheet(line, "neither UTF-8 nor GB18030; save the file as UTF-8 (Excel: CSV UTF-8)")
    return FileText(text, "GB18030")


def _is_common(sign: str) -> bool:
    try:
        return len(sign.encode("gb2312")) > 1
    except UnicodeEncodeError:
        return False
