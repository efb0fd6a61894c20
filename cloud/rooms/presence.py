"""What a presence sensor said, as spans of time: somebody, nobody, or not known."""

import bisect
from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """From ``since`` to ``until`` (not included). present None: not known."""

    since: int
    until: int
    present: bool | None


class Sample(NamedTuple):
    """A reading of a sensor; None where it was bad."""

    at: int
    sensor: str
    value: bool | None


class Presence:
    """The samples of a room, in any order of arrival. Several sensors: one that sees somebody is enough, and nobody is
    there only when all that ever spoke until then say so."""

    def __init__(self, stale_ms: int, *, limit: int = 50_000) -> None:
        self.stale_ms = stale_ms
        self._samples: dict[str, list[Sample]] = {}
        self._limit = limit

    def put(self, samples: Iterable[Sample]) -> None:
        """Take samples; one that is known already changes nothing."""
        for each in samples:
            known = self._samples.setdefault(each.sensor, [])
            where = bisect.bisect_left(known, each.at, key=lambda sample: sample.at)
            if where < len(known) and known[where].at == each.at:
                # Two words of one instant: somebody wins over nobody, and both over a bad reading.
                known[where] = max(known[where], each, key=lambda sample: (sample.value is not None, sample.value))
            elif len(known) < self._limit:
                known.insert(where, each)

    def forget_before(self, at: int) -> None:
        """Forget what does not matter after ``at``; the last word before it stays."""
        for sensor, known in self._samples.items():
            keep = max(0, bisect.bisect_left(known, at, key=lambda sample: sample.at) - 1)
            self._samples[sensor] = known[keep:]

    def last_at(self, until: int) -> int | None:
        """When a sensor last said anything before ``until``."""
        found = [known[-1].at for known in self._samples.values() if known and known[-1].at < until]
        return max(found, default=None)

    def spans(self, since: int, until: int) -> list[Span]:
        """The whole of [since, until)."""
        by_sensor = [spans for known in self._samples.values() if (spans := self._of_sensor(known, since, until))]
        if not by_sensor:
            return [Span(since, until, None)] if until > since else []
        cuts = sorted({each.since for spans in by_sensor for each in spans} | {since})
        found: list[Span] = []
        places = [0] * len(by_sensor)
        for index, cut in enumerate(cuts):
            end = cuts[index + 1] if index + 1 < len(cuts) else until
            words = []
            for which, spans in enumerate(by_sensor):
                while places[which] + 1 < len(spans) and spans[places[which]].until <= cut:
                    places[which] += 1
                if spans[places[which]].since <= cut:
                    words.append(spans[places[which]].present)
            present = True if True in words else None if None in words or not words else False
            if found and found[-1].present is present:
                found[-1] = found[-1]._replace(until=end)
            elif end > cut:
                found.append(Span(cut, end, present))
        return found

    def _of_sensor(self, known: list[Sample], since: int, until: int) -> list[Span]:
        """From its first word on."""
        first = max(0, bisect.bisect_right(known, since, key=lambda sample: sample.at) - 1)
        found: list[Span] = []
        reached = since
        for index in range(first, len(known)):
            each = known[index]
            if each.at >= until:
                break
            begins = max(each.at, since)
            following = known[index + 1].at if index + 1 < len(known) else until
            ends = min(following, each.at + self.stale_ms, until)
            if begins > reached and index > first:
                found.append(Span(reached, begins, None))
            reached = max(reached, begins)
            if ends > reached:
                found.append(Span(reached, ends, each.value))
                reached = ends
        if reached < until and known and known[0].at < until:
            found.append(Span(reached, until, None))
        return found


def without_flicker(spans: Iterable[Span], vacated_ms: int) -> list[Span]:
    """Somebody who sits still is not seen: nobody counts only after so long; the time before counts as somebody."""
    found: list[Span] = []
    for each in spans:
        before = found[-1] if found else None
        if each.present is False and before is not None and before.present and before.until == each.since:
            cut = min(each.until, each.since + vacated_ms)
            found[-1] = before._replace(until=cut)
            each = each._replace(since=cut)
            if each.since >= each.until:
                continue
        if found and found[-1].present is each.present:
            found[-1] = found[-1]._replace(until=each.until)
        else:
            found.append(each)
    return found
