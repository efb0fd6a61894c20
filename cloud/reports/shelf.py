"""Where reports lie: plain files in the collector's data folder, which people may copy from there."""

import os
import re
from datetime import date
from pathlib import Path
from typing import NamedTuple

from cloud.reports.plan import KINDS, Period, period_of
from protocols.reading import is_id

FOLDER = "reports"
FORMATS = ("xlsx", "csv")
_NAME = re.compile(r"(daily|weekly|monthly)-(\d{4}-\d{2}-\d{2})")


class Shelved(NamedTuple):
    """A report that was written. ``sizes``: bytes by format."""

    period: Period
    made_at: int
    sizes: dict[str, int]


class Shelf:
    """Reports of all sites below one folder, as ``site/daily-2026-11-21.xlsx``. All methods touch the disk."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER

    @property
    def folder(self) -> Path:
        return self._folder

    def put(self, site: str, period: Period, files: dict[str, bytes]) -> None:
        """Write one whole, in place of what there was of this period. Raises OSError."""
        folder = self._folder / site
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for ending, content in files.items():
            path = folder / f"{period.name}.{ending}"
            half = path.with_suffix(f".{ending}.part")
            with open(half, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)

    def has(self, site: str, period: Period) -> bool:
        """Whether all of its files are there."""
        return all((self._folder / site / f"{period.name}.{ending}").is_file() for ending in FORMATS)

    def all(self, site: str) -> list[Shelved]:
        """Those of a site, the newest period first."""
        found: dict[Period, tuple[int, dict[str, int]]] = {}
        folder = self._folder / site
        for path in sorted(folder.iterdir()) if is_id(site) and folder.is_dir() else ():
            period = period_named(path.stem)
            ending = path.suffix[1:]
            if period is None or ending not in FORMATS:
                continue
            facts = path.stat()
            made, sizes = found.get(period, (0, {}))
            found[period] = (max(made, int(facts.st_mtime * 1000)), {**sizes, ending: facts.st_size})
        order = sorted(found, key=lambda each: (each.until, KINDS.index(each.kind)), reverse=True)
        return [Shelved(period, *found[period]) for period in order]

    def read(self, site: str, name: str) -> bytes | None:
        """A file by its name; None when there is none."""
        stem, _, ending = name.rpartition(".")
        if not is_id(site) or period_named(stem) is None or ending not in FORMATS:
            return None
        try:
            return (self._folder / site / name).read_bytes()
        except FileNotFoundError:
            return None

    def forget_before(self, site: str, day: date) -> int:
        """Take reports away whose period ended before a day; how many files went."""
        gone = 0
        for shelved in self.all(site):
            if shelved.period.until < day:
                for ending in shelved.sizes:
                    (self._folder / site / f"{shelved.period.name}.{ending}").unlink(missing_ok=True)
                    gone += 1
        return gone


def period_named(stem: str) -> Period | None:
    """The period of a file's name; None when it is none of ours."""
    found = _NAME.fullmatch(stem)
    if found is None:
        return None
    kind = next(each for each in KINDS if each == found[1])
    try:
        period = period_of(kind, date.fromisoformat(found[2]))
    except (ValueError, OverflowError):
        return None
    return period if period.name == stem else None
