"""Work energy out once in a process of its own, which may be killed at a fail point; ``python -m`` with a folder."""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

from cloud.energy.contract import Register
from cloud.energy.structure import Meter
from tests.cloud.energy.bench_site import POINT, SITE, BenchSite, Row

HOUR = 3_600_000
SINCE = 1_790_006_400_000
UNTIL = SINCE + 75 * HOUR
LATE = SINCE + 30 * HOUR
NAMES = tuple(f"m{number}" for number in range(12))


def meters() -> list[Meter]:
    register = Register(resolution=Decimal("0.001"), rated=Decimal(5000))
    return [Meter(id=name, name=name, device=name, point=POINT, register=register) for name in NAMES]


def rows(*, late: bool) -> list[Row]:
    """A reading each quarter of an hour and a bit; some of the second day come late."""
    found: list[Row] = []
    for number, name in enumerate(NAMES):
        for at in range(SINCE, UNTIL, 1_000_000):
            if late == (LATE <= at < LATE + 4 * HOUR):
                found.append((name, at, round((at - SINCE) / HOUR * (number + 1), 3)))
    return found


async def work(folder: Path, step: str) -> None:
    """``first``: all but the late readings come; ``late``: these come; ``again``: nothing does. Then a round."""
    site = BenchSite(folder, meters())
    await site.reopen() if (folder / "registry.sqlite").exists() else await site.start()
    if step != "again":
        site.commit(rows(late=step == "late"))
    await site.reckoner.round()
    await site.close()


async def totals(folder: Path) -> dict[str, tuple[int, int]]:
    """Of each meter the sum of its intervals in millionths, and for how long they are known."""
    site = BenchSite(folder, meters())
    await site.reopen()
    assert await site.reckoner.round() == [], "nothing is left to do"
    found = {}
    for name in NAMES:
        known = await site.intervals(name, SINCE - HOUR * 24, UNTIL + 24 * HOUR)
        found[name] = int(known.micro.sum()), int(known.covered_ms.sum())
        days = await site.days.days(SITE, name, 0, 2**53)
        assert sum(day.total.micro or 0 for day in days) == found[name][0]
    await site.close()
    return found


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2]))
