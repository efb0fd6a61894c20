"""Who tries tokens that are none, on routes where a program's address or body holds one."""

import math
from collections import OrderedDict
from collections.abc import Sequence

from cloud.api.answers import ApiError
from cloud.registry.sessions import fingerprint
from protocols.clock import Clock

WRONG_MAX, WRONG_WITHIN_S = 30, 60.0
ADDRESSES_MAX = 10_000


class WrongTokens:
    """Each try costs a look into the registry, so an address may do it a few times."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._good: OrderedDict[str, None] = OrderedDict()

    def check(self, client: str, said: Sequence[str]) -> None:
        """Raises ApiError 429. Who was let in before goes on, whatever others behind the same address try."""
        if any(fingerprint(secret) in self._good for secret in said):
            return
        count, since = self._tries.get(client, (0, 0.0))
        wait_s = since + WRONG_WITHIN_S - self._clock.monotonic()
        if count >= WRONG_MAX and wait_s > 0:
            message = f"{WRONG_MAX} wrong tokens from this address"
            raise ApiError(429, "too_many_requests", message, "", {"Retry-After": str(math.ceil(wait_s))})

    def passed(self, secret: str) -> None:
        """It was a right one."""
        self._good[fingerprint(secret)] = None
        if len(self._good) > ADDRESSES_MAX:
            self._good.popitem(last=False)

    def note(self, client: str) -> None:
        """One more wrong one."""
        now = self._clock.monotonic()
        count, since = self._tries.pop(client, (0, now))
        if now - since >= WRONG_WITHIN_S:
            count, since = 0, now
        self._tries[client] = (count + 1, since)
        if len(self._tries) > ADDRESSES_MAX:
            self._tries.popitem(last=False)
