"""The paper says of each class what the code does, in both languages."""

import re
from pathlib import Path

import msgspec

from cloud.privacy.classes import CLASSES, OF_PEOPLE
from cloud.settings_file import RetentionTable
from tests.architecture.source import ROOT

ROW = re.compile(r"^\| (\w+) \| `(\w+)` \| (\d+) \| ([^|]+) \|$", re.MULTILINE)


def rows(path: Path) -> list[tuple[str, ...]]:
    return [found.groups() for found in ROW.finditer(path.read_text("utf-8"))]


def test_the_table_of_classes_is_that_of_the_code() -> None:
    english = rows(ROOT / "docs/PRIVACY.md")
    assert english == [(kept.name, kept.setting, str(kept.days), kept.basis) for kept in CLASSES]
    assert [row[:3] for row in rows(ROOT / "docs/PRIVACY.zh-CN.md")] == [row[:3] for row in english]


def test_the_settings_hold_what_the_classes_say() -> None:
    table = msgspec.structs.asdict(RetentionTable())
    assert {kept.setting: kept.days for kept in CLASSES} == {kept.setting: table[kept.setting] for kept in CLASSES}
    assert set(OF_PEOPLE) < {kept.name for kept in CLASSES}
