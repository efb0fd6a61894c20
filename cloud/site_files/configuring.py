"""Site files for gateways: written down, published retained, and followed until the gateway says what became of them.

What is published is read from the registry, so that a command beside the collector has its revision sent as well. A
gateway that is away waits, and has not failed; when it is born and has not answered, its revision is published again.
"""

import asyncio
import difflib
import logging
from collections.abc import Awaitable, Mapping
from typing import Protocol

from cloud.identity.authority import Authority, BadAuthority
from cloud.ingest.contract import Committed
from cloud.registry.identity_book import IdentityBook
from cloud.registry.site_file_book import BOX, BY_THE_BOX, COLLECTOR, SiteFileBook
from cloud.registry.tables_site_files import SiteFileAnswerRow, SiteFileRow, SiteFileToldRow
from cloud.site_files.checking import Checked, check
from cloud.store.contract import GatewayKey
from protocols.birth import Birth, SiteFileBirth
from protocols.clock import Clock
from protocols.errors import BadOffer, StoreUnavailable, WireLost
from protocols.site_config import (
    BASES_MAX,
    CONFIRM_S,
    CONFIRM_S_LEAST,
    CONFIRM_S_MOST,
    TEXT_BYTES_MAX,
    Offer,
    pack,
    seal_offer,
    sha256_of,
    unpack,
)
from protocols.status import Status
from protocols.topics import topic

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
SHOWN_MAX = 200
WHY_MAX = 500
DETAIL_MAX = 500
ANSWERS: Mapping[str, str] = {
    "config_applied": "applied",
    "config_refused": "refused",
    "config_rolled_back": "rolled_back",
}


class Publish(Protocol):
    """Hands a message to the broker; raises WireLost."""

    def __call__(self, topic: str, payload: bytes, *, retain: bool) -> Awaitable[None]: ...


class Desk:
    """What may be done to site files, beside a running collector or in it. Raises BadOffer and StoreUnavailable."""

    def __init__(self, book: SiteFileBook, identities: IdentityBook, clock: Clock) -> None:
        self.book, self._identities, self._clock = book, identities, clock

    async def want(
        self,
        key: GatewayKey,
        text: str,
        *,
        by: str,
        why: str,
        after: int | None = None,
        not_before: int = 0,
        confirm_within_s: int = CONFIRM_S,
    ) -> SiteFileRow:
        """Write down which file a gateway is to run. ``after``: the newest revision its author saw.

        Reasons of BadOffer: ``no_reason``, ``too_large``, ``not_enrolled``, ``not_told``, ``changed``, ``same``,
        ``out_of_range``.
        """
        if not why.strip() or len(why) > WHY_MAX:
            raise BadOffer("no_reason", f"say why, in 1 to {WHY_MAX} characters: it stands in the history")
        if len(text.encode()) > TEXT_BYTES_MAX:
            raise BadOffer("too_large", f"{len(text.encode())} bytes, at most {TEXT_BYTES_MAX}")
        if not CONFIRM_S_LEAST <= confirm_within_s <= CONFIRM_S_MOST:
            raise BadOffer("out_of_range", f"{CONFIRM_S_LEAST} to {CONFIRM_S_MOST} s to confirm it in")
        enrolled = {each.key for each in await self._identities.enrolled() if each.revoked_at is None}
        if key not in enrolled:
            raise BadOffer("not_enrolled", f"{key.site}/{key.gateway} is not enrolled, so it believes nobody")
        now = await self.book.now(key)
        if now is None:
            raise BadOffer(
                "not_told",
                "it never said which site file it runs; the file on the box must say [remote_config] enabled = true",
            )
        revisions = await self.book.revisions(key, SHOWN_MAX)
        name = sha256_of(text.encode())
        wanted = next((row for row in revisions if row.origin == COLLECTOR), None)
        if name == now.sha256 and (wanted is None or wanted.sha256 == name):
            raise BadOffer("same", "it runs exactly this file")
        made = await self.book.add(
            key,
            text,
            origin=COLLECTOR,
            bases=_bases(now, revisions),
            by=by,
            why=why.strip(),
            at=self._clock.now_ms(),
            not_before=not_before,
            confirm_within_s=confirm_within_s,
            after=after,
        )
        if made is None:
            raise BadOffer("changed", "there is a newer revision than the one it was made from; look at it first")
        log.info("site file %d for %s/%s by %s", made.revision, *key, by)
        return made

    async def check(self, key: GatewayKey, text: str) -> Checked:
        """What the gateway will say of a text, as far as that can be known here."""
        now = await self.book.now(key)
        running = await self.running(key, now) if now is not None else None
        return await asyncio.to_thread(check, text, running.text if running is not None else text)

    async def running(self, key: GatewayKey, now: SiteFileToldRow) -> SiteFileRow | None:
        """The revision a gateway runs, as it said last; None when its text is not known."""
        rows = await self.book.revisions(key, SHOWN_MAX)
        return next((row for row in rows if row.sha256 == now.sha256), None)


