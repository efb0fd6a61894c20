"""What a kind of alarm is."""

from typing import NamedTuple

ArgValue = str | int | float | bool | None

URGENT, SOON, NOTE = 1, 2, 3


class AlarmKind(NamedTuple):
    """``en`` and ``zh`` are templates over ``source`` and the alarm's args: what, where, and what to do.

    With ``quiet_after_s`` the alarm returns to normal by itself when it was not raised again for so long.
    """

    priority: int
    en: str
    zh: str
    quiet_after_s: float | None = None


HOUR, DAY = 3600.0, 86400.0
