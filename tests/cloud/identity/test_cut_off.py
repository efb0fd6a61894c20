"""Who was revoked loses the session, also while the broker's files cannot be written."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from cloud.identity.authority import Authority, BadAuthority
from cloud.identity.broker_files import CRL
from cloud.identity.enrolling import Enrolling
from cloud.identity.service import LOOK_EVERY_S, TAKEOVER_AFTER_S, IdentityService
from cloud.registry.identity_book import IdentityBook
from cloud.settings import load_cloud
from cloud.store.contract import GatewayKey
from protocols.certificates import new_key
from protocols.clock import ManualClock
from tests.cloud.identity.test_enrolling import KEY, enrolled
from tests.waiting import until


class Running:
    """The service over a folder of the broker's that is not there; ``ended``: the sessions it ended."""

    def __init__(
        self, folder: Path, authority: Authority, desk: Enrolling, book: IdentityBook, clock: ManualClock
    ) -> None:
        self.folder, self._clock = folder, clock
        settings = msgspec.structs.replace(load_cloud(None), broker_files=folder)
        self.service = IdentityService(settings, authority, desk, book, clock)
        self.service.takeover = self._takeover
        self.ended: list[GatewayKey] = []

    async def _takeover(self, key: GatewayKey) -> None:
        self.ended.append(key)

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        await self.service.load()
        task = asyncio.create_task(self.service.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def looks(self, many: int = 1) -> bool:
        for _ in range(many):
            await self._clock.advance(LOOK_EVERY_S)
        return True

    async def has_ended(self, times: int) -> bool:
        await self.looks()
        return len(self.ended) >= times


@pytest.fixture
def running(tmp_path: Path, authority: Authority, desk: Enrolling, book: IdentityBook, clock: ManualClock) -> Running:
    return Running(tmp_path / "broker", authority, desk, book, clock)


async def test_a_session_ends_although_the_list_cannot_be_written_and_again_once_it_is(
    running: Running, desk: Enrolling, caplog: pytest.LogCaptureFixture
) -> None:
    await enrolled(desk, new_key())
    caplog.set_level(logging.WARNING)
    async with running.begun():
        await desk.revoke(KEY, "stolen")
        every = len(TAKEOVER_AFTER_S)
        await until(lambda: running.has_ended(every), what="the session ends")
        assert running.ended == [KEY] * every
        running.folder.mkdir()
        await until(lambda: running.has_ended(every + 1), what="who came back meanwhile is cut off again")
        assert (running.folder / CRL).exists()
    said = [record.getMessage() for record in caplog.records if record.name == "cloud.identity.service"]
    assert len(said) == 3, "once, and once when it was over, and that mosquitto is not here"
    assert said[0].startswith(f"the broker's list of revoked certificates is not up to date: {running.folder}")
    assert said[1].startswith("the broker could not be told of")
    assert said[2] == "no longer: the broker's list of revoked certificates is not up to date"


async def test_members_that_cannot_be_looked_after_hold_up_no_gateway(
    running: Running, desk: Enrolling, caplog: pytest.LogCaptureFixture
) -> None:
    class Members:
        async def look(self) -> None:
            raise BadAuthority("access: Permission denied")

    await enrolled(desk, new_key())
    running.folder.mkdir()
    running.service.members = Members()  # type: ignore[assignment]  # a look is all that is asked of it here
    async with running.begun():
        await desk.revoke(KEY, "stolen")
        await until(lambda: running.has_ended(1), what="the session ends")
    assert "members of the group are not looked after now: access: Permission denied" in caplog.text
    assert "who was revoked is not known" not in caplog.text
