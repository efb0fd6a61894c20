"""What a process tells systemd that runs it: it is ready, it gets on, it needs more time. Without systemd, nothing.

The protocol is one datagram of ``NAME=value`` lines to the socket that ``NOTIFY_SOCKET`` names (sd_notify(3)).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping

USEC_PER_S = 1_000_000


class Notify:
    """Tells the supervisor. Constructing opens nothing; nobody who listens is no error."""

    def __init__(self, environment: Mapping[str, str], pid: int) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A name in the abstract namespace is written with @ and begins with a zero byte.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_s = _watchdog_s(environment, pid) if address else None
        """What is fed less often than this is killed; None: nobody watches."""

    @property
    def is_heard(self) -> bool:
        """True when somebody asked to be told."""
        return bool(self._address)

    def ready(self, status: str) -> None:
        """The start is over."""
        self._tell("READY=1", f"STATUS={status}")

    def starting(self, status: str, within_s: float) -> None:
        """The start is not over, and may take so much longer from now."""
        self._tell(f"EXTEND_TIMEOUT_USEC={int(within_s * USEC_PER_S)}", f"STATUS={status}")

    def gets_on(self, status: str) -> None:
        """Work was done since the last time."""
        self._tell("WATCHDOG=1", f"STATUS={status}")

    def stands_still(self, status: str) -> None:
        """No work was done; only says so."""
        self._tell(f"STATUS={status}")

    def stopping(self) -> None:
        """The end was asked for."""
        self._tell("STOPPING=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        text = "\n".join(line.replace("\n", " ") for line in lines)
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)
            to.sendto(text.encode(), self._address)


def _watchdog_s(environment: Mapping[str, str], pid: int) -> float | None:
    for_pid = environment.get("WATCHDOG_PID", "")
    if for_pid and for_pid != str(pid):
        return None
    try:
        microseconds = int(environment.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / USEC_PER_S if microseconds > 0 else None
