"""Site files from afar at a real gateway process: a good one stays, and whatever is wrong ends on the old one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.config_store import Held
from protocols.clock import SystemClock
from protocols.site_config import sha256_of
from tests.edge.config_box import CONFIRM_S, WITHIN_S, ConfigBox
from tests.waiting import until

BOTH = {"meter-1": 1, "meter-2": 2}
MORE = {**BOTH, "meter-3": 3}
HALF = {"meter-1": 1, "meter-2": 99}
ONLINE = {"meter-1", "meter-2"}


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[ConfigBox]:
    async with ConfigBox(tmp_path).running() as running:
        yield running


async def test_a_good_file_is_confirmed_and_stays_over_a_restart(box: ConfigBox) -> None:
    before = box.path.read_bytes()
    box.begin()
    await box.online(ONLINE)
    told = box.births()[-1].site_file
    assert told is not None
    assert (told.sha256, told.source, told.revision) == (sha256_of(before), "box", 0)

    await box.publish(box.offer(1, box.text(MORE)))
    event = await box.told("config_applied")
    assert (event.data["revision"], event.data["sha256"]) == (1, sha256_of(box.text(MORE)))
    assert event.data["devices"] == 3
    assert box.starts == 1, "it begins anew in place, and the supervisor sees nothing of it"
    box.kill()
    await until(lambda: box.starts == 2, WITHIN_S)
    await until(lambda: (f := box.births()[-1].site_file) is not None and f.state == "in_force" and f.revision == 1,
                WITHIN_S)  # fmt: skip
    await box.online({*MORE})
    assert box.path.read_bytes() == before, "the file on the box is never written"
    await box.nothing_is_lost()


async def test_a_file_is_not_tried_before_its_instant_also_over_a_restart(box: ConfigBox) -> None:
    box.begin()
    await box.online(ONLINE)
    clock = SystemClock()
    not_before = clock.now_ms() + 30_000
    await box.publish(box.offer(1, box.text(MORE), not_before=not_before))
    box.kill()
    await until(lambda: len(box.births()) == 2, WITHIN_S, box.log())
    judged_at = await until(lambda: clock.now_ms() if box.record().highest == 1 else None, WITHIN_S, box.log())
    assert judged_at >= not_before
    event = await box.told("config_applied")
    assert (event.data["revision"], box.starts) == (1, 2)
    highest = [birth.site_file.highest for birth in box.births() if birth.site_file is not None]
    assert highest == [0, 0, 1], "it tells how far it has judged"
    await box.nothing_is_lost()


async def test_a_file_that_loses_half_of_the_devices_is_taken_back(box: ConfigBox) -> None:
    box.begin()
    await box.online(ONLINE)
    await box.publish(box.offer(1, box.text(HALF)))
    event = await box.told("config_rolled_back")
    assert (event.data["reason"], event.data["devices"]) == ("devices_lost", "meter-2")
    await until(lambda: (f := box.births()[-1].site_file) is not None and f.source == "box", WITHIN_S)
    births = len(box.births())
    # The same revision is not tried again; the retained message is heard at each session.
    box.kill()
    await until(lambda: len(box.births()) > births, WITHIN_S)
    assert box.record().trial is None
    await box.publish(box.offer(2, box.text(MORE)))
    assert (await box.told("config_applied")).data["revision"] == 2
    await box.nothing_is_lost()


async def test_a_file_that_loses_the_link_is_taken_back_without_it(box: ConfigBox) -> None:
    box.begin()
    await box.online(ONLINE)
    await box.publish(box.offer(1, box.text(MORE)))
    await until(lambda: box.record().trial is not None, WITHIN_S)
    box.broker.stop()
    await until(lambda: (now := box.record()).highest == 1 and now.trial is None, WITHIN_S, box.log())
    assert box.record().good is None
    box.broker.start()
    await box.collector.stop()
    await box.collector.start()
    assert (await box.told("config_rolled_back")).data["reason"] == "no_ack"
    await box.nothing_is_lost()


async def test_a_file_that_crashes_twice_at_the_start_is_taken_back(box: ConfigBox) -> None:
    box.fail_always = "in_trial"
    box.begin()
    await box.online(ONLINE)
    await box.publish(box.offer(1, box.text(MORE), confirm_within_s=600))
    event = await box.told("config_rolled_back")
    assert event.data["reason"] == "crashed"
    assert box.starts == 3
    await box.online(ONLINE)
    await box.nothing_is_lost()


@pytest.mark.parametrize(
    "where",
    [f"{name}:{passage}" for name in ("before_config_text", "after_config_text") for passage in (1,)]
    + [f"{name}:{passage}" for name in ("before_config_record", "after_config_record") for passage in (1, 2, 3, 4)],
)
async def test_killed_at_each_write_it_ends_on_the_old_file_and_nothing_is_lost(box: ConfigBox, where: str) -> None:
    box.fail_points = [where]
    box.begin()
    await until(lambda: box.births() or box.starts > 1, WITHIN_S)
    await box.online(ONLINE)
    await box.publish(box.offer(1, box.text(HALF)))
    await box.told("config_rolled_back")
    await until(lambda: (f := box.births()[-1].site_file) is not None and f.source == "box", WITHIN_S)
    assert box.starts > 1, f"nothing passed {where}"
    now = box.record()
    assert (now.highest, now.good, now.trial) == (1, None, None)
    await box.nothing_is_lost()


@pytest.mark.parametrize(
    "where",
    ["in_trial:1", "after_config_text:1"]
    + [f"{name}:{passage}" for name in ("before_config_record", "after_config_record") for passage in (1, 2, 3)],
)
async def test_killed_at_each_write_a_good_file_is_confirmed_all_the_same(box: ConfigBox, where: str) -> None:
    box.fail_points = [where]
    box.begin()
    await until(lambda: box.births() or box.starts > 1, WITHIN_S)
    await box.online(ONLINE)
    await box.publish(box.offer(1, box.text(MORE), confirm_within_s=60))
    event = await box.told("config_applied")
    assert event.data["sha256"] == sha256_of(box.text(MORE))
    assert box.starts > 1, f"nothing passed {where}"
    await box.online({*MORE})
    now = box.record()
    assert (now.highest, now.good, now.trial) == (1, Held(1, sha256_of(box.text(MORE))), None)
    await box.nothing_is_lost()


async def test_what_is_old_of_another_gateway_or_altered_changes_nothing(box: ConfigBox) -> None:
    box.begin()
    await box.online(ONLINE)
    wrong = b'[[device]]\nid = "x"\nprofile = "t/relays"\nbus = "none"\nunit = 1\n'
    await box.publish(box.offer(5, box.text(BOTH) + wrong))
    event = await box.told("config_refused")
    assert (event.data["reason"], event.data["key"]) == ("wrong", "device[2].bus")
    assert event.data["line"] == box.text(BOTH).count(b"\n") + 4
    altered = bytearray(box.offer(6, box.text(MORE)))
    altered[len(altered) // 2] ^= 1
    for payload in (
        box.offer(4, box.text(MORE)),
        box.offer(5, box.text(MORE)),
        box.offer(6, box.text(MORE), gateway="b4"),
        bytes(altered),
        b"",
    ):
        await box.publish(payload)
    await box.publish(box.offer(7, box.text(MORE), base=b"another"))
    assert (await box.told("config_refused", 2)).data["reason"] == "conflict"
    assert box.record().highest == 7
    assert len(box.births()) == 1, "it never began anew"
    assert box.record().trial is None
    await box.nothing_is_lost()


async def test_a_hand_edit_in_between_wins(box: ConfigBox) -> None:
    base = box.path.read_bytes()
    box.begin()
    await box.online(ONLINE)
    await box.publish(box.offer(1, box.text(MORE), confirm_within_s=600))
    await until(lambda: (f := box.births()[-1].site_file) is not None and f.state == "trying", WITHIN_S, box.log())
    edited = box.text({"meter-1": 1})
    box.path.write_bytes(edited)
    box.kill()
    assert (await box.told("config_rolled_back")).data["reason"] == "box_edited"
    await box.online({"meter-1"})
    told = box.births()[-1].site_file
    assert told is not None
    assert (told.source, told.sha256) == ("box", sha256_of(edited))
    await box.publish(box.offer(2, box.text(MORE), base=base))
    assert (await box.told("config_refused")).data["reason"] == "conflict"
    await box.nothing_is_lost()


async def test_without_permission_on_the_box_nothing_is_heard(box: ConfigBox) -> None:
    box.path.write_bytes(box.path.read_bytes().replace(b"enabled = true", b"enabled = false"))
    await box.publish(box.offer(1, box.text(MORE)))
    box.begin()
    await box.online(ONLINE)
    assert box.births()[-1].site_file is None
    await asyncio.wait_for(box.end(), 60)
    assert not box.store.folder.exists()


def test_the_shortest_trial_is_what_these_tests_use() -> None:
    from protocols.site_config import CONFIRM_S_LEAST

    assert CONFIRM_S == CONFIRM_S_LEAST
