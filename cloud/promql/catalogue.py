"""Which series there are, by Prometheus' names: a point is the metric ``dayuan_<point>``.

Labels: ``site``, ``device``, ``name`` (of the device), ``kind`` (of the device) and ``unit``.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from cloud.promql.syntax import BadQuery, Matcher
from cloud.registry.things import Device, Point
from cloud.store.contract import SeriesKey

PREFIX = "dayuan_"
LABELS = ("__name__", "device", "kind", "name", "site", "unit")
WILD_MAX = 4
PATTERN_MAX = 2_000
_SAFE = re.compile(r"(?:[\w \-/:@%,;=~#&<>'\"!\u0080-\uffff]|\\[^\w\s]|\.[*+]?|[|()])*")
"""What backtracking cannot make slow: no quantifier but behind a dot."""
_WILD = re.compile(r"\.[*+]")


class Facts(Protocol):
    """What is known of devices and points (``cloud.registry.inventory``)."""

    def device(self, site: str, name: str) -> Device | None: ...

    def point(self, key: SeriesKey) -> Point: ...

    def stale_after_ms(self, key: SeriesKey) -> int: ...


class Series(NamedTuple):
    """One series. ``labels`` with ``__name__``."""

    key: SeriesKey
    labels: dict[str, str]
    counter: bool
    stale_ms: int


class Catalogue:
    """All series that were ever stored and whose device was not taken away."""

    def __init__(self, names: Callable[[], Iterable[SeriesKey]], facts: Facts) -> None:
        self._names, self._facts = names, facts

    def find(self, matchers: Sequence[Matcher], sites: Collection[str] | None = None) -> list[Series]:
        """Those that fit all matchers, of these sites (None: all). Raises BadQuery for a pattern that is not taken."""
        fits = [_test(matcher) for matcher in matchers]
        metric = [test for matcher, test in zip(matchers, fits, strict=True) if matcher.label == "__name__"]
        found = []
        for key in list(self._names()):
            if sites is not None and key.site not in sites:
                continue
            if not all(test({"__name__": PREFIX + key.point}) for test in metric):
                continue
            device = self._facts.device(key.site, key.device)
            if device is not None and device.removed_at is not None:
                continue
            labels = self._labels(key, device)
            if all(test(labels) for test in fits):
                point = self._facts.point(key)
                found.append(Series(key, labels, point.kind == "counter", self._facts.stale_after_ms(key)))
        return found

    def _labels(self, key: SeriesKey, device: Device | None) -> dict[str, str]:
        labels = {
            "__name__": PREFIX + key.point,
            "device": key.device,
            "kind": device.kind if device else "",
            "name": device.name if device else key.device,
            "site": key.site,
            "unit": self._facts.point(key).unit,
        }
        return {name: value for name, value in labels.items() if value}


def _test(matcher: Matcher) -> Callable[[dict[str, str]], bool]:
    label, operator, value = matcher
    if operator == "=":
        return lambda labels: labels.get(label, "") == value
    if operator == "!=":
        return lambda labels: labels.get(label, "") != value
    pattern = _pattern(value)
    wanted = operator == "=~"
    return lambda labels: (pattern.fullmatch(labels.get(label, "")) is not None) is wanted


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    if len(text) > PATTERN_MAX or not _SAFE.fullmatch(text):
        raise BadQuery(f"the pattern {text[:80]!r}: only letters, signs behind \\, (a|b), . .* and .+ are taken")
    if any(len(_WILD.findall(branch)) > WILD_MAX for branch in text.split("|")):
        raise BadQuery(f"the pattern {text[:80]!r}: at most {WILD_MAX} of .* and .+ in a branch")
    try:
        return re.compile(text, re.DOTALL)
    except re.error as error:
        raise BadQuery(f"the pattern {text[:80]!r}: {error}") from None
