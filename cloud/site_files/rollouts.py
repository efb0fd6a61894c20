"""Roll-outs: one change for many gateways, planned and shown, then given in stages and stopped when it does harm.

Everything stands in the registry: the plan, the stage, and with each revision, in the transaction that makes it, for
which roll-out it was. So a collector that is killed goes on where it was, and no gateway gets the change twice. What
is here works also beside the collector, in which `cloud.site_files.rollout_runner` goes on.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cloud.audit.note import tell
from cloud.registry.rollout_book import RolloutBook
from cloud.registry.rollouts_restored import RESTORED
from cloud.registry.tables_rollouts import RolloutGatewayRow, RolloutRow
from cloud.site_files.desk import WHY_MAX, Desk, difference
from cloud.site_files.patch import patched, read_patch
from cloud.site_files.rollout_steps import failures
from cloud.site_files.stages import USUAL, staged
from cloud.store.contract import GatewayKey
from protocols.clock import Clock
from protocols.errors import BadOffer, BadRollout
from protocols.site_config import CONFIRM_S, CONFIRM_S_LEAST, CONFIRM_S_MOST, TEXT_BYTES_MAX

log = logging.getLogger(__name__)

GATEWAYS_MAX, OPEN_MAX = 2_000, 20
TEXTS_BYTES_MAX = 8 * 1024 * 1024
SOAK_S, SOAK_S_MOST = 600, 7 * 86_400
PATIENCE_S, PATIENCE_S_LEAST, PATIENCE_S_MOST = 3_600, 30, 30 * 86_400
DETAIL_MAX = 500


class Wish(NamedTuple):
    """What somebody wants for many: lines of ``changes``, or whole ``files``; one of the two.

    ``gateways``: for whom a patch is, as ``east/b3`` or ``east/*``; all that take site files when empty. ``site``: for
    none but this one's; "" for any.
    """

    why: str
    by: str
    changes: Sequence[str] = ()
    files: Mapping[GatewayKey, str] = {}
    gateways: Sequence[str] = ()
    site: str = ""
    stages: Sequence[str] = USUAL
    soak_s: int = SOAK_S
    patience_s: int = PATIENCE_S
    stop_after: int = 0
    confirm_within_s: int = CONFIRM_S
    not_before: int = 0


class Rollouts:
    """Raises BadRollout and StoreUnavailable."""

    def __init__(self, book: RolloutBook, desk: Desk, clock: Clock) -> None:
        self.book, self._desk, self._clock = book, desk, clock

    # --- planning

    async def plan(self, wish: Wish) -> RolloutRow:
        """Write a roll-out down as a draft; nothing is sent. `check` then judges each gateway's whole file.

        Reasons: ``no_reason``, ``out_of_range``, ``bad_patch``, ``bad_stages``, ``too_large``, ``unknown_gateway``,
        ``nobody``, ``busy`` and ``too_many``.
        """
        self._refuse_odd(wish)
        changes = read_patch(wish.changes) if wish.changes else ()
        if bool(changes) == bool(wish.files):
            raise BadRollout("bad_patch", "lines of changes, or whole files: one of the two")
        running = {
            key: (row, text)
            for key, row, text in await self._desk.book.all_running()
            if not wish.site or key.site == wish.site
        }
        keys = set(wish.files) or _chosen(wish.gateways, running)
        unknown = next((key for key in sorted(keys) if key not in running), None)
        if unknown is not None:
            what = "never said which site file it runs; the file on the box must say [remote_config] enabled = true"
            raise BadRollout("unknown_gateway", f"{'/'.join(unknown)} {what}" + (", or is elsewhere" * bool(wish.site)))
        if not keys or len(keys) > GATEWAYS_MAX:
            raise BadRollout("nobody", f"it is for {len(keys)} gateways; 1 to {GATEWAYS_MAX} are right")
        gateways = []
        for position, (key, number) in enumerate(staged(keys, wish.stages)):
            runs, before = running[key]
            part = RolloutGatewayRow(
                site=key.site,
                gateway=key.gateway,
                position=position,
                stage=number,
                state="unchecked",
                base=runs.sha256,
                after=runs.newest,
                text=wish.files.get(key, ""),
            )
            if changes:
                try:
                    part.text = await asyncio.to_thread(patched, before, changes)
                except BadRollout as error:
                    part.state, part.message, part.text = "wrong", error.detail[:DETAIL_MAX], before
            if part.text == before and part.state != "wrong":
                part.state = "same"
            gateways.append(part)
        row = self._row(wish)
        if wrong := await self.book.add(row, gateways, open_max=OPEN_MAX):
            if wrong == "too_many":
                raise BadRollout("too_many", f"{OPEN_MAX} roll-outs are open; end one first")
            raise BadRollout("busy", f"{wrong} has a part in another roll-out; end that first")
        tell(rollout=row.id, gateways=len(gateways), change=row.change[:200])
        log.info("roll-out %d for %d gateways by %s", row.id, len(gateways), row.by)
        return row

    def _refuse_odd(self, wish: Wish) -> None:
        if not wish.why.strip() or len(wish.why) > WHY_MAX:
            raise BadRollout("no_reason", f"say why, in 1 to {WHY_MAX} characters: it stands in every history")
        for what, value, least, most in (
            ("soak, s", wish.soak_s, 0, SOAK_S_MOST),
            ("patience, s", wish.patience_s, PATIENCE_S_LEAST, PATIENCE_S_MOST),
            ("failures to stop after", wish.stop_after, 0, GATEWAYS_MAX),
            ("seconds to confirm it in", wish.confirm_within_s, CONFIRM_S_LEAST, CONFIRM_S_MOST),
        ):
            if not least <= value <= most:
                raise BadRollout("out_of_range", f"{what}: {value}; {least} to {most} are right")
        if len(wish.gateways) > GATEWAYS_MAX:
            raise BadRollout("out_of_range", f"{len(wish.gateways)} names; at most {GATEWAYS_MAX}, or write east/*")
        try:
            self._desk.refuse_far(wish.not_before)
        except BadOffer as error:
            raise BadRollout(error.reason, error.detail) from None
        sizes = [len(text.encode()) for text in wish.files.values()]
        if sum(sizes) > TEXTS_BYTES_MAX or max(sizes, default=0) > TEXT_BYTES_MAX:
            limit = f"{TEXT_BYTES_MAX} bytes, all together {TEXTS_BYTES_MAX}"
            raise BadRollout("too_large", f"a site file has at most {limit}")

    def _row(self, wish: Wish) -> RolloutRow:
        now = self._clock.now_ms()
        return RolloutRow(
            site=wish.site,
            by=wish.by,
            why=wish.why.strip(),
            made_at=now,
            change="\n".join(line.strip() for line in wish.changes),
            stages="\n".join(wish.stages),
            soak_s=wish.soak_s,
            patience_s=wish.patience_s,
            stop_after=wish.stop_after,
            confirm_within_s=wish.confirm_within_s,
            not_before=wish.not_before,
            state="draft",
            changed_by=wish.by,
            changed_at=now,
        )

    async def check(self, number: int) -> bool:
        """Judge the next gateway's file that nobody has judged; False when there is none."""
        one = await self.book.unchecked(number)
        if one is None:
            return False
        key, text = one
        found = await self._desk.check(key, text)
        await self.book.judged(
            number,
            key,
            state="ready" if found.ok else "wrong",
            by_whom=found.by,
            line=found.line,
            setting=found.key[:DETAIL_MAX],
            message=found.message[:DETAIL_MAX],
            allowed=found.allowed[:DETAIL_MAX],
        )
        return True

    async def difference(self, number: int, key: GatewayKey) -> str:
        """What changes for one gateway, as a unified diff. Raises BadRollout ``unknown_rollout``."""
        text = await self.book.text(number, key)
        one = next((one for one in await self.book.seen(number) if one.key == key), None)
        if text is None or one is None:
            raise BadRollout("unknown_rollout", f"{'/'.join(key)} has no part in roll-out {number}")
        before = await self._desk.book.of_text(key, one.base)
        return difference(before.text if before else "", text, named=("runs", "wanted"))

    # --- what people do

    async def find(self, number: int) -> RolloutRow:
        """Raises BadRollout ``unknown_rollout``."""
        row = await self.book.find(number)
        if row is None:
            raise BadRollout("unknown_rollout", f"there is no roll-out {number}")
        return row

    async def start(self, number: int, *, by: str, without_wrong: bool = False) -> RolloutRow:
        """Begin a draft. Reasons: ``not_now``, ``not_checked``, ``some_wrong``, ``nobody``."""
        row = await self._in(number, "draft")
        states = [one.state for one in await self.book.seen(number)]
        if "unchecked" in states:
            raise BadRollout("not_checked", f"{states.count('unchecked')} files are not checked yet; wait a moment")
        if "wrong" in states and not without_wrong:
            raise BadRollout(
                "some_wrong", f"{states.count('wrong')} files are wrong; start without them, or give it up"
            )
        if "ready" not in states:
            raise BadRollout("nobody", "no gateway is left that anything would change for")
        return await self._turned(row, by, state="running")

    async def pause(self, number: int, *, by: str) -> RolloutRow:
        """Begin with no further gateway; those that were sent their file go on by themselves."""
        return await self._turned(await self._in(number, "running"), by, state="paused", halted="person")

    async def pause_restored(self) -> int:
        """Pause all that run, in a registry that was put back; how many."""
        paused = await self.book.pause_restored(self._clock.now_ms())
        tell(paused=paused, why=RESTORED)
        return paused

    async def go_on(self, number: int, *, by: str) -> RolloutRow:
        """Go on with what was paused or has stopped, in spite of what failed so far."""
        row = await self._in(number, "paused", "stopped")
        seen = await self.book.seen(number)
        if row.halted == RESTORED:
            for one in (each for each in seen if each.state == "sent" and each.outcome == "replaced"):
                await self.book.ended(number, one.key, state="ready", revision=None, sent_at=None, after=one.revision)
        forgiven = failures(row, seen)
        accepted = row.stage if row.halted == "few_confirmed" else row.accepted
        return await self._turned(row, by, state="running", halted="", forgiven=forgiven, accepted=accepted)

    async def abort(self, number: int, *, by: str, back: bool) -> RolloutRow:
        """End it. Who has not heard of it never will; who tries it ends the trial alone; who confirmed it keeps it, or,
        with ``back``, gets the file of before again, as does who tries it; unless it runs, or was given, another since.
        """
        row = await self._in(number, "draft", "running", "paused", "stopped")
        ended: dict[str, Any] = {"state": "returned" if back else "aborted", "halted": "person"}
        if row.state == "draft":
            ended["closed_at"] = self._clock.now_ms()
        return await self._turned(row, by, **ended)

    async def _in(self, number: int, *states: str) -> RolloutRow:
        row = await self.find(number)
        if row.state not in states:
            raise BadRollout(
                "not_now", f"roll-out {number} is {row.state}; this is for one that is {' or '.join(states)}"
            )
        return row

    async def _turned(self, row: RolloutRow, by: str, **fields: Any) -> RolloutRow:
        tell(rollout=row.id, state=fields["state"], before=row.state)
        if not await self.book.change(row, changed_by=by, changed_at=self._clock.now_ms(), **fields):
            raise BadRollout("not_now", f"roll-out {row.id} has just changed; look at it first")
        log.info("roll-out %d is %s, by %s", row.id, fields["state"], by)
        return await self.find(row.id)


def _chosen(patterns: Sequence[str], running: Mapping[GatewayKey, Any]) -> set[GatewayKey]:
    """Whom ``east/b3`` and ``east/*`` mean."""
    found = set() if patterns else set(running)
    for pattern in patterns:
        site, _, gateway = pattern.partition("/")
        of_it = {key for key in running if key.site == site and gateway in ("*", key.gateway)}
        if not of_it:
            raise BadRollout(
                "unknown_gateway", f"{pattern[:80]!r} is no gateway that takes site files; write east/b3 or east/*"
            )
        found |= of_it
    return found
