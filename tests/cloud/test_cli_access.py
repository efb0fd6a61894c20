"""``dayuan-cloud access import``."""

import shutil
from pathlib import Path

import pytest

from cloud.cli import main


@pytest.fixture
def people(tmp_path: Path, empty_registry: Path) -> Path:
    (tmp_path / "data").mkdir()
    shutil.copy(empty_registry, tmp_path / "data" / "registry.sqlite")
    path = tmp_path / "people.csv"
    path.write_text(f"id,name,card,groups\nwu,Wu,{'b' * 32},staff\n", "utf-8")
    return path


def test_people_are_brought_in_and_the_same_file_again_changes_nothing(
    people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = people.parent / "data"
    asked = ["access", "import", "--data", str(data), "--site", "east", "--json", str(people)]
    assert main([*asked, "--dry-run"]) == 0
    assert '"written": false' in capsys.readouterr().out
    assert main(asked) == 0
    assert '"created": 3' in capsys.readouterr().out
    assert main(asked) == 0
    assert '"unchanged": 3' in capsys.readouterr().out


def test_a_fault_is_named_with_its_line_and_nothing_is_written(
    people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people.write_text("id,name,card\nwu,Wu,\nli,Li,04A1B2C3\n", "utf-8")
    data = people.parent / "data"
    assert main(["access", "import", "--data", str(data), "--site", "east", str(people)]) != 0
    said = capsys.readouterr().err
    assert "people.csv:3:" in said
    assert "no card key" in said
