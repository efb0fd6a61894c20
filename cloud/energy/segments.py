"""Collects the segments of a track, one by one or a thousand at a time."""

import numpy as np

from cloud.energy.contract import Bytes, Longs, RegisterEvent, SegmentKind, State, Track


class Segments:
    """Begins at a knot (``begin``, or at once); each ``add`` ends the next segment."""

    def __init__(self, begin: int | None) -> None:
        self._begin = begin
        self._parts: list[tuple[Longs, Longs, Bytes, Bytes, Bytes]] = []
        self._single: list[tuple[int, int, int, int, int]] = []

    def begin(self, at: int) -> None:
        """The first knot."""
        self._begin = at

    def add(self, end: int, micro: int, kind: SegmentKind, flags: int, manual: int) -> None:
        """The segment from the last knot to ``end``."""
        self._single.append((end, micro, kind, flags, manual))

    def extend(self, end: Longs, micro: Longs, flags: Bytes, manual: Bytes) -> None:
        """Segments of which what was used is known."""
        self._collect()
        self._parts.append((end, micro, np.zeros(len(end), np.uint8), flags, manual))

    def _collect(self) -> None:
        if self._single:
            columns = list(zip(*self._single, strict=True))
            ends, micro = np.array(columns[0], np.int64), np.array(columns[1], np.int64)
            kind, flags, manual = (np.array(column, np.uint8) for column in columns[2:])
            self._parts.append((ends, micro, kind, flags, manual))
            self._single = []

    def track(self, events: list[RegisterEvent], state: State) -> Track:
        """All of it."""
        self._collect()
        begin = np.array([] if self._begin is None else [self._begin], np.int64)
        if not self._parts:
            none, bare = np.empty(0, np.int64), np.empty(0, np.uint8)
            return Track(begin, none, bare, bare, bare, tuple(events), state)
        ends, micro, kind, flags, manual = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        return Track(np.concatenate([begin, ends]), micro, kind, flags, manual, tuple(events), state)
