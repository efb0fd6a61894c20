"""A TCP port on the loopback address for one test, while other tests run at the same time on the same machine.

`simulators.free_port` finds ports that are free now. Between the look and the use, another test could take the same
one: here a port is claimed, and all processes that claim their ports this way keep out of each other's way.
"""

from __future__ import annotations

import random
import socket

from simulators.free_port import is_free

FIRST, LAST = 20_000, 29_999
"""Below the ports that Linux gives to connections of its own accord (from 32768 on)."""
TRIES = 500


class ClaimedPort:
    """A free port that nobody else can claim until `release`, or until this process ends."""

    def __init__(self) -> None:
        rng = random.SystemRandom()
        for _ in range(TRIES):
            port = rng.randint(FIRST, LAST)
            claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                # A name in the kernel and not on the disk: it is gone with the process, however that ends.
                claim.bind(f"\0dayuan-port-{port}")
            except OSError:
                claim.close()
                continue
            if is_free(port):
                self.number, self._claim = port, claim
                return
            claim.close()
        raise RuntimeError(f"no free TCP port between {FIRST} and {LAST} after {TRIES} tries")

    def release(self) -> None:
        self._claim.close()
