"""Named instants at which a test can have the process killed. Costs one empty call where nothing is armed.

``DAYUAN_FAILPOINT=after_commit`` ends the process at the first passage of that name, ``after_commit:3`` at the third:
at once, without clean-up, as a power cut would.
"""

from __future__ import annotations

import os
import signal

from edge.contract import FailPoint

VARIABLE = "DAYUAN_FAILPOINT"

NAMES = (
    "before_commit",
    "mid_delete",
    "mid_expiry",
    "asked_again",
    "after_commit",
    "before_checkpoint",
    "mid_salvage",
    "after_publish",
    "before_ack",
    "after_ack",
    "after_birth",
    "before_config_text",
    "after_config_text",
    "before_config_record",
    "after_config_record",
    "in_trial",
    "grants_written",
    "grants_numbered",
    "grants_moved",
    "grants_kept",
)
"""Every name that some part of the gateway passes."""


def never(_name: str) -> None:
    """The fail point of a process in which none is armed."""


def armed(setting: str | None) -> FailPoint:
    """A fail point from the value of the environment variable; `never` when it is empty. Raises ValueError."""
    if not setting:
        return never
    wanted, _, count = setting.partition(":")
    if wanted not in NAMES or (count and not count.isdigit()):
        raise ValueError(f"{VARIABLE}={setting}: write one of {', '.join(NAMES)}, then perhaps ':' and a number")
    left = int(count or 1)

    def fail_point(name: str) -> None:
        nonlocal left
        if name == wanted:
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return fail_point
