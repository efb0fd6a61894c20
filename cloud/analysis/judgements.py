"""What people decided about findings: put aside for a time, accepted as normal here, or open again.

A finding that is put aside comes back by itself: when its time is over, or when it gets clearly worse.
"""

from collections.abc import Iterable

from cloud.analysis.site_findings import Finding
from cloud.registry.energy_judgements_book import EnergyJudgementsBook, Judgement
from protocols.errors import Permanent

OPEN, SHELVED, ACCEPTED, NOTED = "open", "shelved", "accepted", "noted"
WORSE_SHARE, WORSE_LEAST = 1.25, 1.0
"""Clearly worse: a quarter more a week than when it was judged, and at least one unit."""

COUNTED = frozenset({"meter_change", "suspect"})
"""Kinds that take no energy: they are worse when it happened again."""

REASON_MAX = 500
SHELF_DAYS_MAX = 366
DAY_MS = 86_400_000


class BadJudgement(Permanent):
    """A judgement that cannot be; the message says what would be right."""


class Judgements:
    """``open`` first. Each change is durable when it returns; raises StoreUnavailable."""

    def __init__(self, book: EnergyJudgementsBook) -> None:
        self.book = book
        self._last: dict[tuple[str, str, str], Judgement] = {}

    async def open(self) -> None:
        """Read what was written down."""
        self._last = {(each.site, each.meter, each.kind): each for each in await self.book.newest()}

    def of(self, site: str, finding: Finding, now: int) -> Judgement | None:
        """The last that was said of it; ``back`` says ``over`` when the time of a shelf is over."""
        last = self._last.get((site, finding.meter, finding.kind))
        if last is not None and last.state == SHELVED and last.until is not None and last.until <= now:
            return last._replace(back="over")
        return last

    def state(self, site: str, finding: Finding, now: int) -> str:
        """``open``, ``shelved``, ``accepted``; ``noted`` for what is only told."""
        last = self.of(site, finding, now)
        if last is not None and not last.back and last.state in (SHELVED, ACCEPTED):
            return last.state
        return NOTED if finding.is_told_only else OPEN

    async def judge(
        self,
        site: str,
        finding: Finding,
        state: str,
        *,
        by: str,
        now: int,
        until: int | None = None,
        reason: str = "",
        rev: int | None = None,
    ) -> Judgement:
        """Say something of a finding. Raises BadJudgement, and ``Changed`` when it is not at ``rev`` any more."""
        reason = reason.strip()
        if state not in (OPEN, SHELVED, ACCEPTED):
            raise BadJudgement(f"{state!r} is no state; open, shelved or accepted")
        if state != OPEN and not reason:
            raise BadJudgement("a reason is needed, for those who ask next year")
        if len(reason) > REASON_MAX:
            raise BadJudgement(f"a reason of at most {REASON_MAX} characters")
        if state == SHELVED and (until is None or not now < until <= now + SHELF_DAYS_MAX * DAY_MS):
            raise BadJudgement(f"until when: an instant later than now, at most {SHELF_DAYS_MAX} days ahead")
        if state != SHELVED and until is not None:
            raise BadJudgement("only what is shelved has an end")
        week = finding.a_week()[0]
        return await self._add(
            Judgement(0, site, finding.meter, finding.kind, state, until, reason, by, now, week), rev
        )

    async def review(self, site: str, found: Iterable[Finding], now: int) -> None:
        """Bring back what got clearly worse since it was judged."""
        for each in found:
            last = self.of(site, each, now)
            if last is not None and not last.back and last.state in (SHELVED, ACCEPTED) and _is_worse(each, last):
                week = each.a_week()[0]
                back = Judgement(0, site, each.meter, each.kind, OPEN, None, "", "", now, week, "worse")
                await self._add(back, None)

    async def _add(self, new: Judgement, rev: int | None) -> Judgement:
        written = await self.book.add(new, rev)
        self._last[written.site, written.meter, written.kind] = written
        return written


def _is_worse(finding: Finding, last: Judgement) -> bool:
    if finding.kind in COUNTED:
        return finding.until > last.at
    if last.week_kwh is None or not finding.active:
        return False
    now, then = abs(finding.a_week()[0]), abs(last.week_kwh)
    return now >= then * WORSE_SHARE and now - then >= WORSE_LEAST
