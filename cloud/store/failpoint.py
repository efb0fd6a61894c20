"""Places at which a test can kill this process exactly there: ``DAYUAN_FAILPOINT=name[:n]``, at the n-th passage.

Names here: ``before_commit``, ``after_commit``, ``before_ack``, ``after_ack``.
"""

import os
from collections.abc import Callable

EXIT_CODE = 86


def fail_points(setting: str | None = None) -> Callable[[str], None]:
    """A function to call at each named place. Without a setting it does nothing."""
    name, _, count = (setting if setting is not None else os.environ.get("DAYUAN_FAILPOINT", "")).partition(":")
    left = int(count) if count.isdigit() else 1

    def reach(place: str) -> None:
        nonlocal left
        if place != name:
            return
        left -= 1
        if left <= 0:
            os._exit(EXIT_CODE)

    return reach
