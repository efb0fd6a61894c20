"""Who is where: anti-passback at two doors, over restarts, with a disk that takes nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from edge.access.decider import Place
from edge.access.zones import Zones
from edge.commands import CommandOutcome
from tests.edge.access.door_site import Site, a_list
from tests.protocols.test_grants import NOW
from tests.waiting import until


async def test_one_card_cannot_go_in_twice_also_by_another_door_and_after_a_restart(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life():
        await site.give(a_list())
        site.tap()
        site.tap(reader="r-south")
        found = await site.decided(2)
        reasons = {event.device: event.data["reason"] for event in found}
        assert reasons == {"r-in": "list", "r-south": "passback"}, "a clone at two doors"
        await until(lambda: (tmp_path / "zones").exists())
        await site.clock.advance(2)
        await until(lambda: Zones(tmp_path / "zones").load() != {})
    async with site.life() as access:
        await until(lambda: access.lists.held is not None and access._zones.where(30) is not None)
        site.tap(reader="r-south")
        assert (await site.decided(3))[2].data["reason"] == "passback"
        site.tap(reader="r-out")
        assert (await site.decided(4))[3].kind == "access_granted"
        site.tap()
        assert (await site.decided(5))[4].kind == "access_granted"


async def test_who_passed_just_before_the_end_is_known_after_it(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.life():
        await site.give(a_list())
        site.tap()
        await site.decided(1)
        site.clock.step(500)
        await site.clock.advance(1.5)
        site.tap(reader="r-out")
        await site.decided(2)
    assert Zones(tmp_path / "zones").load()[30].zone == "yard"


async def test_a_save_that_is_under_way_at_the_end_undoes_nothing_that_came_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, saved = threading.Event(), threading.Event(), []
    whole = Zones.save

    def slow(self: Zones, unsaved: dict[int, Place | None]) -> None:
        if not begun.is_set():
            begun.set()
            go_on.wait(10)
        whole(self, unsaved)
        saved.append(unsaved)

    monkeypatch.setattr(Zones, "save", slow)
    site = Site(tmp_path)
    async with site.life():
        await site.give(a_list())
        site.tap()
        await site.decided(1)
        await until(begun.is_set)
        site.clock.step(2000)
        site.tap(reader="r-out")
        await site.decided(2)
        asyncio.get_running_loop().call_later(0.1, go_on.set)
    await until(lambda: len(saved) == 2)
    assert Zones(tmp_path / "zones").load()[30].zone == "yard"


async def test_a_damaged_file_of_places_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "zones").write_bytes(b"no database" * 100)
    site = Site(tmp_path)
    async with site.life():
        await until(lambda: (tmp_path / "zones.damaged").exists())
        await site.give(a_list())
        site.tap()
        await site.decided(1)
    assert Zones(tmp_path / "zones").load()[30].zone == "inside"


async def test_a_file_of_places_that_cannot_be_opened_now_stays_and_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Zones(tmp_path / "zones")
    before.save({30: Place("inside", NOW)})
    before.close()
    refused: list[object] = []

    def refusing(*args: object, **more: object) -> None:
        refused.append(args)
        too_many = sqlite3.OperationalError("unable to open database file")
        too_many.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise too_many

    site = Site(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("edge.access.zones.sqlite3.connect", refusing)
        async with site.life() as access:
            await until(lambda: bool(refused))
            patch.undo()
            await site.clock.advance(2)
            await until(lambda: access._zones.where(30) is not None)
    assert not (tmp_path / "zones.damaged").exists()


async def test_a_door_that_did_not_open_moved_nobody(tmp_path: Path) -> None:
    site = Site(tmp_path)
    outcomes = [CommandOutcome(None, "no answer"), CommandOutcome(True, "done")]
    site.outcome = lambda: outcomes.pop(0)
    async with site.life():
        await site.give(a_list())
        site.tap()
        await site.decided(1)
        await site.clock.advance(2)
        site.tap()
        assert (await site.decided(2))[1].kind == "access_granted"
