"""The stream for those who may not see every site: the same events, without what is of other sites."""

from collections.abc import Collection
from typing import Any

import msgspec

END = b"\n\n"
LISTS = ("entities", "changes")
"""Of snapshots and deltas: what they hold, each with an id that begins with its site."""


class OnlyOf:
    """Takes the stream as it is sent, in pieces of any size, and gives whole events."""

    def __init__(self, sites: Collection[str]) -> None:
        self._sites = frozenset(sites)
        self._begun = b""

    def taken(self, chunk: bytes) -> bytes:
        """What is left of the events that ended in this piece; may be nothing."""
        *whole, self._begun = (self._begun + chunk).split(END)
        return b"".join(left + END for each in whole if (left := self._left(each)))

    def _left(self, text: bytes) -> bytes:
        head, mark, payload = text.partition(b"data: ")
        name = next((line[7:] for line in head.split(b"\n") if line.startswith(b"event: ")), b"")
        if name == b"hb":
            return text
        if not mark:
            return b""
        told: dict[str, Any] = msgspec.json.decode(payload)
        if name == b"alarm":
            return text if self._is_of(told.get("source")) else b""
        for key in LISTS:
            if key in told:
                told[key] = [each for each in told[key] if self._is_of(each.get("id"))]
        return head + mark + msgspec.json.encode(told)

    def _is_of(self, name: object) -> bool:
        return isinstance(name, str) and name.partition("/")[0] in self._sites
