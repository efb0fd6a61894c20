"""The drill with a resend: data destroyed under load, a backup put back, and gateways give again what was acked since.

Real processes and a real broker; what the gateway committed is written down by itself, item by item.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.cloud.resend_site import Site
from tests.edge.mosquitto import mosquitto

UNACKED_MOST = 25
"""As `Site.all_acked` has it: these come again by the way of everything without an ack."""


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    with mosquitto(folder, "max_queued_messages 0") as broker:
        yield Site(folder, broker)


async def under_load(it: Site) -> Path:
    """A collector takes, is backed up, goes on taking, and is killed; its backup. Its data is there still."""
    async with it.collector() as collector:
        await it.answering()
        await it.produced(150)
        file = await it.backed_up()
        await it.produced(300)
        await it.all_acked()
        collector.kill()
        await collector.wait()
    return file


async def test_restored_from_a_backup_nothing_that_was_acked_is_missing_twice_or_altered(tmp_path: Path) -> None:
    async with site(tmp_path) as it, it.gateway():
        file = await under_load(it)
        had = it.destroy()
        it.restore(file)
        lost = had - it.batches()
        assert len(lost) > 50, "the drill was to lose something"
        assert await it.settled() == []
        assert it.sent >= len(lost) - UNACKED_MOST, "the others were on their way to the gateway as acks"
    it.judge()


async def test_the_store_lost_without_any_backup_comes_back_as_far_as_gateways_reach(tmp_path: Path) -> None:
    async with site(tmp_path) as it, it.gateway():
        await under_load(it)
        it.destroy()
        assert await it.settled() == []
    it.judge()


async def test_restored_twice_it_comes_twice(tmp_path: Path) -> None:
    async with site(tmp_path) as it, it.gateway():
        file = await under_load(it)
        for _ in range(2):
            it.destroy()
            it.restore(file)
            assert await it.settled() == []
    it.judge()


@pytest.mark.parametrize("name", ["asked_again", "after_publish:40", "before_ack:3", "after_ack:3"])
async def test_a_gateway_killed_in_the_middle_of_a_resend_goes_on_with_it(tmp_path: Path, name: str) -> None:
    async with site(tmp_path) as it:
        async with it.gateway():
            file = await under_load(it)
            it.stop_producing()
        it.destroy()
        it.restore(file)
        async with it.collector() as collector:
            async with it.gateway(fail_point=name) as gateway:
                assert await asyncio.wait_for(gateway.wait(), 120) == -9
            collector.kill()
            await collector.wait()
        async with it.gateway():
            assert await it.settled() == []
    it.judge()


@pytest.mark.parametrize("name", ["before_commit:4", "after_commit:4", "before_ack:4", "after_ack:4"])
async def test_a_collector_killed_in_the_middle_of_a_resend_gets_all_the_same(tmp_path: Path, name: str) -> None:
    async with site(tmp_path) as it, it.gateway():
        file = await under_load(it)
        it.destroy()
        it.restore(file)
        async with it.collector(name) as collector:
            assert await asyncio.wait_for(collector.wait(), 120) != 0
        assert await it.settled() == []
    it.judge()


async def test_what_was_kept_too_shortly_is_told_with_its_instants_and_the_rest_comes(tmp_path: Path) -> None:
    async with site(tmp_path) as it, it.gateway(max_bytes=256 * 1024, pad=40):  # in which little is kept
        async with it.collector() as collector:
            await it.answering()
            await it.produced(60)
            file = await it.backed_up()
            await it.produced(700)
            await it.all_acked()
            collector.kill()
            await collector.wait()
        had = it.destroy()
        it.restore(file)
        lost = had - it.batches()
        (told,) = await it.settled(alarms=True)
    here = it.batches()
    gone = lost - here
    assert gone, "the drill was to lose something for good"
    assert lost & here, "and to get something back"
    assert told["count"] == len(gone)
    assert str(told["from"]) <= str(told["to"])
    assert max(it.stored().values()) == 1


async def test_restored_while_the_gateway_is_away_it_asks_when_it_is_back(tmp_path: Path) -> None:
    async with site(tmp_path) as it:
        async with it.gateway():
            file = await under_load(it)
            it.stop_producing()
        it.destroy()
        it.restore(file)
        async with it.collector() as collector:
            await it.answering()
            collector.kill()
            await collector.wait()
        async with it.gateway():
            assert await it.settled() == []
    it.judge()
    shutil.rmtree(it.data)
