"""What goes over the stream: server-sent events, built once and shared as bytes by everybody who listens."""

import zlib
from collections import deque

GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""Begins a stream of packed frames. It has no end: the checksum there would be another one for each listener."""
_LEVEL = 1
RECENT_BYTES = 8 * 1024 * 1024


class Frame:
    """Some events. ``packed``: the same for a reader of gzip, made when the first such reader needs it."""

    __slots__ = ("_packed", "plain")

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self._packed: bytes | None = None

    @property
    def packed(self) -> bytes:
        """Refers to nothing before it, so it stands in the stream of any reader after whatever that one got."""
        if self._packed is None:
            packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
            self._packed = packer.compress(self.plain) + packer.flush(zlib.Z_SYNC_FLUSH)
        return self._packed

    @property
    def is_packed(self) -> bool:
        return self._packed is not None

    def of(self, *, packed: bool) -> bytes:
        """The bytes for a reader."""
        return self.packed if packed else self.plain


def event(name: str, payload: bytes, cursor: str | None = None) -> Frame:
    """One server-sent event."""
    moved = f"id: {cursor}\n" if cursor else ""
    return Frame(f"{moved}event: {name}\ndata: ".encode() + payload + b"\n\n")


class Recent:
    """The frames with which the cursor moved last, for those who were away for a moment."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, Frame]] = deque()
        self._bytes = 0
        self._floor = 0

    def add(self, seq: int, frame: Frame) -> None:
        """The cursor moved to ``seq`` with this frame."""
        self._kept.append((seq, frame))
        self._bytes += len(frame.plain)
        while self._bytes > RECENT_BYTES:
            self._floor, dropped = self._kept.popleft()
            self._bytes -= len(dropped.plain)

    def skip(self, seq: int) -> None:
        """The cursor moved to ``seq`` without a frame: nothing before it can be told."""
        self._kept.clear()
        self._bytes, self._floor = 0, seq

    def after(self, seq: int) -> list[Frame] | None:
        """What followed ``seq``, in order; None when not all of it is known."""
        if seq < self._floor:
            return None
        found: list[Frame] = []
        for at, frame in reversed(self._kept):
            if at <= seq:
                break
            found.append(frame)
        found.reverse()
        return found
