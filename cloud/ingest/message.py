"""A message as it came from the broker, and the bounded box in which messages wait for the next commit."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cloud.store.contract import GatewayKey

GROUP_BYTES_MAX = 4 * 1024 * 1024
GROUP_MESSAGES_MAX = 2_000
SHARE_MESSAGES = 128
SHARE_BYTES = 16 * 1024 * 1024
"""Of one gateway in the box. An uplink has 32 batches on their way; more would keep all others waiting."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message on an ``up`` topic. ``release`` tells the broker that it may forget it; call it once, in the loop."""

    key: GatewayKey
    topic: str
    payload: bytes
    received_at: int
    release: Callable[[], None]


class Inbox:
    """Messages waiting for the next commit.

    Bounded by what the broker may have unacknowledged (it sends no more), and by ``full``: above ``bytes_max`` or
    ``messages_max`` the subscriber stops reading its socket until ``on_space`` is called. Messages that the broker
    does not expect an answer for (QoS 0) are dropped while full; their gateways send them again.
    """

    def __init__(self, *, bytes_max: int = 64 * 1024 * 1024, messages_max: int = 20_000) -> None:
        self._waiting: deque[Incoming] = deque()
        self._bytes = 0
        self._bytes_max = bytes_max
        self._messages_max = messages_max
        self._held: dict[GatewayKey, tuple[int, int]] = {}
        """Messages and bytes of each gateway."""
        self._arrived = asyncio.Event()
        self.on_space: Callable[[], None] = lambda: None

    @property
    def full(self) -> bool:
        """True when no more should be read."""
        return self._bytes >= self._bytes_max or len(self._waiting) >= self._messages_max

    @property
    def waiting(self) -> tuple[int, int]:
        """(messages, bytes) in the box."""
        return len(self._waiting), self._bytes

    def has_room_for(self, key: GatewayKey, size: int) -> bool:
        """False when a gateway has its share of the box; what it sends now is dropped, and sent again by it."""
        messages, held = self._held.get(key, (0, 0))
        return messages == 0 or (messages < SHARE_MESSAGES and held + size <= SHARE_BYTES)

    def put(self, message: Incoming) -> None:
        """Add a message; the caller looks at ``full`` before it reads the next one."""
        self._waiting.append(message)
        self._bytes += len(message.payload)
        messages, held = self._held.get(message.key, (0, 0))
        self._held[message.key] = (messages + 1, held + len(message.payload))
        self._arrived.set()

    async def take(self) -> list[Incoming]:
        """All that arrived since the last call, up to one group's size; waits for the first."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        was_full = self.full
        group: list[Incoming] = []
        size = 0
        while self._waiting and len(group) < GROUP_MESSAGES_MAX and size < GROUP_BYTES_MAX:
            message = self._waiting.popleft()
            size += len(message.payload)
            group.append(message)
            messages, held = self._held.pop(message.key)
            if messages > 1:
                self._held[message.key] = (messages - 1, held - len(message.payload))
        self._bytes -= size
        if was_full and not self.full:
            self.on_space()
        return group
