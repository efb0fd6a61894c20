"""Messages of doors and vehicles against the store: each reading and event they must have become, once."""

from __future__ import annotations

import hashlib
import hmac
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simulators.ledger import CARD, ExpectedEvent, ExpectedReading, Published
from simulators.matching import Finding, Tally, same
from simulators.rules import BROKER, Rules
from simulators.stored import StoredEvent, StoredReading

TIE_MS = 5
"""Two readings of one series never share an instant: the later one is stored some milliseconds on."""
RECEIPT_MS = 600_000
"""A reading whose message holds no time has that of receipt, and a gateway that was down receives late."""
IN_BROKER_MS = 2_000
"""A broker writes its queue to the disk about once a second; what it confirmed since then dies with it."""
AWAY_MS = 30_000
"""A gateway or broker that was ended listens again after so long at the latest."""
RETAINED = "retained"
CARD_KEY_DIGITS = 32


def card_key(secret: bytes, card: str) -> str:
    """What is stored instead of a card's number: HMAC-SHA-256 with the site's secret over its family and the bytes.

    ``card``: hex digits, behind a family and a colon when it is no ISO 14443 UID: ``w26:`` Wiegand, ``em:`` 125 kHz.
    """
    family, _, digits = card.rpartition(":")
    family = family or "uid"
    return hmac.new(secret, f"{family}:".encode() + bytes.fromhex(digits), hashlib.sha256).hexdigest()[:CARD_KEY_DIGITS]


def match_told_readings(
    published: Iterable[Published],
    series: Mapping[tuple[str, str], Sequence[StoredReading]],
    rules: Rules,
    *,
    until_ms: int,
) -> Tally:
    """Every reading in every message. Stored readings of these devices that no message explains are altered ones."""
    tally = Tally()
    left: dict[tuple[str, str], list[StoredReading]] = {}
    copies: dict[tuple[str, str], list[tuple[ExpectedReading, Published]]] = defaultdict(list)
    devices: set[str] = set()
    for message in published:
        devices.add(message.device)
        for expected in message.expected.readings:
            copies[(message.device, expected.point)].append((expected, message))
    for name, readings in series.items():
        if name[0] in devices:
            left[name] = sorted(readings, key=lambda reading: (reading.at, reading.seq))
    for name, wanted in copies.items():
        _match_series(name, wanted, left.get(name, []), rules, tally, until_ms)
    for name in left.keys() - copies.keys():
        for reading in left[name]:
            if reading.value is not None:
                text = f"stored {reading.value!r}, which no device sent"
                tally.found("altered", Finding("/".join(name), reading.at, text))
    return tally


def _match_series(
    name: tuple[str, str],
    wanted: Sequence[tuple[ExpectedReading, Published]],
    stored: list[StoredReading],
    rules: Rules,
    tally: Tally,
    until_ms: int,
) -> None:
    label = "/".join(name)
    by_at: dict[int, list[StoredReading]] = defaultdict(list)
    for reading in stored:
        by_at[reading.at].append(reading)
    instants = sorted(by_at)

    def take(expected: ExpectedReading, message: Published) -> StoredReading | None:
        if expected.received:
            near = [reading for at in _receipt(instants, message) for reading in by_at[at]]
        else:
            near = [reading for shift in range(TIE_MS + 1) for reading in by_at.get(expected.at + shift, ())]
        equal = [reading for reading in near if same(reading.value, expected.value)]
        # At the time of receipt may stand the reading of another message: only an equal one is this one's.
        chosen = next(iter(equal if expected.received else equal or near), None)
        if chosen is not None:
            by_at[chosen.at].remove(chosen)
        return chosen

    for expected, message in wanted:
        found = take(expected, message)
        if found is None:
            if not expected.optional:
                _absent(label, message, expected.at, f"sent {expected.value!r}", rules, tally, until_ms)
        elif same(found.value, expected.value):
            tally.matched += 1
        else:
            text = f"sent {expected.value!r}, stored {found.value!r}"
            tally.found("altered", Finding(label, expected.at, text))
    for expected, message in wanted:
        for _ in range(message.attempts - 1):
            again = take(expected, message)
            if again is not None:
                tally.sent_twice += 1
    expected_at = {expected.at + shift for expected, _ in wanted for shift in range(TIE_MS + 1)}
    for reading in (reading for readings in by_at.values() for reading in readings if reading.value is not None):
        if reading.reason == RETAINED and _was_kept(reading, wanted):
            tally.told_again += 1
            continue
        kind = "duplicated" if reading.at in expected_at else "altered"
        text = f"stored {reading.value!r} again" if kind == "duplicated" else f"stored {reading.value!r}, never sent"
        tally.found(kind, Finding(label, reading.at, f"{text} (seq {reading.seq})"))


