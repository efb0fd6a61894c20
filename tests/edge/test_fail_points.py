"""A gateway that is killed exactly there, at each named instant: what was committed arrives, each once."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from edge.failpoint import NAMES, armed, never
from protocols.batch import open_batch
from tests.edge.mosquitto import mosquitto
from tests.edge.scripted_collector import ScriptedCollector

CONFIG = {"before_config_text", "after_config_text", "before_config_record", "after_config_record", "in_trial"}
"""Passed only with a site file from afar; see tests/edge/test_remote_config.py."""
ELSEWHERE = {
    "mid_salvage",
    "mid_expiry",
    "asked_again",
    "grants_written",
    "grants_numbered",
    "grants_moved",
    "grants_kept",
} | CONFIG
"""Passed only with a damaged file, see tests/contracts/test_buffer_damage.py, where acked batches are kept, see
tests/cloud/test_resend_drill.py, and by a gateway with doors, see
tests/edge/access/test_grant_store.py."""


async def run_box(buffer: Path, port: int, count: int, fail_point: str = "") -> tuple[int, list[int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.edge.box",
        str(buffer),
        str(port),
        str(count),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "DAYUAN_FAILPOINT": fail_point},
    )
    told, _ = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode is not None
    return process.returncode, [int(line) for line in told.split()]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ELSEWHERE])
async def test_killed_there_and_started_again_everything_committed_arrives_once(tmp_path: Path, name: str) -> None:
    with mosquitto(tmp_path) as broker:
        collector = ScriptedCollector(broker.url, "site", "gw")
        await collector.start()
        committed: list[int] = []
        kills = 0
        for passage in (1, 3):
            code, told = await run_box(tmp_path / "b.db", broker.port, 12, f"{name}:{passage}")
            committed += told
            kills += code == -9
        code, told = await run_box(tmp_path / "b.db", broker.port, 3)
        assert code == 0
        committed += told
        await collector.stop()
    assert kills >= 1, f"nothing passed {name}"
    numbers = [int(str(event.data["detail"])) for event in collector.events()]
    assert set(committed) <= set(numbers), "a committed event is missing"
    assert len(numbers) == len(set(numbers)), "an event has two names"
    assert collector.altered == []
    seqs: dict[str, set[int]] = {}
    for identity, payload in collector.stored.items():
        assert open_batch(payload).identity == identity
        seqs.setdefault(identity.epoch, set()).add(identity.seq)
    (only,) = seqs.values()
    assert only == set(range(1, len(only) + 1)), "a seq is missing: something committed never arrived"


def test_a_fail_point_that_is_not_armed_does_nothing_and_a_wrong_name_is_refused() -> None:
    assert armed("") is never
    assert armed(None) is never
    never("after_commit")
    with pytest.raises(ValueError, match="before_commit"):
        armed("somewhere")
    armed("after_commit:2")("after_commit")
