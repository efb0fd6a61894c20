"""The number of a broker's session outlives the process, and changes when the broker has forgotten us."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import cast

import pytest

from edge.contract import Sink
from edge.drivers.mqtt import MqttDriver
from edge.drivers.mqtt_session import SessionMark
from edge.settings import load_site
from protocols.clock import ManualClock


def test_it_is_the_same_in_the_next_process_until_the_broker_begins_anew(tmp_path: Path) -> None:
    mark = SessionMark(tmp_path / "deep" / "m.session")
    assert mark.value == b""
    mark.renew()
    assert len(mark.value) == 8
    again = SessionMark(tmp_path / "deep" / "m.session")
    assert again.value == mark.value
    again.renew()
    assert again.value != mark.value


def test_a_folder_that_cannot_be_written_is_told_and_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    mark = SessionMark(tmp_path / "file" / "m.session")
    mark.renew()
    assert len(mark.value) == 8
    assert "stored twice" in caplog.text


@pytest.mark.parametrize("content", ["", "zz", "ab" * 5000, "\udcff"])
def test_a_damaged_file_is_no_number_or_some_number(tmp_path: Path, content: str) -> None:
    path = tmp_path / "m.session"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert len(SessionMark(path).value) <= 8


def test_gateways_that_share_the_folder_of_their_card_key_do_not_share_the_mark(tmp_path: Path) -> None:
    """One would take the other's session for its own, and a tap that is sent again for a new one."""
    paths = set()
    for gateway in ("a", "b"):
        site = tmp_path / f"{gateway}.toml"
        site.write_text(
            f'[gateway]\nsite = "s"\nid = "{gateway}"\ncard_key_file = "card.key"\n[uplink]\nurl = "mqtt://127.0.0.1:1"\n'
            '[[bus]]\nname = "local"\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:1"\n'
            '[[device]]\nid = "tag"\nprofile = "homeassistant/tag"\nbus = "local"\ntopic = "gate/tag"\n',
            encoding="utf-8",
        )
        settings = load_site(site)
        sink = cast(Sink, None)  # nothing is handed over: it never runs
        driver = MqttDriver(
            settings.buses[0], settings.devices, settings.profiles, sink, ManualClock(), settings.gateway, Random(1)
        )
        driver._wires[0]._mark.renew()
        paths |= {path.name for path in tmp_path.glob("*.session")}
    assert len(paths) == 2
