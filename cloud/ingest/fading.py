"""Alarms about things that happen and leave no state: they stand for an hour after the last time."""

from cloud.ingest.contract import AlarmArgs, AlarmSink
from protocols.clock import Clock

FADES_AFTER_S = 3600.0


class FadingAlarms:
    """Raises, counts repetitions, and clears when it has been quiet for long enough."""

    def __init__(self, sink: AlarmSink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._standing: dict[tuple[str, str], tuple[float, int]] = {}

    def happened(self, kind: str, source: str, args: AlarmArgs) -> None:
        """It happened (again). The alarm says how often since it was raised."""
        _, before = self._standing.get((kind, source), (0.0, 0))
        self._standing[(kind, source)] = (self._clock.monotonic(), before + 1)
        self._sink.raise_alarm(kind, source, {"count": before + 1, **args})

    def fade(self) -> None:
        """Clear what has been quiet; call it now and then."""
        now = self._clock.monotonic()
        for (kind, source), (last, _) in list(self._standing.items()):
            if now - last >= FADES_AFTER_S:
                del self._standing[(kind, source)]
                self._sink.clear_alarm(kind, source)
