"""Where tariffs, their use and factors are changed and asked for: checked first, then on disk, then in RAM."""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from cloud.registry.tariff_book import StoredFactors, StoredTariff, TariffBook, TariffUse
from cloud.tariffs.factors import FactorFile, Factors, read_factors
from cloud.tariffs.tariff import Tariff
from protocols.clock import Clock

log = logging.getLogger(__name__)


class KnownTariff(NamedTuple):
    """A tariff of a site with who changed it last."""

    site: str
    tariff: Tariff
    rev: int
    changed_at: int
    changed_by: str
    why: str


class KnownFactors(NamedTuple):
    """All factors; ``rev`` 0 for those that came with the product."""

    file: FactorFile
    factors: Factors
    rev: int
    changed_at: int
    changed_by: str


class TariffDesk:
    """``open`` first. Tariffs that are put are whole: whoever puts them asked ``checks.faults``."""

    def __init__(self, book: TariffBook, clock: Clock) -> None:
        self.book, self._clock = book, clock
        self._tariffs: dict[tuple[str, str], KnownTariff] = {}
        self._uses: dict[tuple[str, str], TariffUse] = {}
        shipped = read_factors()
        self._factors = KnownFactors(shipped, Factors(shipped.set), 0, 0, "")
        self._order = asyncio.Lock()

    async def open(self) -> None:
        """Read what was written down. What this version cannot read is left where it is and told in the log."""
        for stored in await self.book.tariffs():
            if stored.body:
                self._take(stored)
        self._uses = {(use.site, use.meter): use for use in await self.book.uses()}
        stored_factors = await self.book.factors()
        if stored_factors is not None:
            self._take_factors(stored_factors)

    def all(self, site: str | None = None) -> list[KnownTariff]:
        """By site and id."""
        return [self._tariffs[key] for key in sorted(self._tariffs) if site is None or key[0] == site]

    def find(self, site: str, name: str) -> KnownTariff | None:
        return self._tariffs.get((site, name))

    async def put(self, site: str, tariff: Tariff, *, by: str, why: str = "", rev: int | None = None) -> KnownTariff:
        """Make or change one. Raises ``Changed`` when it is not at ``rev``, StoreUnavailable."""
        body = msgspec.json.encode(tariff).decode()
        async with self._order:
            stored = await self.book.put(self._new(site, tariff.id, by, why, body), rev)
            self._take(stored)
            return self._tariffs[site, tariff.id]

    async def remove(self, site: str, name: str, *, by: str, why: str = "") -> bool:
        """Take one away; its revisions stay. Whether there was one."""
        async with self._order:
            if (site, name) not in self._tariffs:
                return False
            await self.book.put(self._new(site, name, by, why, ""))
            del self._tariffs[site, name]
            return True

    def uses(self, site: str) -> list[TariffUse]:
        """Which meter is billed by which tariff, by meter."""
        return [self._uses[key] for key in sorted(self._uses) if key[0] == site]

    def use_of(self, site: str, meter: str) -> TariffUse | None:
        return self._uses.get((site, meter))

    async def put_uses(self, site: str, uses: Sequence[TariffUse]) -> None:
        """Those of a site in place of those there were."""
        async with self._order:
            await self.book.put_uses(site, list(uses))
            self._uses = {key: use for key, use in self._uses.items() if key[0] != site}
            self._uses |= {(site, use.meter): use for use in uses}

    @property
    def factors(self) -> KnownFactors:
        return self._factors

    async def put_factors(self, file: FactorFile, *, by: str, why: str = "", rev: int | None = None) -> KnownFactors:
        """In place of those there are. Raises ValueError for two that are the same, ``Changed``, StoreUnavailable."""
        Factors(file.set)
        body = msgspec.json.encode(file).decode()
        async with self._order:
            stored = await self.book.put_factors(StoredFactors(0, self._clock.now_ms(), by, why, body), rev)
            self._take_factors(stored)
            return self._factors

    def _new(self, site: str, name: str, by: str, why: str, body: str) -> StoredTariff:
        return StoredTariff(site, name, 0, self._clock.now_ms(), by, why, body)

    def _take(self, stored: StoredTariff) -> None:
        try:
            tariff = msgspec.json.decode(stored.body, type=Tariff)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.error("tariff %s of %s cannot be read and is left out: %s", stored.id, stored.site, error)
            return
        known = KnownTariff(stored.site, tariff, stored.rev, stored.changed_at, stored.changed_by, stored.why)
        self._tariffs[stored.site, stored.id] = known

    def _take_factors(self, stored: StoredFactors) -> None:
        try:
            file = msgspec.json.decode(stored.body, type=FactorFile)
            self._factors = KnownFactors(file, Factors(file.set), stored.rev, stored.changed_at, stored.changed_by)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            log.error("the factors cannot be read; those that came with this version hold: %s", error)
