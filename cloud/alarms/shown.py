"""An alarm as the API and the pages are told of it, with the state ISA-18.2 gives it."""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from cloud.alarms.kind import ArgValue
from cloud.alarms.kinds import texts
from cloud.alarms.titles import title_of
from cloud.registry.alarm_book import Deed, Shelf, StoredAlarm

State = Literal["unacknowledged", "acknowledged", "returned", "shelved", "out_of_service", "suppressed", "normal"]

STANDING: frozenset[State] = frozenset({"unacknowledged", "acknowledged", "returned"})
"""What somebody has to look at; the other states are hidden from lists of what is wrong now."""


class AlarmView(msgspec.Struct):
    """An alarm as the API shows it. ``active``: the condition lasts, whoever has seen it and whether it is hidden."""

    id: str
    kind: str
    priority: int
    source: str
    since: int
    ended_at: int | None
    args: dict[str, ArgValue]
    text: dict[str, str]
    active: bool
    state: State = "unacknowledged"
    acknowledged_at: int | None = None
    acknowledged_by: str = ""
    shelved_until: int | None = None
    reason: str = ""
    """Why it is shelved or out of service."""
    hidden_by: str = ""
    """Who shelved it, or the source of the alarm that suppresses it."""
    note: str = ""
    count: int = 1
    suppresses: int = 0
    """Alarms that are hidden because this one explains them."""
    rev: int = 1
    title: dict[str, str] = {}
    """The kind in a few words, by language."""
    name: str = ""
    """What people call its source."""


Names = Callable[[str, str], str]
"""What people call a source, given the kind of an alarm of it."""


def plain_name(kind: str, source: str) -> str:
    """The name of a source of which nothing else is known: its id within its site."""
    del kind
    return source.partition("/")[2].rpartition(":")[2] or source


def view(
    alarm: StoredAlarm,
    shelf: Shelf | None = None,
    suppressed_by: str = "",
    suppresses: int = 0,
    *,
    names: Names = plain_name,
) -> AlarmView:
    """The alarm as the API shows it."""
    name, args = names(alarm.kind, alarm.source), alarm.args
    if isinstance(device := args.get("device"), str):
        # What is said of a gateway may be about one of its devices.
        args = {**args, "device": names("device", f"{alarm.source.partition('/')[0]}/{device}")}
    own = args.get("name")
    shown = AlarmView(
        id=str(alarm.id),
        kind=alarm.kind,
        priority=alarm.priority,
        source=alarm.source,
        since=alarm.since,
        ended_at=alarm.ended_at,
        args=alarm.args,
        text=texts(alarm.kind, name, args),
        active=alarm.ended_at is None,
        state=_state(alarm, shelf, suppressed_by),
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by,
        note=alarm.note,
        count=alarm.count,
        suppresses=suppresses,
        rev=alarm.rev,
        title=title_of(alarm.kind, alarm.args),
        name=own if isinstance(own, str) and own else name,
    )
    if shelf is not None:
        shown.shelved_until, shown.reason, shown.hidden_by = shelf.until, shelf.reason, shelf.by
    elif shown.state == "suppressed":
        shown.hidden_by = suppressed_by
    return shown


def view_at(alarm: StoredAlarm, at: int, deeds: Sequence[Deed], names: Names = plain_name) -> AlarmView:
    """The alarm as it was at an instant at which it was active. What was suppressed then is shown."""
    shown = view(alarm, names=names)
    shown.active, shown.ended_at = True, None
    if shown.acknowledged_at is not None and shown.acknowledged_at > at:
        shown.acknowledged_at, shown.acknowledged_by = None, ""
    shown.state = "acknowledged" if shown.acknowledged_at is not None else "unacknowledged"
    hidden: Deed | None = None
    for deed in deeds:
        if deed.alarm == alarm.id and deed.at <= at and deed.action in HIDING | SHOWING:
            hidden = deed if deed.action in HIDING else None
    if hidden is not None and (hidden.until is None or hidden.until > at):
        shown.state = "shelved" if hidden.action == "shelved" else "out_of_service"
        shown.shelved_until, shown.reason, shown.hidden_by = hidden.until, hidden.text, hidden.by
    return shown


HIDING = frozenset({"shelved", "out_of_service"})
SHOWING = frozenset({"unshelved"})


def _state(alarm: StoredAlarm, shelf: Shelf | None, suppressed_by: str) -> State:
    if alarm.ended_at is not None:
        return "returned" if alarm.waiting else "normal"
    if shelf is not None:
        return "shelved" if shelf.mode == "shelved" else "out_of_service"
    if suppressed_by:
        return "suppressed"
    return "unacknowledged" if alarm.acknowledged_at is None else "acknowledged"
