"""Who tries tokens that are none, on routes where a program's address or body holds one."""

import math
from collections import OrderedDict

from cloud.api.answers import ApiError
from protocols.clock import Clock

WRONG_MAX, WRONG_WITHIN_S = 30, 60.0
ADDRESSES_MAX = 10_000


class WrongTokens:
    """Each try costs a look into the registry, so an address may do it a few times."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def check(self, client: str) -> None:
        """Raises ApiError 429."""
        count, since = self._tries.get(client, (0, 0.0))
        wait_s = since + WRONG_WITHIN_S - self._clock.monotonic()
        if count >= WRONG_MAX and wait_s > 0:
            message = f"{WRONG_MAX} wrong tokens from this address"
            raise ApiError(429, "too_many_requests", message, "", {"Retry-After": str(math.ceil(wait_s))})

    def note(self, client: str) -> None:
        """One more."""
        now = self._clock.monotonic()
        count, since = self._tries.pop(client, (0, now))
        if now - since >= WRONG_WITHIN_S:
            count, since = 0, now
        self._tries[client] = (count + 1, since)
        if len(self._tries) > ADDRESSES_MAX:
            self._tries.popitem(last=False)
