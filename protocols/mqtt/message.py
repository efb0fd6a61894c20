"""One message on its way through its rule: readings, events, and what else it tells."""

from collections.abc import Callable
from typing import Any, NamedTuple

from protocols.errors import BadPayload
from protocols.mqtt.conditions import holds, short
from protocols.mqtt.instants import Instant, spell_instant
from protocols.mqtt.nmea import DAMAGED
from protocols.mqtt.payload import MISSING, Path, as_text, first_at, value_at
from protocols.mqtt.profile import PRESENT, EventRule, FieldRule, MarkRule, MessageRule
from protocols.mqtt.values import POSITION, WITH_POSITION, field_value, has_fix, point_value
from protocols.reading import Event, Quality, Reading, Scalar

ENTRIES_MAX = 16
"""Events that one message may list."""

KeyCard = Callable[[str, str], str]
"""(card number, form) -> card key; raises BadPayload when the number is ambiguous."""


class Decoded(NamedTuple):
    """What a message says.

    ``online``: the device is there or not, None: the message is about something else. ``notes``: what was left out,
    as (reason, detail). ``same``: what names the message, by whichever way it came, "" where nothing does.

    Devices repeat values in later messages. ``said``: what such values are now. ``changed``: for each event, the name
    of the one that must be another than in the message before, "" where the event needs none.
    """

    readings: tuple[Reading, ...] = ()
    events: tuple[Event, ...] = ()
    online: bool | None = None
    notes: tuple[tuple[str, str], ...] = ()
    has_own_time: bool = False
    same: str = ""
    said: tuple[tuple[str, str], ...] = ()
    changed: tuple[str, ...] = ()


NOTHING = Decoded()


class Message:
    """One message and the rule it fits. card: how the device's reader writes card numbers."""

    def __init__(
        self,
        rule: MessageRule,
        document: Any,
        *,
        device: str,
        card: str,
        key_card: KeyCard,
        retained: bool,
        instant: Instant,
        said_at: int | None,
    ) -> None:
        self._rule = rule
        self._device = device
        self._card, self._key_card = card, key_card
        self._document = document
        self._retained = retained
        self._instant = instant
        self._said_at = said_at
        self._notes: list[tuple[str, str]] = []

    def read(self) -> Decoded:
        readings = self._readings()
        events = self._events()
        online = self._online()
        if self._rule.row.payload == "nmea" and DAMAGED in self._document:
            self._note("checksum", f"{self._document[DAMAGED]} sentences")
        return Decoded(
            readings=tuple(readings),
            events=tuple(event for event, _ in events) if events else (),
            online=online,
            notes=tuple(self._notes),
            has_own_time=self._said_at is not None and self._instant.at == self._said_at,
            same=self._same() if self._rule.same else "",
            changed=tuple(changed for _, changed in events) if events else (),
        )

    def _same(self) -> str:
        texts = [as_text(value_at(self._document, path)) for path in self._rule.same]
        if None in texts:
            return ""
        return " ".join((self._rule.row.topic, *(text[:64] for text in texts if text is not None)))

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
                    raise BadPayload(reason, f"{point.name}: {short(raw)}")
                if reason != "absent":
                    self._note(reason, f"{point.name}: {short(raw)}")
                continue
            values[point.name] = (value, reason)
        return values

    def _marked(self, marks: tuple[MarkRule, ...]) -> dict[str, str]:
        named: dict[str, str] = {}
        for mark in marks:
            if holds(mark.when, self._document):
                named.update(dict.fromkeys(mark.points, mark.reason))
        return named

    def _events(self) -> list[tuple[Event, str]]:
        """Each with the name of the value that must have changed for it."""
        if not self._rule.events:
            return []
        found = [
            (rule, entry) for rule in self._rule.events for entry in self._entries(rule) if holds(rule.when, entry)
        ]
        if found and self._retained:
            self._note("retained_event", found[0][0].kind)
            return []
        return [(self._event(rule, entry), path_name(rule.changed)) for rule, entry in found]

    def _entries(self, rule: EventRule) -> list[Any]:
        if rule.each is None:
            return [self._document]
        listed = value_at(self._document, rule.each)
        if not isinstance(listed, list):
            return []
        if len(listed) > ENTRIES_MAX:
            self._note("too_many", f"{rule.kind}: {len(listed)} entries")
        return listed[:ENTRIES_MAX]

    def _event(self, rule: EventRule, entry: Any) -> Event:
        data: dict[str, Scalar] = {}
        for field in rule.fields:
            value = self._field(field, entry)
            if value is not None:
                data[field.name] = value
            elif field.required:
                raise BadPayload("missing", f"{rule.kind}: no {field.name}")
        return Event(self._device, rule.kind, self._instant.at, data)

    def _field(self, field: FieldRule, entry: Any) -> Scalar:
        row = field.row
        if row.value is not None:
            return row.value
        raw = first_at(entry, field.paths)
        if raw is MISSING or raw is None:
            return None
        if row.card:
            text = as_text(raw)
            if text is None:
                raise BadPayload("card", "the card number is neither text nor number")
            return self._key_card(text, self._card)
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
        if word in alive.offline or (word is not None and PRESENT in alive.offline):
            return False
        raise BadPayload("unknown_word", f"{short(word)} is neither online nor offline")

    def _note(self, reason: str, detail: str) -> None:
        self._notes.append((reason, detail))


def path_name(path: Path | None) -> str:
    """A path as one word."""
    return ".".join(path or ())
