"""What may be done to site files, beside a running collector or in it."""

import asyncio
import difflib
import logging

from cloud.registry.identity_book import IdentityBook
from cloud.registry.site_file_book import BOX, COLLECTOR, Also, SiteFileBook
from cloud.registry.tables_site_files import SiteFileAnswerRow, SiteFileRow, SiteFileToldRow
from cloud.site_files.checking import Checked, check
from cloud.store.contract import GatewayKey
from protocols.clock import Clock
from protocols.errors import BadOffer
from protocols.site_config import (
    BASES_MAX,
    CONFIRM_S,
    CONFIRM_S_LEAST,
    CONFIRM_S_MOST,
    TEXT_BYTES_MAX,
    sha256_of,
)

log = logging.getLogger(__name__)

SHOWN_MAX = 200
WHY_MAX = 500
AHEAD_DAYS_MAX = 90
AHEAD_MS_MAX = AHEAD_DAYS_MAX * 86_400_000


class Desk:
    """Raises BadOffer and StoreUnavailable."""

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
        also: Also | None = None,
    ) -> SiteFileRow:
        """Write down which file a gateway is to run, and not to try before ``not_before`` (ms; 0: at once).

        ``after``: the newest revision its author saw. ``also`` is done in the same transaction. Reasons of BadOffer:
        ``no_reason``, ``too_large``, ``not_enrolled``, ``not_told``, ``changed``, ``same``, ``out_of_range``.
        """
        if not why.strip() or len(why) > WHY_MAX:
            raise BadOffer("no_reason", f"say why, in 1 to {WHY_MAX} characters: it stands in the history")
        if len(text.encode()) > TEXT_BYTES_MAX:
            raise BadOffer("too_large", f"{len(text.encode())} bytes, at most {TEXT_BYTES_MAX}")
        if not CONFIRM_S_LEAST <= confirm_within_s <= CONFIRM_S_MOST:
            raise BadOffer("out_of_range", f"{CONFIRM_S_LEAST} to {CONFIRM_S_MOST} s to confirm it in")
        self.refuse_far(not_before)
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
            also=also,
        )
        if made is None:
            raise BadOffer("changed", "there is a newer revision than the one it was made from; look at it first")
        log.info("site file %d for %s/%s by %s", made.revision, *key, by)
        return made

    def refuse_far(self, not_before: int) -> None:
        """Raises BadOffer ``out_of_range`` for an instant (ms; 0: at once) that nobody means."""
        if not 0 <= not_before <= self._clock.now_ms() + AHEAD_MS_MAX:
            raise BadOffer("out_of_range", f"not to be tried before then: at most {AHEAD_DAYS_MAX} days from now")

    async def check(self, key: GatewayKey, text: str) -> Checked:
        """What the gateway will say of a text, as far as that can be known here."""
        now = await self.book.now(key)
        running = await self.running(key, now) if now is not None else None
        return await asyncio.to_thread(check, text, running.text if running is not None else text)

    async def running(self, key: GatewayKey, now: SiteFileToldRow) -> SiteFileRow | None:
        """The revision a gateway runs, as it said last; None when its text is not known."""
        rows = await self.book.revisions(key, SHOWN_MAX)
        return next((row for row in rows if row.sha256 == now.sha256), None)


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


def said(answer: SiteFileAnswerRow | None) -> str:
    """What a gateway answered, in one line of its own words; "" when nothing."""
    parts = (answer.reason, answer.detail, answer.devices) if answer is not None else ()
    return ": ".join(part for part in parts if part)


def difference(before: str, after: str, *, named: tuple[str, str]) -> str:
    """What changes, as a unified diff; "" when nothing does."""
    return "".join(difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), *named, n=2))


def _bases(now: SiteFileToldRow, revisions: list[SiteFileRow]) -> list[str]:
    """What it runs, and everything it may have been given since without our knowing yet."""
    runs = next((row.revision for row in revisions if row.sha256 == now.sha256), 0)
    since = [row.sha256 for row in revisions if row.origin == COLLECTOR and row.revision > runs]
    return list(dict.fromkeys([now.sha256, *since]))[:BASES_MAX]
