"""The whole path with real processes: devices on their wires, a gateway, a broker, a collector, and the verdict."""

import socket
from itertools import pairwise

import pytest

from simulators.layout import FolderInUse
from simulators.processes import ProcessFailed
from tests.system.small_compound import GATEWAY, is_verified, produces, small_compound
from tests.waiting import until


@pytest.mark.parametrize("embedded", [False, True], ids=["mosquitto", "embedded-broker"])
async def test_everything_given_by_devices_is_stored_once_and_unchanged(tmp_path, embedded):
    compound = small_compound(tmp_path / "demo", embedded_broker=embedded)
    try:
        await compound.start()
        await produces(compound, answers=30, messages=15)
        assert await is_verified(compound)
    finally:
        await compound.stop()


async def test_a_second_start_goes_on_and_no_counter_goes_back(tmp_path):
    for _ in range(2):
        compound = small_compound(tmp_path / "demo")
        try:
            await compound.start()
            await produces(compound, answers=12)
            verified = await is_verified(compound)
            api = compound.api()
            series = api.get("/api/v1/readings", site="test-site", device="m1", point="active_energy_import_total")
            api.close()
        finally:
            await compound.stop()
        assert verified
    values = [row[1] for row in series["rows"] if row[1] is not None]
    assert len(values) >= 6
    assert all(earlier <= later for earlier, later in pairwise(values))


async def test_each_process_may_be_killed_and_nothing_committed_is_lost(tmp_path):
    compound = small_compound(tmp_path / "demo")
    try:
        await compound.start()
        for name in ("collector", GATEWAY, "broker"):
            await produces(compound, answers=8)
            await compound.kill(name)
            if name == "collector":
                await produces(compound, answers=8)
            await compound.restart(name)
        await produces(compound, answers=12)
        assert await is_verified(compound)
    finally:
        await compound.stop()


async def test_a_process_that_ends_by_itself_is_started_again(tmp_path):
    compound = small_compound(tmp_path / "demo")
    try:
        await compound.start()
        child = compound.processes.child(GATEWAY)
        child.signal(9)
        await until(lambda: child.starts == 2 and child.running, within_s=20)
        assert compound.failure is None
    finally:
        await compound.stop()


async def test_one_folder_belongs_to_one_compound(tmp_path):
    first, second = small_compound(tmp_path / "demo"), small_compound(tmp_path / "demo")
    first.layout.lock()
    try:
        with pytest.raises(FolderInUse):
            await second.start()
        await second.stop()
    finally:
        first.layout.unlock()


async def test_a_collector_that_does_not_start_is_told_with_its_own_words(tmp_path):
    compound = small_compound(tmp_path / "demo")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        compound.choose_port = lambda: taken.getsockname()[1]  # as if it was taken between the look and the start
        try:
            with pytest.raises(ProcessFailed, match="collector does not start"):
                await compound.start()
        finally:
            await compound.stop()
