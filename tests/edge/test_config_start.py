"""With which file a process begins: the box wins, a trial that is over goes back, and nothing damaged is ever run."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from edge.cli import main
from edge.config_start import begin, look
from edge.config_store import ConfigStore, Held, Record, Trial
from protocols.clock import ManualClock
from protocols.site_config import sha256_of

BOX = """
[gateway]
site = "east"
id = "b3"
[uplink]
url = "mqtt://collector:1883"
[remote_config]
enabled = true
"""
FAR = BOX + '[[bus]]\nname = "line"\nkind = "modbus-tcp"\nhost = "10.0.0.6"\n'
BOOT = "boot-1"


class Box:
    """A folder with a site file, and a text from afar in its store."""

    def __init__(self, folder: Path) -> None:
        self.path, self.clock = folder / "site.toml", ManualClock()
        self.path.write_text(BOX, encoding="utf-8")
        self.store = ConfigStore(folder / "buffer.db")
        self.far = Held(3, self.store.keep(FAR.encode()))
        self.record = Record(highest=3, box=sha256_of(BOX.encode()))

    def confirmed(self, **changes: object) -> None:
        self.store.write(msgspec.structs.replace(self.record, good=self.far, **changes))

    def on_trial(self, **changes: object) -> None:
        trial = Trial(text=self.far, boot=BOOT, deadline=self.clock.monotonic() + 60, within_s=60, devices=(), starts=0)
        self.store.write(msgspec.structs.replace(self.record, trial=msgspec.structs.replace(trial, **changes)))

    def begins(self) -> tuple[str, int, bool]:
        found = begin(self.path, self.clock, BOOT)
        return found.source, found.revision, found.trying

    def why(self) -> str:
        (told,) = self.store.read().untold
        assert told.kind == "config_rolled_back"
        return str(told.data["reason"])


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_where_nothing_came_the_box_is_in_force_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(BOX.replace("true", "false"), encoding="utf-8")
    found = begin(path, ManualClock(), BOOT)
    assert (found.source, found.site.buses) == ("box", ())
    assert [each.name for each in tmp_path.iterdir()] == ["site.toml"]


def test_a_confirmed_file_is_in_force(box: Box) -> None:
    box.confirmed()
    assert box.begins() == ("collector", 3, False)
    assert [bus.name for bus in begin(box.path, box.clock, BOOT).site.buses] == ["line"]


@pytest.mark.parametrize("edit", [BOX + "# by hand\n", BOX.replace("true", "false")])
def test_the_box_wins_when_it_was_edited_or_allows_nothing(box: Box, edit: str) -> None:
    box.confirmed()
    box.path.write_text(edit, encoding="utf-8")
    assert box.begins() == ("box", 0, False)
    box.path.write_text(BOX, encoding="utf-8")
    assert box.begins() == ("box", 0, False), "and it stays so"
    assert box.store.read().highest == 3


def test_a_trial_begins_twice_and_not_a_third_time(box: Box) -> None:
    box.on_trial()
    assert [box.begins() for _ in range(3)] == [("collector", 3, True), ("collector", 3, True), ("box", 0, False)]
    assert box.why() == "crashed"


@pytest.mark.parametrize(("changes", "why"), [({"boot": "boot-0"}, "restarted"), ({"deadline": -1.0}, "not_confirmed")])
def test_a_trial_of_another_boot_or_past_its_time_is_over(box: Box, changes: dict[str, object], why: str) -> None:
    box.on_trial(**changes)
    assert box.begins() == ("box", 0, False)
    assert box.why() == why


def test_a_trial_goes_back_to_what_was_confirmed_before(box: Box) -> None:
    newer = Held(4, box.store.keep((FAR + "# newer\n").encode()))
    trial = Trial(text=newer, boot="boot-0", deadline=1e9, within_s=60, devices=())
    box.confirmed(trial=trial)
    assert box.begins() == ("collector", 3, False)


@pytest.mark.parametrize("content", [b"", b"damaged", FAR.encode() + b"\n"])
def test_a_text_that_is_not_what_it_was_is_never_run(box: Box, content: bytes) -> None:
    box.on_trial()
    (box.store.folder / f"{box.far.sha256}.toml").write_bytes(content)
    assert box.begins() == ("box", 0, False)
    assert box.why() == "cannot_start"


@pytest.mark.parametrize("content", [b"", b"{", b'{"highest": "x"}', b"\xff"])
def test_a_record_that_is_damaged_is_set_aside(box: Box, content: bytes) -> None:
    box.confirmed()
    (box.store.folder / "record.json").write_bytes(content)
    assert box.begins() == ("box", 0, False)
    assert (box.store.folder / "record.damaged").read_bytes() == content


def test_what_came_from_afar_does_not_say_what_may_come(box: Box) -> None:
    text = FAR.replace("enabled = true", "enabled = true\nmay_allow_commands = true").encode()
    box.far = Held(3, box.store.keep(text))
    box.confirmed()
    assert not begin(box.path, box.clock, BOOT).site.remote_config.may_allow_commands


def test_looking_changes_nothing_and_check_says_what_runs(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.on_trial()
    before = box.store.read()
    assert look(box.path, box.clock, BOOT).trying
    assert box.store.read() == before
    box.confirmed()
    assert main(["check", str(box.path), "--json"]) == 0
    (hint,) = [each for each in json.loads(capsys.readouterr().out)["hints"] if "revision" in each]
    assert hint.startswith("the gateway runs revision 3 from the collector")
