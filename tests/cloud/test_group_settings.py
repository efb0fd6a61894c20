"""Which settings make a group of collectors, and what is refused with which words."""

from pathlib import Path

import pytest

from cloud.group_member import Member
from cloud.settings import GroupPlace, load_cloud
from protocols.clock import SystemClock
from protocols.errors import BadSettings

SERVERS = """[registry]
url = "postgresql://dayuan@127.0.0.1/dayuan"
[store]
kind = "victoria"
url = "http://127.0.0.1:1"
"""


def a_file(folder: Path, text: str) -> Path:
    path = folder / "cloud.toml"
    path.write_text(text)
    return path


def test_each_of_a_group_has_a_name_of_its_own_from_the_file_or_the_command_line(tmp_path: Path) -> None:
    path = a_file(tmp_path, SERVERS + '[group]\nname = "office"\n')
    assert load_cloud(path).group == GroupPlace("office", "desk")
    assert load_cloud(path, member="c1").group == GroupPlace("office", "c1")
    assert load_cloud(None).group is None


def test_each_of_a_group_may_show_a_certificate_of_its_own(tmp_path: Path) -> None:
    text = SERVERS + '[group]\nname = "office"\n[broker]\nurl = "mqtts://b.example"\nown_certificate = true\n'
    assert load_cloud(a_file(tmp_path, text), member="c1").own_certificate


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[group]\nname = "office"\n', "shares its registry and its ledger"),
        (SERVERS.split("[store]")[0] + '[group]\nname = "office"\n', "one process owns a store in the data folder"),
        (SERVERS + '[group]\nname = "Büro"\n', "'Büro' is no name"),
        (SERVERS + '[group]\nname = "office"\nmember = "a b"\n', "'a b' is no name"),
        ('[group]\nmember = "c1"\n', "without a name of the group"),
        (SERVERS + '[group]\nname = "office"\n[broker]\nclient_id = "me"\n', "each has a name of its own"),
    ],
)
def test_what_cannot_be_a_group_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        load_cloud(a_file(tmp_path, text))


def test_who_takes_in_batches_is_not_the_one_at_the_desk_and_is_of_a_group(tmp_path: Path) -> None:
    path = a_file(tmp_path, SERVERS + '[group]\nname = "office"\n')
    with pytest.raises(BadSettings, match="write --member c1"):
        Member(load_cloud(path), SystemClock())
    with pytest.raises(BadSettings, match="these settings name no group"):
        load_cloud(None, member="c1")