def _receipt(instants: Sequence[int], message: Published) -> Sequence[int]:
    """Those of the sorted ``instants`` at which a gateway can have received a message."""
    sent_at = message.first_attempt_at or message.sent_at
    heard_at = max(sent_at, message.confirmed_at or sent_at)
    return instants[bisect_left(instants, sent_at - TIE_MS) : bisect_right(instants, heard_at + RECEIPT_MS)]


def _was_kept(reading: StoredReading, wanted: Iterable[tuple[ExpectedReading, Published]]) -> bool:
    """The broker kept this value for whoever subscribes anew, and the gateway says that it is of unknown age."""
    return any(
        message.retain
        and same(expected.value, reading.value)
        and (message.first_attempt_at or message.sent_at) <= max(reading.at, expected.at)
        for expected, message in wanted
    )


def match_events(
    published: Iterable[Published], stored: Iterable[StoredEvent], rules: Rules, *, until_ms: int
) -> Tally:
    """Every event of every message; events that gateways report of themselves are not looked at."""
    tally = Tally()
    wanted: list[tuple[ExpectedEvent, Published]] = [
        (event, message) for message in published for event in message.expected.events
    ]
    kinds = {(message.device, event.kind) for event, message in wanted}
    left: dict[tuple[str, str, int], list[StoredEvent]] = defaultdict(list)
    for event in stored:
        if (event.device, event.kind) in kinds:
            left[(event.device, event.kind, event.at)].append(event)
    instants = _by_name(left)

    def take(expected: ExpectedEvent, message: Published) -> StoredEvent | None:
        name = (message.device, expected.kind)
        for at in _receipt(instants[name], message) if expected.received else (expected.at,):
            near = left[(*name, at)]
            for event in near:
                if _fits(expected.data, event.data, rules.card_secret):
                    near.remove(event)
                    return event
        return None

    missing: list[tuple[ExpectedEvent, Published]] = []
    for expected, message in wanted:
        if take(expected, message) is None:
            missing.append((expected, message))
        else:
            tally.matched += 1
        for _ in range(message.attempts - 1):
            if take(expected, message) is not None:
                tally.sent_twice += 1
    for expected, message in missing:
        label = f"{message.device} {expected.kind}"
        changed = left[(message.device, expected.kind, expected.at)]
        if changed:
            text = f"expected {_shown(expected.data)}, stored {changed.pop(0).data}"
            tally.found("altered", Finding(label, expected.at, text))
        else:
            _absent(label, message, expected.at, f"sent {_shown(expected.data)}", rules, tally, until_ms)
    for event in (event for events in left.values() for event in events):
        label = f"{event.device} {event.kind}"
        tally.found("duplicated", Finding(label, event.at, f"stored once more than sent: {event.data}"))
    return tally


def _by_name(left: Iterable[tuple[str, str, int]]) -> dict[tuple[str, str], list[int]]:
    """The instants of each device's events of a kind, sorted."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for device, kind, at in sorted(left):
        found[(device, kind)].append(at)
    return found


def _fits(expected: Mapping[str, Any], stored: Mapping[str, Any], secret: bytes) -> bool:
    for name, value in expected.items():
        if name == CARD:
            if stored.get("card_key") != card_key(secret, value):
                return False
        elif stored.get(name) != value:
            return False
    return True


def _nobody_listened(message: Published, rules: Rules) -> bool:
    """A broker keeps no QoS 0 message for a gateway that is away, and a broken connection loses it."""
    rule = rules.devices.get(message.device)
    names = (BROKER, rule.gateway) if rule else (BROKER,)
    sent = message.first_attempt_at or message.sent_at
    ends = [at for name in names for book in (rules.kills, rules.stops) for at in book.get(name, ())]
    return any(at - IN_BROKER_MS <= sent <= at + AWAY_MS for at in ends)


def _shown(data: Mapping[str, Any]) -> dict[str, Any]:
    """An expectation for a person to read; card numbers are shown nowhere."""
    return {name: "..." if name == CARD else value for name, value in data.items()}


def _absent(label: str, message: Published, at: int, text: str, rules: Rules, tally: Tally, until_ms: int) -> None:
    confirmed = message.confirmed_at
    if at < rules.from_ms:
        return
    if confirmed is None:
        tally.unconfirmed += 1
    elif confirmed > until_ms:
        tally.on_the_way += 1
    elif any(kill - IN_BROKER_MS <= confirmed <= kill for kill in rules.kills.get(BROKER, ())):
        tally.lost_in_broker += 1
    elif not message.qos and _nobody_listened(message, rules):
        tally.lost_at_qos0 += 1
    else:
        tally.found("missing", Finding(label, message.sent_at, text))
