"""The ledger against the store, one series at a time: every value served must be stored once, as it was, or excused.

A value that a meter served and that is not stored is excused only by one of these, each checked here by its own rule:
held back (within the deadband around the last value kept, and not longer than max silence), asked again (the gateway
gave up on an answer and asked once more), asked for just before an order (to see that the device is there), lost in
the memory of a gateway that was killed, or still on the way.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from simulators.ledger import ServedValue
from simulators.rules import Band, DeviceRule, Rules
from simulators.stored import StoredReading

CLOCK_SLACK_MS = 5
"""A reading is stamped after its answer was logged; both clocks are one, rounded to the millisecond."""
ANSWER_AGE_MS = 30_000
"""No answer takes longer than this from the ledger to the gateway's stamp."""
POLL_IN_FLIGHT_MS = 1_500
"""A killed gateway may have been in the middle of a poll whose first answers it held besides the unflushed ones."""
SILENCE_SLACK_MS = 1_500
BEFORE_ORDER_MS = 1_000
LISTED_MAX = 20

SAID_BY_GATEWAY = frozenset({"device_error"})
"""Reasons of readings that say "no answer": the gateway's own statement, no value of the meter."""


class Finding(NamedTuple):
    """One thing that is wrong: which series or device, when, what was expected and what is there."""

    name: str
    at: int
    text: str


@dataclass
class Tally:
    """Counts and the first findings of each kind."""

    matched: int = 0
    missing: int = 0
    duplicated: int = 0
    altered: int = 0
    held_back: int = 0
    asked_again: int = 0
    before_order: int = 0
    lost_in_memory: int = 0
    lost_in_broker: int = 0
    lost_at_qos0: int = 0
    told_again: int = 0
    on_the_way: int = 0
    sent_twice: int = 0
    unconfirmed: int = 0
    said_by_gateway: int = 0
    findings: dict[str, list[Finding]] = field(default_factory=dict)

    def found(self, kind: str, finding: Finding) -> None:
        """Count one missing, duplicated or altered value, and keep the first of each kind for a person to see."""
        setattr(self, kind, getattr(self, kind) + 1)
        listed = self.findings.setdefault(kind, [])
        if len(listed) < LISTED_MAX:
            listed.append(finding)

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            if isinstance(value, int):
                setattr(self, name, getattr(self, name) + value)
        for kind, findings in other.findings.items():
            listed = self.findings.setdefault(kind, [])
            listed += findings[: LISTED_MAX - len(listed)]


def same(one: float | None, other: float | None) -> bool:
    """Equal to the last bit; two absent values are equal."""
    first = math.nan if one is None else one
    second = math.nan if other is None else other
    return first == second or (math.isnan(first) and math.isnan(second))


def match_polled(
    name: tuple[str, str],
    served: Sequence[ServedValue],
    stored: Iterable[StoredReading],
    rules: Rules,
    *,
    until_ms: int,
) -> Tally:
    """Match one series of a polled meter. A stored reading belongs to the last answer served before its stamp."""
    tally = Tally()
    label = "/".join(name)
    times = [value.served_at for value in served]
    owner: list[StoredReading | None] = [None] * len(served)
    for reading in sorted(stored, key=lambda reading: (reading.at, reading.seq)):
        if reading.value is None and reading.reason in SAID_BY_GATEWAY:
            tally.said_by_gateway += 1
            continue
        place = bisect_right(times, reading.at + CLOCK_SLACK_MS) - 1
        if place < 0 or reading.at - times[place] > ANSWER_AGE_MS:
            tally.found("altered", Finding(label, reading.at, f"stored {reading.value}, which no device served"))
        elif owner[place] is not None:
            tally.found("duplicated", Finding(label, reading.at, f"stored {reading.value} again (seq {reading.seq})"))
        else:
            owner[place] = reading
            if same(reading.value, served[place].value):
                tally.matched += 1
            else:
                text = f"served {served[place].value!r}, stored {reading.value!r}"
                tally.found("altered", Finding(label, reading.at, text))
    _judge_absent(label, served, owner, rules, tally, until_ms)
    return tally


def _judge_absent(
    label: str,
    served: Sequence[ServedValue],
    owner: Sequence[StoredReading | None],
    rules: Rules,
    tally: Tally,
    until_ms: int,
) -> None:
    device, point = label.split("/", 1)
    rule = rules.devices.get(device)
    band = rule.bands.get(point) if rule else None
    kept: ServedValue | None = None
    for place, value in enumerate(served):
        if owner[place] is not None:
            kept = value
        elif value.served_at < rules.from_ms:
            continue
        elif rule is None:
            tally.found("missing", Finding(label, value.served_at, f"{value.value!r}: the device is in no site file"))
        elif value.served_at > until_ms:
            tally.on_the_way += 1
        elif band is not None and kept is not None and _held_back(band, rule, value, kept):
            tally.held_back += 1
        elif band is not None and kept is None and rules.from_ms:
            tally.held_back += 1  # around a value that the ledger keeps no more
        elif _in_memory(value.served_at, rules.kills.get(rule.gateway, ()), rules.flush_s):
            tally.lost_in_memory += 1
        elif _before_order(value.served_at, rules.orders.get(device, ())):
            tally.before_order += 1
        elif value.delay_s > 0 or value.doubtful or _asked_again(served, place, rule):
            tally.asked_again += 1
        else:
            tally.found("missing", Finding(label, value.served_at, f"served {value.value!r}"))


def _held_back(band: Band, rule: DeviceRule, value: ServedValue, kept: ServedValue) -> bool:
    if value.served_at - kept.served_at >= rule.max_silence_ms + SILENCE_SLACK_MS:
        return False
    if math.isnan(value.value) or math.isnan(kept.value):
        return same(value.value, kept.value)
    return band.holds(value.value, kept.value)


def _asked_again(served: Sequence[ServedValue], place: int, rule: DeviceRule) -> bool:
    """The same point was served again sooner than a poll interval: the first answer came too late to be taken."""
    if place + 1 >= len(served):
        return False
    return served[place + 1].served_at - served[place].served_at < 0.9 * rule.every_s * 1000


def _before_order(at: int, orders: Sequence[int]) -> bool:
    """Asked so shortly before an order that the gateway only wanted to know whether the device is there."""
    place = bisect_left(orders, at)
    return place < len(orders) and orders[place] - at <= BEFORE_ORDER_MS


def _in_memory(at: int, kills: Iterable[int], flush_s: float) -> bool:
    """Served so shortly before its gateway was killed that it may not have been on the disk yet."""
    return any(kill - flush_s * 1000 - POLL_IN_FLIGHT_MS <= at <= kill + CLOCK_SLACK_MS for kill in kills)
