"""One device's messages, decoded by its profile into readings and events. Pure: no clock, no file, no socket.

What can never be told from a message alone (is this card key known, was this event stored before) is not asked here.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

from protocols.errors import BadPayload
from protocols.mqtt.instants import Instant, judge, read_instant, spell_instant
from protocols.mqtt.payload import MISSING, PayloadKind, as_text, first_at, read_payload, value_at
from protocols.mqtt.profile import Condition, EventRule, FieldRule, MarkRule, MessageRule, MqttProfile
from protocols.mqtt.values import POSITION, WITH_POSITION, field_value, has_fix, point_value
from protocols.reading import Event, Quality, Reading, Scalar

KeyCard = Callable[[str, str], str]
"""(card number, form) -> card key; raises BadPayload when the number is ambiguous."""


class Decoded(NamedTuple):
    """What a message says.

    ``online``: the device is there or not, None: the message is about something else. ``notes``: what was left out,
    as (reason, detail).
    """

    readings: tuple[Reading, ...] = ()
    events: tuple[Event, ...] = ()
    online: bool | None = None
    notes: tuple[tuple[str, str], ...] = ()
    has_own_time: bool = False


NOTHING = Decoded()


class MqttDecoder:
    """Decodes the messages of one device.

    topic: the device's own part of its topics, as in the site file. ident: its name where several devices share one
    topic, else "". zone: of times written without one. card: how its reader writes card numbers, "" for the profile's.
    """

    def __init__(
        self,
        profile: MqttProfile,
        *,
        device: str,
        topic: str,
        key_card: KeyCard,
        ident: str = "",
        zone: tzinfo = UTC,
        card: str = "",
    ) -> None:
        self._profile = profile
        self._device = device
        self._ident = ident
        self._zone = zone
        self._card = card or profile.card
        self._key_card = key_card
        self._rules: list[tuple[re.Pattern[str], MessageRule]] = []
        filters: dict[str, bool] = {}
        for rule in profile.messages:
            name = rule.row.topic.replace("{topic}", topic)
            filters[name] = filters.get(name, False) or bool(rule.events)
            self._rules.append((_pattern(name), rule))
        self.filters = tuple(filters)
        """Topic filters to subscribe to; ``event_filters`` are those of them on which events can come."""
        self.event_filters = tuple(name for name, has_events in filters.items() if has_events)
        self._by_topic: dict[str, tuple[MessageRule, ...]] = {}

    def hears(self, topic: str) -> bool:
        """True when messages on this topic may be about this device."""
        return bool(self._rules_of(topic))

    def decode(
        self, topic: str, payload: bytes, *, retained: bool, received_at: int, clock_set: bool = True
    ) -> Decoded | None:
        """What the message says, None when it is about another device that shares the topic.

        received_at: wall clock in ms at the instant of receipt; while it was never set (``clock_set`` false) it is
        taken as it is, to be corrected later with all others. A retained message makes no event, and its readings are
        flagged: nobody knows how old it is. Raises BadPayload, and nothing else, whatever the bytes are.
        """
        rules = self._rules_of(topic)
        if not rules:
            raise BadPayload("unknown_topic", topic[:120])
        if len(payload) > self._profile.max_bytes:
            raise BadPayload("too_large", f"{len(payload)} bytes, at most {self._profile.max_bytes}")
        rule, document = self._find(rules, payload)
        if not self._is_mine(document):
            return None
        row = rule.row
        if row.refuse:
            raise BadPayload(row.refuse, row.note)
        if row.ignore:
            return NOTHING
        said = first_at(document, rule.times) if rule.times else MISSING
        said_at = None if said is MISSING else read_instant(said, rule.time_form, self._zone)
        instant = judge(said_at if clock_set else None, received_at, self._profile.max_age_s)
        return _Message(self, rule, document, retained, instant, said_at).read()

    def _rules_of(self, topic: str) -> tuple[MessageRule, ...]:
        found = self._by_topic.get(topic)
        if found is None:
            found = tuple(rule for pattern, rule in self._rules if pattern.fullmatch(topic))
            # Only wildcards can make this grow, and a stranger chooses what they match.
            if len(self._by_topic) < 256:
                self._by_topic[topic] = found
        return found

    def _find(self, rules: Iterable[MessageRule], payload: bytes) -> tuple[MessageRule, Any]:
        """The first rule that fits, with the payload as it reads it."""
        read: dict[PayloadKind, Any] = {}
        wrong: BadPayload | None = None
        for rule in rules:
            kind = rule.row.payload
            if kind not in read:
                try:
                    read[kind] = read_payload(payload, kind)
                except BadPayload as error:
                    wrong = wrong or error
                    read[kind] = MISSING
            document = read[kind]
            if document is MISSING or (rule.row.columns and len(document) != rule.row.columns):
                continue
            if _holds(rule.when, document):
                return rule, document
        if wrong is not None:
            raise wrong
        raise BadPayload("unknown_message", _sketch(rules, read))

    def _is_mine(self, document: Any) -> bool:
        if not self._ident or not self._profile.identity:
            return True
        return as_text(first_at(document, self._profile.identity)) == self._ident


class _Message:
    """One message on its way through its rule."""

    def __init__(
        self,
        decoder: MqttDecoder,
        rule: MessageRule,
        document: Any,
        retained: bool,
        instant: Instant,
        said_at: int | None,
    ) -> None:
        self._decoder = decoder
        self._device = decoder._device
        self._rule = rule
        self._document = document
        self._retained = retained
        self._instant = instant
        self._said_at = said_at
        self._notes: list[tuple[str, str]] = []

    def read(self) -> Decoded:
        readings = self._readings()
        events = self._events()
        online = self._online()
        own_time = self._said_at is not None and self._instant.at == self._said_at
        return Decoded(tuple(readings), tuple(events), online, tuple(self._notes), own_time)

    def _readings(self) -> list[Reading]:
        if self._retained and self._instant.too_old and self._rule.points:
            # A position somebody kept for weeks is not where the device is now, and we do not store the past anew.
            self._note("retained_old", spell_instant(self._said_at or 0))
            return []
        values = self._values()
        dropped = self._marked(self._rule.drops)
        if POSITION & values.keys() and not has_fix(values):
            self._note("no_fix", "")
            for name in WITH_POSITION:
                dropped[name] = ""
        doubted = self._marked(self._rule.doubts)
        readings = []
        for name, (value, reason) in values.items():
            if name in dropped:
                continue
            quality, why = self._quality(value, reason, doubted.get(name, ""))
            readings.append(Reading(self._device, name, value, self._instant.at, quality, why))
        return readings

    def _quality(self, value: float | None, reason: str, doubt: str) -> tuple[Quality, str]:
        if value is None:
            return Quality.BAD, reason
        if self._retained:
            return Quality.UNCERTAIN, "retained"
        if self._instant.doubted or (self._rule.times and self._said_at is None):
            return Quality.UNCERTAIN, "clock"
        why = doubt or reason
        return (Quality.UNCERTAIN, why) if why else (Quality.GOOD, "")

    def _values(self) -> dict[str, tuple[float | None, str]]:
        """Values by point, each with the reason why it is bad (None) or doubtful."""
        values: dict[str, tuple[float | None, str]] = {}
        for point in self._rule.points:
            row = point.row
            if row.value is not None:
                values[point.name] = (row.value, "")
                continue
            raw = first_at(self._document, point.paths)
            if raw is None:
                continue  # null is "no measurement", never zero
            if raw is MISSING:
                if row.required:
                    raise BadPayload("missing", f"{point.name}: nothing at {'.'.join(point.paths[0])}")
                if row.missing is not None:
                    values[point.name] = (row.missing, "estimated")
                continue
            value, reason = point_value(raw, point)
            if reason in ("absent", "not_a_number"):
                if row.required:
                    raise BadPayload(reason, f"{point.name}: {_short(raw)}")
                if reason != "absent":
                    self._note(reason, f"{point.name}: {_short(raw)}")
                continue
            values[point.name] = (value, reason)
        return values

    def _marked(self, marks: tuple[MarkRule, ...]) -> dict[str, str]:
        named: dict[str, str] = {}
        for mark in marks:
            if _holds(mark.when, self._document):
                named.update(dict.fromkeys(mark.points, mark.reason))
        return named

    def _events(self) -> list[Event]:
        rules = [rule for rule in self._rule.events if _holds(rule.when, self._document)]
        if not rules:
            return []
        if self._retained:
            self._note("retained_event", rules[0].kind)
            return []
        return [self._event(rule) for rule in rules]

    def _event(self, rule: EventRule) -> Event:
        data: dict[str, Scalar] = {}
        for field in rule.fields:
            value = self._field(field)
            if value is not None:
                data[field.name] = value
            elif field.required:
                raise BadPayload("missing", f"{rule.kind}: no {field.name}")
        return Event(self._device, rule.kind, self._instant.at, data)

    def _field(self, field: FieldRule) -> Scalar:
        row = field.row
        if row.value is not None:
            return row.value
        raw = first_at(self._document, field.paths)
        if raw is MISSING or raw is None:
            return None
        if row.card:
            text = as_text(raw)
            if text is None:
                raise BadPayload("card", "the card number is neither text nor number")
            return self._decoder._key_card(text, self._decoder._card)
        return field_value(raw, field.type)

    def _online(self) -> bool | None:
        if self._rule.row.means:
            return self._rule.row.means == "online"
        alive = self._rule.row.alive
        if alive is None:
            return None
        word = as_text(value_at(self._document, self._rule.alive_path))
        if word in alive.online:
            return True
        if word in alive.offline:
            return False
        raise BadPayload("unknown_word", f"{_short(word)} is neither online nor offline")

    def _note(self, reason: str, detail: str) -> None:
        self._notes.append((reason, detail))


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("/".join("[^/]+" if level == "+" else re.escape(level) for level in name.split("/")), re.DOTALL)


def _holds(conditions: tuple[Condition, ...], document: Any) -> bool:
    for path, words in conditions:
        found = value_at(document, path)
        if not words:
            if found is MISSING or found is None or found == "":
                return False
        elif found is MISSING or as_text(found) not in words:
            return False
    return True


def _sketch(rules: Iterable[MessageRule], read: dict[PayloadKind, Any]) -> str:
    """What the message says where the rules look: enough to name its kind, never a whole payload."""
    for rule in rules:
        document = read.get(rule.row.payload, MISSING)
        if document is not MISSING and rule.when:
            paths = dict.fromkeys(condition.path for other in rules for condition in other.when)
            said = (f"{'.'.join(path)}={_short(value_at(document, path))}" for path in list(paths)[:4])
            return "no rule for " + ", ".join(said)
    return "no rule for it"


def _short(value: Any) -> str:
    if value is MISSING:
        return "(absent)"
    text = as_text(value)
    return f"a {type(value).__name__}" if text is None else repr(text[:32])
