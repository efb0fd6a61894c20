"""A registry put back from a time when a roll-out ran: nothing of it goes on by itself."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from cloud import cli
from cloud.registry.database import FILE_NAME, Database
from cloud.registry.database_copy import copy_registry
from cloud.registry.rollouts_restored import pause_restored_file
from protocols.clock import ManualClock
from tests.cloud.site_files.conftest import Begin
from tests.cloud.site_files.many_gateways import ManyGateways
from tests.cloud.site_files.test_rollouts import B0, B1, NEW, running_new, soaked


async def restored(many: ManyGateways, kept: Path) -> None:
    """The copy of before takes the registry's place, and a collector begins with it."""
    await many.database.close()  # type: ignore[attr-defined]
    path: Path = many.database.path  # type: ignore[attr-defined]
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()
    shutil.copy(kept, path)
    pause_restored_file(path, many.clock.now_ms())
    await many.database.open()  # type: ignore[attr-defined]
    await many.begin()


async def come_back(many: ManyGateways) -> None:
    for each in many.gateways.values():
        await many.tell(each, "in_force", each.highest)


async def test_what_a_person_took_back_since_stays_so(begin: Begin, tmp_path: Path) -> None:
    many = await begin()
    many.gateways[B1].does = "away"
    row = await many.plan(stages=["east/b0, east/b1", "100 %"])
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn()
    kept = tmp_path / "kept.sqlite"
    copy_registry(many.database.path, kept)  # type: ignore[attr-defined]
    many.gateways[B1].does = "apply"
    await many.turn(2)
    assert running_new(many) == 2
    await many.desk.rollouts.abort(row.id, by="wu", back=True)
    await many.turn(4)
    assert running_new(many) == 0

    await restored(many, kept)
    await come_back(many)
    for _ in range(3):
        await soaked(many)
    assert running_new(many) == 0, "neither further stages, nor what was on its way"
    found = await many.desk.rollouts.find(row.id)
    assert (found.state, found.halted) == ("paused", "restored")
    (alarm,) = many.alarms.active()
    assert "restored" in alarm.text["en"]
    assert "备份" in alarm.text["zh"]
    assert (await many.states(row.id))["east/b1"] == "replaced"

    await many.desk.rollouts.go_on(row.id, by="li")
    await many.turn(2)
    assert NEW in many.gateways[B1].runs, "a person may go on, and who had not answered gets it then"
    assert not many.alarms.active()


async def test_an_answer_that_comes_again_counts_and_may_be_taken_back(begin: Begin, tmp_path: Path) -> None:
    many = await begin()
    many.gateways[B0].does = "away"
    row = await many.plan(stages=["east/b0", "100 %"])
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn()
    kept = tmp_path / "kept.sqlite"
    copy_registry(many.database.path, kept)  # type: ignore[attr-defined]
    many.gateways[B0].does = "apply"
    await many.turn()
    await restored(many, kept)
    assert (await many.states(row.id))["east/b0"] == "replaced"
    await many.say(many.gateways[B0])
    assert (await many.states(row.id))["east/b0"] == "applied"
    await many.desk.rollouts.abort(row.id, by="li", back=True)
    await many.turn(2)
    assert running_new(many) == 0


async def test_who_had_not_answered_in_the_backup_is_given_the_file_of_before_too(begin: Begin, tmp_path: Path) -> None:
    many = await begin()
    gateway = many.gateways[B0]
    gateway.does = "away"
    row = await many.plan(stages=["east/b0", "100 %"])
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn()
    kept = tmp_path / "kept.sqlite"
    copy_registry(many.database.path, kept)  # type: ignore[attr-defined]
    gateway.does = "apply"
    await many.turn()
    await restored(many, kept)
    gateway.does = "away"
    await many.desk.rollouts.abort(row.id, by="li", back=True)
    await many.turn(3)
    gateway.does = "apply"
    await many.tell(gateway, "in_force", gateway.highest)
    await many.turn(3)
    assert running_new(many) == 0
    assert await many.desk.rollouts.book.unfinished() == []


@pytest.mark.parametrize("turns", [0, 2])
async def test_all_that_run_are_paused_at_once_and_no_other(begin: Begin, turns: int) -> None:
    many = await begin()
    first = await many.plan(gateways=["east/*"])
    draft = await many.plan(gateways=["west/*"])
    await many.desk.rollouts.start(first.id, by="li")
    await many.turn(turns)
    assert await many.desk.rollouts.pause_restored() == 1
    assert await many.desk.rollouts.pause_restored() == 0
    assert (await many.desk.rollouts.find(first.id)).state == "paused"
    assert (await many.desk.rollouts.find(draft.id)).state == "draft"


async def test_the_command_pauses_all_and_wants_one_or_all(
    tmp_path: Path, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = Database(tmp_path / "data" / FILE_NAME, clock)
    await registry.open()
    await registry.close()
    pause = ["config", "rollout", "pause", "--data", str(tmp_path / "data")]
    assert await asyncio.to_thread(cli.main, [*pause, "--restored", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"paused": 0}
    for words in ([], ["7", "--restored"]):
        assert await asyncio.to_thread(cli.main, [*pause, *words]) != 0
        assert "pause ID, or --restored" in capsys.readouterr().err


def test_a_registry_from_before_roll_outs_has_none(tmp_path: Path) -> None:
    assert pause_restored_file(tmp_path / "old.sqlite", 1) == 0
