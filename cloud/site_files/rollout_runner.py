"""Roll-outs in the running collector: each step as the registry knows it; one that is killed goes on with it."""

import logging
from typing import Any

from cloud.audit.note import Note, about, tell
from cloud.registry.rollout_book import NotNow, Seen
from cloud.registry.site_file_book import Also
from cloud.registry.tables_rollouts import RolloutRow
from cloud.site_files.desk import Desk
from cloud.site_files.halted import Alarms, show
from cloud.site_files.rollout_steps import Step, next_step
from cloud.site_files.rollouts import DETAIL_MAX, Rollouts
from cloud.store.contract import GatewayKey
from protocols.clock import Clock
from protocols.errors import BadOffer, StoreUnavailable
from protocols.site_config import sha256_of

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


class RolloutRunner:
    """``run`` until cancelled."""

    def __init__(self, plans: Rollouts, desk: Desk, clock: Clock, alarms: Alarms | None = None) -> None:
        self._plans, self._book, self._desk, self._clock = plans, plans.book, desk, clock
        self._alarms = alarms

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            checked = False
            try:
                checked = await self.look()
            except StoreUnavailable as error:
                log.debug("roll-outs wait: %s", error)
            if not checked:
                await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> bool:
        """Do what is due of all; True when a plan was checked, and another may wait for it."""
        checked = False
        unfinished = await self._book.unfinished()
        if self._alarms is not None:
            show(self._alarms, unfinished)
        for row in unfinished:
            if row.state == "draft":
                checked |= await self._plans.check(row.id)
            else:
                await self.step(row)
        return checked

    async def step(self, row: RolloutRow) -> None:
        """Do what is due of one, as it is known now."""
        seen = await self._book.seen(row.id)
        step = next_step(row, seen, self._clock.now_ms())
        parts = {one.key: one for one in seen}
        for key in step.send:
            with about(_note(row, key)):
                await self._send(row, parts[key])
        for key in step.take_back:
            with about(_note(row, key)):
                await self._take_back(row, parts[key])
        if step.state or step.over or step.closed or step.stage is not None:
            await self._move(row, step)

    async def _move(self, row: RolloutRow, step: Step) -> None:
        now = self._clock.now_ms()
        if step.over or step.closed:
            await self._book.change(row, **{"stage_over_at" if step.over else "closed_at": now})
            return
        fields: dict[str, Any] = {"changed_at": now, "changed_by": ""}
        if step.state:
            fields |= {"state": step.state, "halted": step.halted}
        if step.stage is not None:
            fields |= {"stage": step.stage, "stage_over_at": None}
        with about(Note("roll-out moves", actor=row.by, via="system", site=row.site, reason=row.why)):
            tell(rollout=row.id, state=step.state or row.state, stage=fields.get("stage", row.stage), why=step.halted)
            if await self._book.change(row, **fields):
                log.info("roll-out %d: %s %s, stage %d", row.id, *step[2:4], fields.get("stage", row.stage))

    async def _send(self, row: RolloutRow, one: Seen) -> None:
        """Want the file, and write down with it for which roll-out; or leave a gateway out that is another now."""
        now = await self._desk.book.now(one.key)
        text = await self._book.text(row.id, one.key)
        if now is None or text is None or now.sha256 != one.base:
            await self._book.judged(row.id, one.key, state="changed")
            return

        await self._want(row, one, text, self._book.sent(row.id, one.key), back=False)

    async def _take_back(self, row: RolloutRow, one: Seen) -> None:
        """Want the file of before again; or leave a gateway alone that runs, or was given, another since."""
        now = await self._desk.book.now(one.key)
        given = await self._book.text(row.id, one.key)
        before = await self._desk.book.of_text(one.key, one.base)
        if now is None or given is None or before is None or now.sha256 not in (one.base, sha256_of(given.encode())):
            await self._book.ended(row.id, one.key, state="changed")
            return
        await self._want(row, one, before.text, self._book.taken_back(row.id, one.key, row.state), back=True)

    async def _want(self, row: RolloutRow, one: Seen, text: str, also: Also, *, back: bool) -> None:
        try:
            await self._desk.want(
                one.key,
                text,
                by=row.by,
                why=row.why,
                after=one.revision if back else one.after,
                not_before=0 if back else row.not_before,
                confirm_within_s=row.confirm_within_s,
                also=also,
            )
        except NotNow:
            log.debug("roll-out %d was changed meanwhile", row.id)
        except BadOffer as error:
            if not back:
                await self._book.judged(row.id, one.key, state="changed", message=error.detail[:DETAIL_MAX])
            elif error.reason == "changed":
                await self._book.ended(row.id, one.key, state="changed")
            else:
                await self._book.ended(row.id, one.key, state="withdrawn", message=error.detail[:DETAIL_MAX])


def _note(row: RolloutRow, key: GatewayKey) -> Note:
    made = Note("site file of a roll-out", actor=row.by, via="system", site=key.site, reason=row.why)
    made.facts["rollout"] = row.id
    return made
