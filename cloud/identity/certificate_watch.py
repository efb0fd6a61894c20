"""Certificates that come to their end: the broker's is renewed here, a gateway's that was not renewed is an alarm."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from cloud.identity.authority import Authority, BadAuthority
from cloud.identity.broker_files import broker_certificate, is_ending, renew_broker
from cloud.registry.identity_book import Enrolled, IdentityBook
from cloud.settings import CloudSettings
from protocols.clock import MS_PER_S, Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
GRACE_MS = 7_200 * MS_PER_S
"""A gateway asks for its next certificate within the hour after two thirds of its time."""


class Alarms(Protocol):
    """What is raised and cleared here."""

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, str]) -> None: ...

    def clear_alarm(self, kind: str, source: str) -> None: ...


class CertificateWatch:
    """``run`` beside the rest; ``look`` is one round of it."""

    def __init__(
        self, settings: CloudSettings, authority: Authority, book: IdentityBook, clock: Clock, alarms: Alarms
    ) -> None:
        self._folder = settings.broker_files
        self._authority, self._book, self._clock, self._alarms = authority, book, clock, alarms
        self._ending: set[str] = set()

    async def run(self) -> None:
        """Look every minute, until cancelled."""
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("which certificates end is not known now: %s", error)
            await self._clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Renew the broker's certificate when it is time, and say which gateways' were not. Raises StoreUnavailable."""
        await self._look_at_broker()
        now = self._clock.now_ms()
        ending = {
            f"{each.key.site}/{each.key.gateway}": each for each in await self._book.enrolled() if is_late(each, now)
        }
        for name in self._ending - set(ending):
            self._alarms.clear_alarm("gateway_certificate_ending", name)
        for name, each in ending.items():
            assert each.expires_at is not None
            self._alarms.raise_alarm("gateway_certificate_ending", name, {"until": _day(each.expires_at)})
        self._ending = set(ending)

    async def _look_at_broker(self) -> None:
        """The folder may be of a broker elsewhere, or none of ours yet: then there is nothing to renew."""
        if self._folder is None or not self._authority.exists:
            return
        try:
            held = await asyncio.to_thread(broker_certificate, self._folder)
        except BadAuthority:
            return
        if not is_ending(held, self._clock.now_ms()):
            self._alarms.clear_alarm("broker_certificate_ending", "collector")
            return
        try:
            await asyncio.to_thread(self._authority.open)
            made, told = await asyncio.to_thread(renew_broker, self._folder, self._authority)
        except BadAuthority as error:
            self._alarms.raise_alarm(
                "broker_certificate_ending", "collector", {"until": _day(held.not_after), "detail": str(error)}
            )
            return
        log.warning("the broker's certificate is renewed until %s", _day(made.not_after))
        if not told:
            log.warning("let the broker read %s again (systemctl reload mosquitto)", self._folder)
        self._alarms.clear_alarm("broker_certificate_ending", "collector")


def is_late(each: Enrolled, now: int) -> bool:
    """Its certificate ends, and should have been renewed by now (ms)."""
    if each.revoked_at is not None or each.expires_at is None or each.issued_at is None:
        return False
    due_at = each.issued_at + (each.expires_at - each.issued_at) * 2 // 3
    return now >= due_at + GRACE_MS


def _day(at: int) -> str:
    return datetime.fromtimestamp(at // MS_PER_S, UTC).strftime("%Y-%m-%d")
