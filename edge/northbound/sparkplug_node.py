"""A Sparkplug B 3.0 edge node: this gateway and its devices for a host application (SCADA, historian).

Order in a session: subscribe to commands and to the STATE of the primary host, wait for that host, NBIRTH, a DBIRTH for
each device that is there, then data; leaving says NDEATH first. One task publishes, so that the sequence numbers are
those of the wire. Writing to devices by DCMD is not offered.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence

from edge.contract import Link, LinkMessage, Will
from edge.northbound.bd_seq import BdSeq, bd_seq_path
from edge.northbound.contract import DeviceReports, DialTo, NorthName, NorthReport
from edge.northbound.current import Current
from edge.northbound.feed import Feed
from edge.northbound.hold import Hold
from edge.northbound.sessions import Closing, Sessions, first
from edge.northbound.sparkplug_host import PrimaryHost
from edge.northbound.sparkplug_metrics import Catalogue, NodeFigures, bd_seq_metric, is_rebirth
from edge.northbound.sparkplug_outbox import Outbox, Said
from edge.northbound.sparkplug_voice import Voice
from edge.settings import Site, SparkplugSettings
from protocols.birth import Birth
from protocols.clock import Clock
from protocols.errors import BadPayload, WireLost
from protocols.reading import Reading
from protocols.sparkplug import Payload, decode_payload, encode_payload
from protocols.sparkplug_names import NodeTopics, state_topic
from protocols.status import DeviceReport

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""How often devices are looked at, and values that nobody renews."""
SORT_AT_ONCE = 500
"""Readings sorted before other tasks get their turn."""
METRICS_MAX = 200
"""In one message of data."""
HISTORY_PAUSE_S = 0.05
WALK_AFTER_S = 30.0
"""With several servers: how long to wait on one for the primary host."""
GOODBYE_S = 3.0


class _HostGone(Exception):
    pass


