"""What a site decides about what is watched without a rule: from when on it is an alarm, how urgent, or not at all.

Kept per site in the registry and changed by API while the collector runs; what nobody set is the default here.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from cloud.alarms.kinds import ALARM_KINDS

DAY_S = 86_400

OF_THE_COLLECTOR: Final = frozenset(
    {
        "approval_waiting",
        "rollout_halted",
        "store_damaged",
        "store_part_lost",
        "store_log_damaged",
        "registry_damaged",
        "registry_log_damaged",
        "audit_damaged",
        "store_unavailable",
        "disk_full",
        "broker_lost",
        "member_silent",
        "messages_dropped",
        "handler_failed",
    }
)
"""Kinds that are of no site."""


class KindChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``priority`` None: the kind's own. ``off``: its condition raises no alarm; it is still seen in what it is of."""

    priority: Annotated[int, Meta(ge=1, le=3)] | None = None
    off: bool = False


AS_BUILT_IN = KindChoice()


class AlarmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of one site."""

    door_held_s: Annotated[float, Meta(ge=5, le=DAY_S)] = 30.0
    """A door open for longer is held, unless the door has a limit of its own (fact ``held_after_s``)."""
    door_denied_burst: Annotated[int, Meta(ge=2, le=60)] = 3
    """So many refusals within a minute are a burst, unless the door says otherwise (fact ``denied_burst``)."""
    card_travel_kmh: Annotated[float, Meta(ge=0, le=300)] = 30.0
    """One card at two readers further apart than this speed allows is an alarm; 0: nobody looks."""
    backlog_age_s: Annotated[float, Meta(ge=30, le=30 * DAY_S)] = 300.0
    """The oldest reading a gateway could not deliver has waited for so long."""
    gateway_silent_s: Annotated[float, Meta(ge=30, le=DAY_S)] = 60.0
    """A gateway that said nothing for so long is offline; one whose link broke is at once."""
    clock_unset_s: Annotated[float, Meta(ge=0, le=DAY_S)] = 0.0
    """A gateway's clock may be unset for so long, as after a start."""
    gateway_hot_c: Annotated[float, Meta(ge=30, le=120)] = 80.0
    """At so many degrees Celsius a gateway's box is hot. A Raspberry Pi begins to slow down at 80."""
    kinds: Annotated[dict[Annotated[str, Meta(max_length=64)], KindChoice], Meta(max_length=200)] = {}
    """By kind of alarm; those that are not here are as built in."""

    def fault(self) -> str | None:
        """What is wrong with it; None when nothing is."""
        unknown = sorted(kind for kind in self.kinds if kind not in settable())
        return f"kinds: {unknown[0]!r} is no kind that a site can set" if unknown else None


DEFAULTS = AlarmSettings()


def settable() -> list[str]:
    """Kinds a site can set: all but those of the collector, and of rules, which say it themselves."""
    return [kind for kind in ALARM_KINDS if kind not in OF_THE_COLLECTOR and not kind.startswith("rule_")]
