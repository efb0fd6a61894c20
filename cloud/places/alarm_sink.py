"""Raising and clearing alarms as a state says, each change once."""

from collections.abc import Mapping
from typing import Protocol

AlarmArgs = Mapping[str, str | int | float | bool | None]


class AlarmSink(Protocol):
    """The alarm board (``cloud.alarms.board``)."""

    def raise_alarm(self, kind: str, source: str, args: AlarmArgs) -> None: ...

    def clear_alarm(self, kind: str, source: str) -> None: ...


class Raised:
    """Which alarms of a feature are up. After a start the board may hold some of before: the first ``state`` of a kind
    and source always reaches it."""

    def __init__(self, sink: AlarmSink) -> None:
        self._sink = sink
        self._up: dict[tuple[str, str], AlarmArgs | None] = {}

    def state(self, kind: str, source: str, args: AlarmArgs | None) -> None:
        """The condition holds with these args, or (None) does not."""
        key = (kind, source)
        if key in self._up and self._up[key] == args:
            return
        self._up[key] = args
        if args is None:
            self._sink.clear_alarm(kind, source)
        else:
            self._sink.raise_alarm(kind, source, args)

    def is_up(self, kind: str, source: str) -> bool:
        """Whether it was raised since the start and has not ended."""
        return self._up.get((kind, source)) is not None

    def forget(self, kind: str, source: str) -> None:
        """The source is gone, and what was raised of it with it."""
        self._up.pop((kind, source), None)
        self._sink.clear_alarm(kind, source)
