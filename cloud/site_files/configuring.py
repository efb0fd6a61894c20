"""Site files for gateways: written down, published retained, and followed until the gateway says what became of them.

What is published is read from the registry, so that a command beside the collector has its revision sent as well. A
gateway that is away waits, and has not failed; when it is born and has not answered, its revision is published again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Protocol

from cloud.identity.authority import Authority, BadAuthority
from cloud.ingest.contract import Committed
from cloud.registry.identity_book import IdentityBook
from cloud.registry.rollout_book import RolloutBook
from cloud.registry.site_file_book import BOX, BY_THE_BOX, SiteFileBook
from cloud.registry.tables_site_files import SiteFileRow
from cloud.site_files.desk import SHOWN_MAX, Desk
from cloud.site_files.halted import Alarms
from cloud.site_files.rollout_runner import RolloutRunner
from cloud.site_files.rollouts import Rollouts
from cloud.store.contract import GatewayKey
from protocols.birth import Birth, SiteFileBirth
from protocols.clock import Clock
from protocols.errors import BadOffer, StoreUnavailable, WireLost
from protocols.site_config import Offer, pack, seal_offer, sha256_of, unpack
from protocols.status import Status
from protocols.topics import topic

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
DETAIL_MAX = 500
ANSWERS: Mapping[str, str] = {
    "config_applied": "applied",
    "config_refused": "refused",
    "config_rolled_back": "rolled_back",
}


class Publish(Protocol):
    """Hands a message to the broker; raises WireLost."""

    def __call__(self, topic: str, payload: bytes, *, retain: bool) -> Awaitable[None]: ...


class Configuring(Desk):
    """The same in a running collector: ``run`` publishes; ``committed``, ``birth`` and ``status`` are its handlers."""

    def __init__(
        self,
        authority: Authority,
        book: SiteFileBook,
        identities: IdentityBook,
        clock: Clock,
        publish: Publish,
        alarms: Alarms | None = None,
    ) -> None:
        super().__init__(book, identities, clock)
        self._authority, self._publish = authority, publish
        self.rollouts = Rollouts(RolloutBook(book.database), self, clock)
        self._runner = RolloutRunner(self.rollouts, self, clock, alarms)
        self._looked_to = 0
        self._due: dict[GatewayKey, SiteFileRow] = {}
        self._told: dict[GatewayKey, SiteFileBirth] = {}
        self._judged: dict[GatewayKey, int] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._send_wanted(), name="site files: sending")
            tasks.create_task(self._runner.run(), name="site files: roll-outs")

    async def _send_wanted(self) -> None:
        first = True
        while True:
            try:
                if first:
                    self._take(await self.book.unanswered())
                    first = False
                self._take(await self.book.wanted(self._looked_to))
                await self._send()
            except (StoreUnavailable, WireLost, BadAuthority) as error:
                log.debug("site files wait: %s", error)
            await self._clock.sleep(LOOK_EVERY_S)

    def _take(self, rows: list[SiteFileRow]) -> None:
        for row in rows:
            self._due[GatewayKey(row.site, row.gateway)] = row
            self._looked_to = max(self._looked_to, row.id)

    async def _send(self) -> None:
        for key, row in list(self._due.items()):
            self._authority.open()
            offer = Offer(
                site=row.site,
                gateway=row.gateway,
                revision=row.revision,
                bases=tuple(row.bases.split()),
                sha256=row.sha256,
                packed=pack(row.text.encode()),
                not_before=row.not_before,
                confirm_within_s=row.confirm_within_s,
            )
            await self._publish(topic(*key, "config"), seal_offer(offer, self._authority.sign_command), retain=True)
            if self._due.get(key) is row:
                del self._due[key]

    async def birth(self, key: GatewayKey, birth: Birth, *, received_at: int, retained: bool) -> None:
        """Take which file it runs; one that nobody knows becomes a revision "from the box"."""
        said = birth.site_file
        if said is None or self._told.get(key) == said:
            return
        try:
            await self._take_told(key, said, received_at)
        except StoreUnavailable as error:
            log.warning("which site file %s/%s runs is not on record: %s", *key, error)
            return
        self._told[key] = said

    async def _take_told(self, key: GatewayKey, said: SiteFileBirth, at: int) -> None:
        revisions = await self.book.revisions(key, SHOWN_MAX)
        if said.packed and all(row.sha256 != said.sha256 for row in revisions):
            try:
                text = unpack(said.packed).decode()
            except (BadOffer, UnicodeDecodeError) as error:
                log.warning("the site file of %s/%s cannot be read: %s", *key, error)
                text = ""
            if text and sha256_of(text.encode()) == said.sha256:
                await self.book.add(
                    key, text, origin=BOX, bases=(), by=BY_THE_BOX, why="", at=at, not_before=0, confirm_within_s=0
                )
        await self.book.told(key, said, at)
        await self._again_above(key, said.highest)
        for row in await self.book.unanswered():
            if GatewayKey(row.site, row.gateway) == key and said.state == "in_force":
                self._due.setdefault(key, row)

    async def _again_above(self, key: GatewayKey, highest: int) -> None:
        """What is wanted gets a number above ``highest``, where the gateway has judged numbers nobody remembers here.

        Where it has judged no more than is on record, its answer is on the way.
        """
        revisions = await self.book.revisions(key, SHOWN_MAX)
        if not revisions or highest <= revisions[0].revision:
            return
        due = next((row for row in await self.book.unanswered() if (row.site, row.gateway) == key), None)
        if due is None or due.revision > highest:
            return
        made = await self.book.add(
            key,
            due.text,
            origin=due.origin,
            bases=due.bases.split(),
            by=due.by,
            why=due.why,
            at=self._clock.now_ms(),
            not_before=due.not_before,
            confirm_within_s=due.confirm_within_s,
            also=self.rollouts.book.numbered_anew(key, due.revision),
        )
        log.warning("%s/%s has judged revision %d, which is not on record here: it goes on above", *key, highest)
        assert made is not None

    async def status(self, key: GatewayKey, status: Status, *, received_at: int, retained: bool) -> None:
        """Take how far it has judged: a registry that was restored numbers on above that."""
        judged = status.report.site_file_judged if status.report is not None else 0
        if judged <= self._judged.get(key, 0):
            return
        try:
            if await self.book.judged(key, judged):
                await self._again_above(key, judged)
        except StoreUnavailable as error:
            log.warning("how far %s/%s has judged is not on record: %s", *key, error)
            return
        self._judged[key] = judged

    async def committed(self, committed: Committed) -> None:
        """Take the answers among the events of a commit."""
        for batch in committed.batches:
            for event in batch.events:
                state, revision = ANSWERS.get(event.kind), event.data.get("revision")
                if state is None or not isinstance(revision, int) or revision < 1:
                    continue
                reason, detail = (str(event.data.get(part) or "") for part in ("reason", "detail"))
                # Of a file that was taken back, those it lost; of one in force, their number, which is no trouble.
                lost = event.data.get("devices")
                line = event.data.get("line")
                try:
                    await self.book.answer(
                        GatewayKey(batch.site, batch.gateway),
                        revision,
                        state=state,
                        detail=detail[:DETAIL_MAX],
                        reason=reason[:DETAIL_MAX],
                        devices=lost[:DETAIL_MAX] if isinstance(lost, str) else "",
                        setting=str(event.data.get("key") or "")[:DETAIL_MAX],
                        line=line if isinstance(line, int) and line >= 0 else 0,
                        at=batch.stored_at,
                    )
                except StoreUnavailable as error:
                    log.warning("what became of site file %d is stored as an event only: %s", revision, error)
