"""The gateway's MQTT session: one connection after another, each from birth to death, as named states.

    idle -> connecting -> born -> online -> backing_off -> connecting ...
                 any state -> closing -> idle

The order at the start of a session: subscribe to acks (so that none is missed), birth (retained), status online
(retained), then batches. The will says offline with this session's number; whoever reads it can tell an old one.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from enum import Enum
from typing import Any

from edge.buffer import Buffer
from edge.contract import Dial, FailPoint, Link, LinkMessage, Will
from edge.failpoint import never
from edge.uplink import Uplink
from protocols.ack import parse_ack
from protocols.birth import Birth, encode_birth
from protocols.clock import MS_PER_S, TRUST_FLOOR_MS, Clock
from protocols.errors import BadAck, BadPayload, StoreDamaged, StoreUnavailable, WireLost
from protocols.status import Report, Status, encode_status
from protocols.topics import topic

log = logging.getLogger(__name__)

REPORT_EVERY_S = 10.0
BACKOFF_S = (1.0, 30.0)
STEADY_S = 10.0
"""A session that lasted so long starts the backoff from the beginning."""
SHORT_SESSIONS_MAX = 3
"""A broker that let us in is there, however soon it broke off: such sessions double the pause so often at most."""

GOODBYE_S = 3.0


ChannelHandler = Callable[[LinkMessage], Awaitable[None]]
"""Takes a message before it is acknowledged to the broker. Must not raise and must not wait for long: acks wait too."""


class SessionState(Enum):
    """Where the session is; shown by `dayuan-edge status`."""

    IDLE = "idle"
    CONNECTING = "connecting"
    BORN = "born"
    ONLINE = "online"
    BACKING_OFF = "backing_off"
    CLOSING = "closing"


class _Closing(Exception):
    pass


class Session:
    """See the module. `run` until `close` is called; a broker that is down stops nothing else."""

    def __init__(
        self,
        *,
        dial: Dial,
        uplink: Uplink,
        buffer: Buffer,
        clock: Clock,
        rng: random.Random,
        site: str,
        gateway: str,
        birth: Callable[[int], Birth],
        report: Callable[[], Report],
        channels: Mapping[str, ChannelHandler] | None = None,
        beside: Sequence[Callable[[Link], Coroutine[Any, Any, None]]] = (),
        fail_point: FailPoint = never,
    ) -> None:
        self._dial = dial
        self._uplink = uplink
        self._buffer = buffer
        self._clock = clock
        self._rng = rng
        self._client_id = f"dayuan-{site}-{gateway}"
        self._topics = {name: topic(site, gateway, name) for name in ("ack", "birth", "status")}
        self._heard = {topic(site, gateway, name): handler for name, handler in (channels or {}).items()}
        """Further topics to listen to, and who takes their messages."""
        self._beside = beside
        """What else runs on a link as long as it lives."""
        self._birth = birth
        self._report = report
        self._fail_point = fail_point
        self._closing = asyncio.Event()
        self.state = SessionState.IDLE
        self.number = 0
        self.error = ""
        """Why there is no connection; "" while there is one."""
        self.online_since: float | None = None

    async def run(self) -> None:
        """Keep a session as long as the gateway runs."""
        attempt = 0
        while not self._closing.is_set():
            began_at = self._clock.monotonic()
            try:
                await self._one_session()
            except WireLost as error:
                self._note_loss(str(error))
            if self._closing.is_set():
                break
            attempt += 1
            if self.online_since is not None:
                lasted_s = self._clock.monotonic() - began_at
                attempt = 0 if lasted_s >= STEADY_S else min(attempt, SHORT_SESSIONS_MAX)
            self.online_since = None
            self.state = SessionState.BACKING_OFF
            await self._pause(self._rng.uniform(0.0, min(BACKOFF_S[0] * 2 ** min(attempt, 10), BACKOFF_S[1])))
        self.state = SessionState.IDLE

    def close(self) -> None:
        """Let `run` say goodbye and end."""
        self._closing.set()

    async def _one_session(self) -> None:
        self.state = SessionState.CONNECTING
        self.number = await self._next_number()
        will = Will(self._topics["status"], encode_status(Status(state="offline", session=self.number)))
        link = await self._connect(will)
        if link is None:
            return
        try:
            self.state = SessionState.BORN
            await link.subscribe(self._topics["ack"])
            for further in self._heard:
                await link.subscribe(further)
            await link.publish(self._topics["birth"], encode_birth(self._birth(self.number)), retain=True)
            self._fail_point("after_birth")
            await self._publish_status(link)
            self._note_online()
            await self._stay_online(link)
        except BadPayload as error:
            raise WireLost(f"the birth cannot be sent: {error}") from None
        finally:
            await link.close()

    async def _connect(self, will: Will) -> Link | None:
        """The open link, or None when the gateway closes meanwhile."""
        loop = asyncio.get_running_loop()
        dialing = loop.create_task(self._dial(client_id=self._client_id, will=will), name="session-connect")
        closing = loop.create_task(self._closing.wait(), name="session-closing")
        try:
            await asyncio.wait({dialing, closing}, return_when=asyncio.FIRST_COMPLETED)
            return await dialing if dialing.done() else None
        finally:
            closing.cancel()
            dialing.cancel()

    async def _stay_online(self, link: Link) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._uplink.serve(link), name="session-uplink")
                group.create_task(self._listen(link), name="session-acks")
                group.create_task(self._tell(link), name="session-status")
                for number, work in enumerate(self._beside):
                    group.create_task(work(link), name=f"session-beside[{number}]")
                group.create_task(self._end_when_closing(), name="session-closing")
        except* _Closing:
            await self._say_goodbye(link)
        except* WireLost as lost:
            raise _first(lost) from None

    async def _listen(self, link: Link) -> None:
        async for message in link.messages():
            if message.topic == self._topics["ack"]:
                try:
                    self._uplink.take_ack(parse_ack(message.payload))
                except BadAck as error:
                    log.warning("an ack that cannot be read is ignored: %s", error)
            elif message.topic in self._heard:
                await self._heard[message.topic](message)
            await link.acknowledge(message)

    async def _tell(self, link: Link) -> None:
        while True:
            await self._clock.sleep(REPORT_EVERY_S)
            await self._publish_status(link)

    async def _end_when_closing(self) -> None:
        await self._closing.wait()
        raise _Closing

    async def _say_goodbye(self, link: Link) -> None:
        self.state = SessionState.CLOSING
        offline = Status(state="offline", session=self.number, at=self._clock.now_ms(), report=self._report())
        try:
            async with asyncio.timeout(GOODBYE_S):
                await link.publish(self._topics["status"], encode_status(offline), retain=True)
        except (WireLost, TimeoutError) as error:
            log.warning("no goodbye: %s", error)

    async def _publish_status(self, link: Link) -> None:
        status = Status(state="online", session=self.number, at=self._clock.now_ms(), report=self._report())
        await link.publish(self._topics["status"], encode_status(status), retain=True)

    async def _next_number(self) -> int:
        # The wall clock keeps it growing where the buffer's file was lost.
        now_ms = self._clock.now_ms()
        at_least = max(self.number + 1, now_ms // MS_PER_S if now_ms >= TRUST_FLOOR_MS else 0)
        try:
            return await self._buffer.next_session(at_least)
        except (StoreUnavailable, StoreDamaged) as error:
            log.warning("the session number cannot be stored: %s", error)
            return at_least

    async def _pause(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        tasks = {
            loop.create_task(self._clock.sleep(seconds), name="session-backoff"),
            loop.create_task(self._closing.wait(), name="session-closing"),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    def _note_online(self) -> None:
        self.state = SessionState.ONLINE
        self.online_since = self._clock.monotonic()
        log.info("online, session %d%s", self.number, f" (was: {self.error})" if self.error else "")
        self.error = ""

    def _note_loss(self, reason: str) -> None:
        if reason != self.error:
            log.warning("offline: %s", reason)
        self.error = reason


def _first(lost: BaseExceptionGroup[WireLost]) -> WireLost:
    found: BaseException = lost
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, WireLost)
    return found
