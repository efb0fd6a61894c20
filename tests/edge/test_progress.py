"""What counts as getting on, and what as standing still."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.progress import Progress
from edge.settings import load_site
from tests.edge.one_snapshot import snapshot
from tests.edge.test_gateway import site_file


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(load_site(site_file(tmp_path)))


def test_a_gateway_at_work_gets_on_for_a_day(progress: Progress) -> None:
    for second in range(0, 86_400, 5):
        assert progress.judge(snapshot(device={"polls": second}, in_memory=second % 3), float(second)) == []


def test_readings_that_nobody_writes_are_standing_still(progress: Progress) -> None:
    assert progress.judge(snapshot(in_memory=5, last_commit_s=1.0), 0.0) == []
    assert progress.judge(snapshot(in_memory=9, last_commit_s=21.0, device={"polls": 11}), 20.0) == []
    found = progress.judge(snapshot(in_memory=50, last_commit_s=41.0, device={"polls": 12}), 40.0)
    assert found == ["50 readings and events wait in memory, and nothing was written for 40 s"]


def test_readings_that_were_never_written_are_standing_still_too(progress: Progress) -> None:
    progress.judge(snapshot(in_memory=5, last_commit_s=None), 0.0)
    assert progress.judge(snapshot(in_memory=5, last_commit_s=None, device={"polls": 11}), 31.0)


@pytest.mark.parametrize("reason", [{"disk_full_s": 3.0}, {"buffer_error": "/var: I/O error"}])
def test_a_disk_that_takes_nothing_is_a_state_for_which_nobody_is_killed(progress: Progress, reason: dict) -> None:
    """Killed, it would lose what it holds in memory for when the disk is back."""
    for second in range(0, 3600, 5):
        now = snapshot(in_memory=900, last_commit_s=float(second), report=reason, device={"polls": second})
        assert progress.judge(now, float(second)) == []


def test_after_the_disk_is_back_the_writer_has_its_time(progress: Progress) -> None:
    progress.judge(snapshot(in_memory=900, last_commit_s=600.0, report={"disk_full_s": 600.0}), 600.0)
    assert progress.judge(snapshot(in_memory=900, last_commit_s=605.0, device={"polls": 11}), 605.0) == []
    assert progress.judge(snapshot(in_memory=900, last_commit_s=640.0, device={"polls": 12}), 640.0)


def test_a_quiet_site_has_nothing_to_write_and_gets_on(progress: Progress) -> None:
    for second in range(0, 3600, 5):
        assert progress.judge(snapshot(last_commit_s=float(second), device={"polls": second}), float(second)) == []


def test_a_broker_that_is_away_for_days_is_a_state(progress: Progress) -> None:
    for second in range(0, 86_400, 5):
        state = "connecting" if second % 35 < 5 else "backing_off"
        now = snapshot(session_state=state, session=second // 35, device={"polls": second})
        assert progress.judge(now, float(second)) == []


def test_an_attempt_to_connect_that_never_ends_is_standing_still(progress: Progress) -> None:
    progress.judge(snapshot(session_state="backing_off"), 0.0)
    found = progress.judge(snapshot(session_state="backing_off", device={"polls": 99}), 301.0)
    assert found == ["the connection has been backing off for 301 s"]


def test_a_session_that_hears_no_ack_and_stays_is_standing_still(progress: Progress) -> None:
    assert progress.judge(snapshot(silent_s=100.0), 0.0) == []
    assert "no ack for 181 s" in progress.judge(snapshot(silent_s=181.0), 5.0)[0]


def test_a_bus_whose_devices_nobody_asks_is_standing_still(progress: Progress) -> None:
    assert progress.judge(snapshot(), 0.0) == []
    assert progress.judge(snapshot(), 55.0) == []
    assert progress.judge(snapshot(), 65.0) == ["no device of bus line-1 was asked for 65 s"]


def test_devices_that_do_not_answer_are_asked_rarely_and_that_is_no_standstill(progress: Progress) -> None:
    assert progress.judge(snapshot(device={"state": "lost"}), 0.0) == []
    assert progress.judge(snapshot(device={"state": "lost"}), 600.0) == []
    assert progress.judge(snapshot(device={"state": "lost"}), 700.0)