class Configuring(Desk):
    """The same in a running collector: ``run`` publishes; ``committed``, ``birth`` and ``status`` are its handlers."""

    def __init__(
        self, authority: Authority, book: SiteFileBook, identities: IdentityBook, clock: Clock, publish: Publish
    ) -> None:
        super().__init__(book, identities, clock)
        self._authority, self._publish = authority, publish
        self._looked_to = 0
        self._due: dict[GatewayKey, SiteFileRow] = {}
        self._told: dict[GatewayKey, SiteFileBirth] = {}

    async def run(self) -> None:
        """Work until cancelled."""
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
        for row in await self.book.unanswered():
            if GatewayKey(row.site, row.gateway) == key and said.state == "in_force":
                self._due.setdefault(key, row)

    async def status(self, key: GatewayKey, status: Status, *, received_at: int, retained: bool) -> None:
        """Says nothing of site files."""

    async def committed(self, committed: Committed) -> None:
        """Take the answers among the events of a commit."""
        for batch in committed.batches:
            for event in batch.events:
                state, revision = ANSWERS.get(event.kind), event.data.get("revision")
                if state is None or not isinstance(revision, int) or revision < 1:
                    continue
                said = [str(event.data.get(part) or "") for part in ("reason", "detail", "devices")]
                line = event.data.get("line")
                try:
                    await self.book.answer(
                        GatewayKey(batch.site, batch.gateway),
                        revision,
                        state=state,
                        detail=": ".join(part for part in said if part)[:DETAIL_MAX],
                        setting=str(event.data.get("key") or "")[:DETAIL_MAX],
                        line=line if isinstance(line, int) and line >= 0 else 0,
                        at=batch.stored_at,
                    )
                except StoreUnavailable as error:
                    log.warning("what became of site file %d is stored as an event only: %s", revision, error)


def state_of(row: SiteFileRow, answer: SiteFileAnswerRow | None, now: SiteFileToldRow | None, wanted: bool) -> str:
    """``applied``, ``refused``, ``rolled_back``, ``trying``, ``waiting``, ``replaced`` (never heard of), ``found``."""
    if row.origin == BOX:
        return "found"
    if answer is not None:
        return answer.state
    if not wanted:
        return "replaced"
    is_tried = now is not None and now.state == "trying" and now.revision == row.revision
    return "trying" if is_tried else "waiting"


def difference(before: str, after: str, *, named: tuple[str, str]) -> str:
    """What changes, as a unified diff; "" when nothing does."""
    return "".join(difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), *named, n=2))


def _bases(now: SiteFileToldRow, revisions: list[SiteFileRow]) -> list[str]:
    """What it runs, and everything it may have been given since without our knowing yet."""
    runs = next((row.revision for row in revisions if row.sha256 == now.sha256), 0)
    since = [row.sha256 for row in revisions if row.origin == COLLECTOR and row.revision > runs]
    return list(dict.fromkeys([now.sha256, *since]))[:BASES_MAX]
