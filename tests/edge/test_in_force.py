"""The installer's tools go by the site file that runs, and say so; by the one on the box when asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli import main
from edge.config_store import ConfigStore, Held, Record
from edge.status_page_state import PageDesk
from protocols.clock import ManualClock
from protocols.site_config import sha256_of

BOX = """
[gateway]
site = "east"
id = "b3"
[uplink]
url = "mqtts://collector:8883"
[remote_config]
enabled = true
[[bus]]
name = "line"
kind = "modbus-tcp"
host = "127.0.0.1"
[[device]]
id = "old-meter"
profile = "eastron/sdm630"
bus = "line"
unit = 1
"""
NEW = BOX.replace("old-meter", "new-meter")
SAID = "the gateway runs revision 4 from the collector; --file goes by the file on the box"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(BOX, encoding="utf-8")
    store = ConfigStore(tmp_path / "buffer.db")
    store.write(Record(highest=4, box=sha256_of(BOX.encode()), good=Held(4, store.keep(NEW.encode()))))
    return path


@pytest.mark.parametrize(
    "words",
    [["read", "{}", "nobody"], ["watch", "{}", "nobody"], ["write", "{}", "nobody", "relay_1", "on", "--yes"],
     ["read", "{}", "nobody", "--orders"]],
)  # fmt: skip
def test_a_tool_goes_by_the_file_that_runs(site: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    asked = [word.format(site) for word in words]
    assert main(asked) == 2
    said = capsys.readouterr()
    assert SAID in said.err
    assert "new-meter" in said.err or "write" in words, "its devices are those of the file that runs"
    assert "old-meter" not in said.err

    assert main([*asked, "--file"]) == 2
    said = capsys.readouterr()
    assert SAID not in said.err
    assert "old-meter" in said.err or "write" in words


def test_nothing_is_said_where_the_file_on_the_box_runs(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text(BOX + "# edited\n", encoding="utf-8")
    assert main(["read", str(site), "nobody"]) == 2
    said = capsys.readouterr()
    assert "collector;" not in said.err
    assert "old-meter" in said.out + said.err


def test_the_status_page_tells_the_revision_until_the_box_is_edited(site: Path) -> None:
    desk = PageDesk(site, ManualClock())
    assert (desk.state().revision, desk.state().trying) == (4, False)
    site.write_text(BOX + "# edited\n", encoding="utf-8")
    assert desk.state().revision == 0