class SparkplugNode:
    """See the module, and `edge.northbound.contract.Northbound`."""

    name: NorthName = "sparkplug"

    def __init__(
        self,
        site: Site,
        settings: SparkplugSettings,
        birth: Birth,
        *,
        clock: Clock,
        rng: random.Random,
        dial: DialTo,
        devices: DeviceReports,
        time_is_known: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._dial = dial
        self._devices = devices
        self._time_is_known = time_is_known
        self._client_id = f"dayuan-{site.gateway.site}-{site.gateway.id}.sparkplug"
        self._topics = NodeTopics(settings.group, settings.node)
        self._catalogue = Catalogue(birth)
        self._bd_seq = BdSeq(bd_seq_path(site.buffer.path))
        self._feed = Feed()
        self._current = Current(birth, clock)
        self._outbox = Outbox(self._current, Hold(settings.hold), time_is_known)
        self._sessions = Sessions(self.name, clock, rng)
        self._host = PrimaryHost(settings.primary_host)
        self._server = 0
        self._born: set[str] = set()
        self._rebirth = False
        self._look_due = False
        self._wake = asyncio.Event()
        self._voice: Voice | None = None
        self._sent_before = 0
        self._figures_told = NodeFigures(0, 0)
        self.refused_commands = 0

    def take(self, readings: Sequence[Reading]) -> None:
        """See `Northbound`."""
        self._feed.put(readings)

    def close(self) -> None:
        """See `Northbound`."""
        self._sessions.closing.set()
        self._wake.set()

    async def run(self) -> None:
        """See `Northbound`."""
        async with asyncio.TaskGroup() as group:
            sorting = group.create_task(self._sort(), name="sparkplug-sort")
            await self._sessions.run(self._one_session)
            sorting.cancel()

    def report(self) -> NorthReport:
        """See `Northbound`."""
        dropped = {"queue_full": self._feed.dropped, "hold_full": self._outbox.hold.dropped, **self._outbox.dropped}
        return NorthReport(
            name=self.name,
            state=self._sessions.state,
            broker=str(self._settings.urls[self._server]),
            online_s=self._sessions.online_s,
            error=self._sessions.error[:400],
            sent=self._sent_before + (0 if self._voice is None else self._voice.sent),
            waiting=len(self._feed) + len(self._outbox.live) + len(self._outbox.hold),
            dropped={reason: count for reason, count in dropped.items() if count},
            detail=self._detail(),
        )

    def _detail(self) -> str:
        said = f"{len(self._born)} of {len(self._catalogue.devices)} devices born"
        if self._host.name:
            said += f", primary host {self._host.name} {self._host.word}"
        if self.refused_commands:
            said += f", {self.refused_commands} commands refused"
        return said

    async def _sort(self) -> None:
        while True:
            self._outbox.sort(await self._feed.get(SORT_AT_ONCE))
            self._wake.set()
            await self._clock.sleep(0)

    # A session

    async def _one_session(self) -> None:
        await self._wait_for_time()
        url = self._settings.urls[self._server]
        number = await self._bd_seq.following()
        # Without a time: it is published by the broker at a time that nobody knows yet.
        death = encode_payload(Payload(None, None, (bd_seq_metric(number, None),)))
        will = Will(self._topics.of_node("NDEATH"), death, retain=False)
        try:
            link = await self._sessions.connect(self._dial(url), client_id=self._client_id, will=will)
            try:
                self._host.forget()
                await link.subscribe(self._topics.of_node("NCMD"))
                if self._host.name:
                    await link.subscribe(state_topic(self._host.name))
                self._voice = Voice(link, self._topics, self._clock, number)
                await self._be_online(link, self._voice, will)
            finally:
                await link.close()
        except WireLost:
            self._walk()
            raise
        finally:
            self._sent_before += 0 if self._voice is None else self._voice.sent
            self._voice = None
            self._born.clear()
            self._outbox.end_session(self._clock.monotonic())

    def _walk(self) -> None:
        """The next server of the list, when there is more than one."""
        self._server = (self._server + 1) % len(self._settings.urls)

    async def _wait_for_time(self) -> None:
        while not self._time_is_known():
            self._sessions.state = "waiting_for_the_clock"
            await self._sessions.unless_closing(self._clock.sleep(LOOK_EVERY_S))

    async def _be_online(self, link: Link, voice: Voice, will: Will) -> None:
        ended: type[Exception] | None = None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(link), name="sparkplug-listen")
                group.create_task(self._look_again(), name="sparkplug-look")
                group.create_task(self._speak(voice), name="sparkplug-speak")
        except* Closing:
            ended = Closing
        except* _HostGone:
            ended = _HostGone
        except* WireLost as lost:
            raise first(lost) from None
        if voice.was_born:
            # While connected with MQTT 3.1.1 a clean leave would take the will with it.
            await self._say_death(link, will)
        if ended is Closing:
            self._sessions.state = "closing"
            raise Closing
        self._walk()

    async def _say_death(self, link: Link, will: Will) -> None:
        try:
            async with asyncio.timeout(GOODBYE_S):
                await link.publish(will.topic, will.payload)
        except (WireLost, TimeoutError) as error:
            log.warning("sparkplug: no NDEATH: %s", str(error) or "no answer")

    async def _listen(self, link: Link) -> None:
        async for message in link.messages():
            self._hear(message)
            await link.acknowledge(message)

    def _hear(self, message: LinkMessage) -> None:
        if self._host.name and message.topic == state_topic(self._host.name):
            self._host.hear(message.payload)
        elif message.topic == self._topics.of_node("NCMD"):
            self._obey(message)
        self._wake.set()

    def _obey(self, message: LinkMessage) -> None:
        """A command is for now: one that a broker kept is of an earlier time and is not obeyed."""
        try:
            if message.retain:
                raise BadPayload("retained", "a command that the broker kept")
            metrics = decode_payload(message.payload).metrics
        except BadPayload as error:
            self.refused_commands += 1
            log.warning("sparkplug: a command is ignored: %s", error)
            return
        if any(is_rebirth(metric) for metric in metrics):
            self._rebirth = True
        elif metrics:
            self.refused_commands += 1
            log.warning("sparkplug: a command for %r is ignored: only rebirth is offered", metrics[0].name)

    async def _look_again(self) -> None:
        while True:
            self._look_due = True
            self._wake.set()
            await self._clock.sleep(LOOK_EVERY_S)

    # What is said, by one task

    async def _speak(self, voice: Voice) -> None:
        await self._await_host()
        await self._births(voice)
        self._sessions.note_online()
        while True:
            self._wake.clear()
            self._check_end()
            if self._rebirth:
                await self._births(voice)
            if self._look_due:
                self._look_due = False
                await self._look(voice)
            if self._outbox.live:
                await self._say_live(voice)
            elif not await self._say_history(voice):
                await self._wake.wait()

    def _check_end(self) -> None:
        if self._sessions.closing.is_set():
            raise Closing
        if self._host.is_offline:
            log.warning("sparkplug: the primary host %s is offline; readings wait", self._host.name)
            raise _HostGone

    async def _await_host(self) -> None:
        several = len(self._settings.urls) > 1
        until = self._clock.monotonic() + WALK_AFTER_S
        while self._host.name and not self._host.is_online:
            self._sessions.state = "waiting_for_the_host"
            if self._sessions.closing.is_set():
                raise Closing
            if several and (self._host.is_offline or self._clock.monotonic() > until):
                raise _HostGone
            self._wake.clear()
            await self._wake.wait()
        if self._sessions.closing.is_set():
            raise Closing

    async def _births(self, voice: Voice) -> None:
        """NBIRTH and every DBIRTH; all that is live waits meanwhile."""
        self._rebirth = False
        reports = self._devices()
        self._figures_told = self._figures(reports)
        at = self._clock.now_ms()
        await voice.node_birth(self._catalogue.node_birth(voice.bd_seq, self._figures_told, at))
        self._born.clear()
        self._outbox.is_born = True
        for device in self._there(reports):
            await self._device_birth(voice, device)

    async def _device_birth(self, voice: Voice, device: str) -> None:
        metrics = self._catalogue.device_birth(device, self._current, self._clock.now_ms())
        self._outbox.told_in_birth(device, [str(metric.name) for metric in metrics])
        self._born.add(device)
        await voice.device("DBIRTH", device, metrics)

    def _there(self, reports: Iterable[DeviceReport]) -> list[str]:
        """The devices that answered once and are not lost."""
        return [
            report.id
            for report in reports
            if report.id in self._catalogue.devices
            and report.last_ok_at is not None
            and report.state in ("ok", "failing")
        ]

    def _figures(self, reports: Iterable[DeviceReport]) -> NodeFigures:
        lost = sum(report.state == "lost" for report in reports)
        dropped = self._feed.dropped + self._outbox.hold.dropped + self._outbox.dropped.total()
        return NodeFigures(dropped, lost)

    async def _look(self, voice: Voice) -> None:
        reports = self._devices()
        there = self._there(reports)
        for device in sorted(self._born.difference(there)):
            self._born.discard(device)
            await voice.device("DDEATH", device, ())
        for device in there:
            if device not in self._born:
                await self._device_birth(voice, device)
        stale = [key for key in self._current.gone_stale() if key[0] in self._born]
        self._outbox.told_stale(stale)
        for device in dict.fromkeys(key[0] for key in stale):
            keys = [key for key in stale if key[0] == device]
            await voice.device("DDATA", device, self._catalogue.stale(keys, self._clock.now_ms()))
        figures = self._figures(reports)
        changed = self._catalogue.node_data(self._figures_told, figures, self._clock.now_ms())
        if changed:
            self._figures_told = figures
            await voice.node_data(changed)

    async def _say_live(self, voice: Voice) -> None:
        device = self._outbox.live[0].reading.device
        said = self._outbox.next_live(METRICS_MAX)
        if device not in self._born:
            self._outbox.hold.add(each.reading for each in said)
        elif said:
            await self._say(voice, device, said)

    async def _say_history(self, voice: Voice) -> bool:
        """Send a part of what waits; False when nothing does that may be sent now."""
        said = self._outbox.next_held(sorted(self._born), METRICS_MAX)
        if said:
            await self._say(voice, said[0].reading.device, said)
            await self._clock.sleep(HISTORY_PAUSE_S)
        return said is not None

    async def _say(self, voice: Voice, device: str, said: Sequence[Said]) -> None:
        # Before it is on its way: when that fails, it waits with what was sent before it.
        self._outbox.hold.sent([each.reading for each in said], self._clock.monotonic())
        await voice.device("DDATA", device, self._catalogue.data(said, self._clock.now_ms()))
