"""The number of a broker's session outlives the process, and changes when the broker has forgotten us."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.drivers.mqtt_session import SessionMark


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
