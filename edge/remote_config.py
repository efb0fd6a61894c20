"""Site files from the collector: verified, judged, tried, and confirmed or taken back, without asking anybody.

`hear` takes what comes on the channel ``config``; of several that wait only the newest matters. `run` judges it in a
process of its own, puts it on disk as a trial, and has the gateway begin anew with it in place. The process that began
with a trial confirms it when the collector acked something sealed since, every device that answered before answers
again, and it has run steadily for a while; at the deadline it goes back to the file of before.

What is not signed by our collector for this gateway, or is not newer than what was judged, gets no answer but a count.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from edge.config_check import Verdict, judge_apart
from edge.config_start import InForce, due, rolled_back
from edge.config_store import ConfigStore, Held, Record, Told, Trial
from edge.contract import FailPoint, LinkMessage, Sink
from edge.failpoint import never
from protocols.birth import SiteFileBirth
from protocols.clock import Clock
from protocols.errors import BadOffer, BadPayload, Permanent, StoreDamaged, StoreUnavailable
from protocols.events import GATEWAY_DEVICE
from protocols.reading import Event, Scalar
from protocols.site_config import Offer, open_offer, pack

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
AGAIN_S = 5.0
STEADY_S = 30.0
"""A trial that ended so soon would have looked good; at most half the time it has to be confirmed in."""


class Waiting(NamedTuple):
    """An offer that waits to be judged, and its text."""

    offer: Offer
    text: bytes


class RemoteConfig:
    """See the module. ``restart`` is called when the record on disk says that another text is to run."""

    def __init__(
        self,
        in_force: InForce,
        *,
        store: ConfigStore,
        key: Callable[[], bytes],
        clock_known: Callable[[], bool],
        answering: Callable[[], frozenset[str]],
        acked_since_start: Callable[[], bool],
        restart: Callable[[], None],
        sink: Sink,
        clock: Clock,
        boot: str,
        judge: Callable[[Path, bytes], Verdict] = judge_apart,
        fail_point: FailPoint = never,
    ) -> None:
        self._in_force, self._store, self._key, self._clock_known = in_force, store, key, clock_known
        self._answering, self._acked, self._restart = answering, acked_since_start, restart
        self._sink, self._clock, self._boot, self._judge = sink, clock, boot, judge
        self._fail_point = fail_point
        self._began_at = clock.monotonic()
        self._newest: Waiting | None = None
        self._heard, self._changed = asyncio.Event(), asyncio.Event()
        self._record = Record()
        self._one_at_a_time = asyncio.Lock()
        self.ignored: Counter[str] = Counter()
        """Messages that were not answered, by reason."""

    def told(self) -> SiteFileBirth:
        """For the birth."""
        now = self._in_force
        state: Literal["trying", "in_force"] = "trying" if now.trying else "in_force"
        try:
            packed = pack(now.text)
        except BadOffer:  # a file on the box may be larger than what is taken from afar
            packed = ""
        return SiteFileBirth(
            sha256=now.sha256,
            revision=now.revision,
            source=now.source,
            state=state,
            packed=packed,
            highest=self.highest,
        )

    @property
    def highest(self) -> int:
        """The newest revision that was judged here; for the birth and the status."""
        return max(self._in_force.highest, self._record.highest)

    async def hear(self, message: LinkMessage) -> None:
        """Take one message; never waits."""
        own = self._in_force.site.gateway
        if not message.payload:
            return  # how a broker is told to forget what it kept
        try:
            found = Waiting(*open_offer(message.payload, self._key(), site=own.site, gateway=own.id))
        except BadOffer as error:
            self._ignore(error.reason, error.detail)
            return
        except (Permanent, OSError) as error:
            self._ignore("no_key", f"this gateway cannot verify it: {error}")
            return
        if self._newest is None or found.offer.revision > self._newest.offer.revision:
            log.info("site file %d is here", found.offer.revision)
            self._newest = found
            self._heard.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            self._record = await asyncio.to_thread(self._store.read)
        except StoreDamaged as error:
            log.error("%s", error)
            self._record = Record(box=self._in_force.sha256 if self._in_force.source == "box" else "")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell(), name="config-telling")
            if self._in_force.trying:
                self._fail_point("in_trial")
                await self._watch()
            while True:
                await self._heard.wait()
                self._heard.clear()
                waiting, self._newest = self._newest, None
                if waiting is not None:
                    await self._take(waiting)

    # --- judging

    async def _take(self, waiting: Waiting) -> None:
        offer = waiting.offer
        if offer.revision <= self._record.highest:
            if offer.revision < self._record.highest:
                self._ignore("old", f"revision {offer.revision}; {self._record.highest} was judged before")
            return
        while self._in_force.site.remote_config.enabled and not self._is_time(offer):
            await self._clock.sleep(AGAIN_S)
            if self._newest is not None:
                return  # a newer one came meanwhile
        if offer.sha256 == self._in_force.sha256:
            told = self._applied(offer.revision)
            await self._change(lambda now: _judged(now, offer).telling(told))
            return
        if self._in_force.sha256 not in offer.bases:
            what = f"it was made for another file than runs here; here runs {self._in_force.sha256[:12]}"
            await self._refuse(offer, "conflict", Verdict(ok=False, message=what))
            return
        verdict = await asyncio.to_thread(self._judge, self._in_force.site.path, waiting.text)
        if not verdict.ok:
            await self._refuse(offer, "wrong", verdict)
            return
        await self._try(waiting, verdict)

    def _is_time(self, offer: Offer) -> bool:
        return offer.not_before == 0 or (self._clock_known() and self._clock.now_ms() >= offer.not_before)

    async def _refuse(self, offer: Offer, reason: str, verdict: Verdict) -> None:
        detail = verdict.message + (f" (allowed: {verdict.allowed})" if verdict.allowed else "")
        log.warning("site file %d is refused, line %d: %s: %s", offer.revision, verdict.line, verdict.key, detail)
        data: dict[str, Scalar] = {
            "revision": offer.revision,
            "reason": reason,
            "line": verdict.line,
            "key": verdict.key[:200],
            "detail": detail[:400],
        }
        told = due("config_refused", data, self._clock)
        await self._change(lambda now: _judged(now, offer).telling(told))

    async def _try(self, waiting: Waiting, verdict: Verdict) -> None:
        offer = waiting.offer
        both = tuple(sorted(self._answering() & set(verdict.devices)))
        while True:
            try:
                await asyncio.to_thread(self._store.keep, waiting.text)
                break
            except StoreUnavailable as error:
                log.warning("site file %d cannot be put on disk yet: %s", offer.revision, error)
                await self._clock.sleep(AGAIN_S)

        def on_trial(now: Record) -> Record:
            trial = Trial(
                text=Held(offer.revision, offer.sha256),
                boot=self._boot,
                deadline=self._clock.monotonic() + offer.confirm_within_s,
                within_s=offer.confirm_within_s,
                devices=both,
            )
            return msgspec.structs.replace(_judged(now, offer), trial=trial)

        await self._change(on_trial)
        log.warning("site file %d is tried for %d s", offer.revision, offer.confirm_within_s)
        self._restart()

    # --- trying

    async def _watch(self) -> None:
        trial = self._record.trial
        if trial is None:
            return
        steady_s = min(STEADY_S, trial.within_s / 2)
        while self._clock.monotonic() < trial.deadline:
            is_steady = self._clock.monotonic() - self._began_at >= steady_s
            if is_steady and self._acked() and not self._lost(trial):
                await self._confirm(trial)
                return
            await self._clock.sleep(LOOK_EVERY_S)
        lost = self._lost(trial)
        why = "no_ack" if not self._acked() else "devices_lost" if lost else "not_confirmed"
        async with self._one_at_a_time:
            after = rolled_back(self._record, why, "", self._clock, devices=", ".join(lost))
            try:
                await asyncio.to_thread(self._store.write, after)
            except StoreUnavailable as error:
                log.error("%s", error)  # the next start finds the trial over
        self._restart()
        await asyncio.Event().wait()

    def _lost(self, trial: Trial) -> list[str]:
        return sorted(set(trial.devices) - self._answering())

    async def _confirm(self, trial: Trial) -> None:
        told = self._applied(trial.text.revision)
        await self._change(
            lambda now: msgspec.structs.replace(now, good=trial.text, before=now.good, trial=None).telling(told)
        )
        self._in_force = self._in_force._replace(trying=False)
        log.warning("site file %d is confirmed", trial.text.revision)

    def _applied(self, revision: int) -> Told:
        now = self._in_force
        data: dict[str, Scalar] = {
            "config_hash": now.site.config_hash,
            "devices": len(now.site.devices),
            "revision": revision,
            "sha256": now.sha256,
        }
        return due("config_applied", data, self._clock)

    # --- telling

    async def _tell(self) -> None:
        """Each event once, also over restarts."""
        while True:
            self._changed.clear()
            for told in self._record.untold:
                origin = hashlib.sha256(b"site file\0" + told.name.encode()).digest()
                event = Event(GATEWAY_DEVICE, told.kind, told.at, dict(told.data))
                try:
                    await self._sink.event(event, origin=origin, redelivered=True)
                except StoreUnavailable as error:
                    log.warning("%s is not on record yet: %s", told.kind, error)
                    await self._clock.sleep(AGAIN_S)
                    self._changed.set()
                    break
                except BadPayload as error:
                    log.error("%s cannot be told: %s", told.kind, error)
                await self._change(partial(_without, name=told.name))
            await self._changed.wait()

    async def _change(self, change: Callable[[Record], Record]) -> None:
        """On disk, then in memory; what cannot be written now is tried until it can."""
        async with self._one_at_a_time:
            while True:
                after = change(self._record)
                try:
                    await asyncio.to_thread(self._store.write, after)
                    break
                except StoreUnavailable as error:
                    log.warning("%s", error)
                    await self._clock.sleep(AGAIN_S)
            self._record = after
        self._changed.set()

    def _ignore(self, reason: str, detail: str) -> None:
        self.ignored[reason] += 1
        count = self.ignored[reason]
        if count & (count - 1) == 0:  # 1, 2, 4, 8 ...: a flood of them fills no log
            log.warning("a site file is ignored (%s, %d so far): %s", reason, count, detail[:200])


def _judged(record: Record, offer: Offer) -> Record:
    return msgspec.structs.replace(record, highest=offer.revision)


def _without(record: Record, *, name: str) -> Record:
    return msgspec.structs.replace(record, untold=tuple(told for told in record.untold if told.name != name))
