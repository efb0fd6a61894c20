"""The MQTT part of a device profile: which topics a dialect has, and what its payloads mean.

The TOML file is described in protocols/mqtt/PROFILES.md. Decoding checks everything that can be checked without a
message: names of points and events against their lists, paths, forms of time and of card numbers.
"""

from typing import NamedTuple

import msgspec

from protocols.errors import BadSettings
from protocols.events import EVENT_KINDS
from protocols.mqtt.card_uid import FORMS
from protocols.mqtt.payload import Path, PayloadKind, parse_path
from protocols.mqtt.rows import (
    DialectRow,
    EventRow,
    FieldRow,
    MarkRow,
    MessageRow,
    MqttFile,
    PointRow,
    SitePoint,
    Texts,
    TimeForm,
)
from protocols.points import VOCABULARY, PointKind
from protocols.profile_head import ProfileHead
from protocols.reading import REASONS
from protocols.settings import Document, duration
from protocols.settings import decode as decode_settings

Key = tuple[str | int, ...]

PRESENT = "*"
"""In ``when``: the value is there and neither null nor empty."""


class Condition(NamedTuple):
    """One condition of a ``when``: the value at ``path`` is one of ``words``; without words: it is there."""

    path: Path
    words: frozenset[str]


class PointRule(msgspec.Struct, frozen=True, kw_only=True):
    """One point of a message, complete. ``divisor`` is 1/scale where that is a whole number: 65987654 / 1e6 is exact to
    the last digit, 65987654 * 1e-6 is not."""

    name: str
    kind: PointKind
    paths: tuple[Path, ...]
    divisor: int
    row: PointRow


def point_rule(name: str, row: PointRow, paths: tuple[Path, ...]) -> PointRule:
    """The rule of the point ``name``, a word of the vocabulary."""
    divisor = round(1 / row.scale) if 0 < row.scale < 1 else 1
    exact = divisor if 1 / divisor == row.scale else 1
    return PointRule(name=name, kind=VOCABULARY[name].kind, paths=paths, divisor=exact, row=row)


class FieldRule(msgspec.Struct, frozen=True, kw_only=True):
    """One field of an event, complete; ``type`` as in :mod:`protocols.events`."""

    name: str
    type: str
    required: bool
    paths: tuple[Path, ...]
    row: FieldRow


class EventRule(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a message, complete. ``each`` and ``changed`` are None where the row has none."""

    kind: str
    each: Path | None
    changed: Path | None
    when: tuple[Condition, ...]
    fields: tuple[FieldRule, ...]


class MarkRule(msgspec.Struct, frozen=True, kw_only=True):
    """Points to drop or to doubt, complete."""

    points: frozenset[str]
    when: tuple[Condition, ...]
    reason: str


class MessageRule(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of message, complete. ``same``: messages with the same values there are one message, by however many
    ways it came."""

    row: MessageRow
    same: tuple[Path, ...]
    when: tuple[Condition, ...]
    alive_path: Path
    times: tuple[Path, ...]
    time_form: TimeForm
    points: tuple[PointRule, ...]
    events: tuple[EventRule, ...]
    drops: tuple[MarkRule, ...]
    doubts: tuple[MarkRule, ...]


class PointInfo(NamedTuple):
    """A point the device may report. ``stale_after_s``: how long a value stays current, 0 where nobody knows."""

    name: str
    unit: str
    kind: PointKind
    stale_after_s: float


class MqttProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A model that speaks MQTT. ``silence_s``: silent for longer it counts as lost; 0: never by silence alone.

    ``stale_after_s``: how long a value stays current, 0 where the profile does not know. ``places``: where points of
    messages with {point} in their topic are, unless the site file says it; :mod:`protocols.mqtt.site_points`.
    """

    head: ProfileHead
    identity: tuple[Path, ...]
    max_age_s: float
    max_bytes: int
    silence_s: float
    stale_after_s: float
    skips_empty: bool
    repeat_within_s: float
    card: str
    messages: tuple[MessageRule, ...]
    points: tuple[PointInfo, ...]
    places: dict[str, SitePoint]

    @property
    def id(self) -> str:
        return self.head.id

    @property
    def kind(self) -> str:
        return self.head.kind

    @property
    def reads_cards(self) -> bool:
        """True when a message of it can hold a card number."""
        return any(field.row.card for rule in self.messages for event in rule.events for field in event.fields)


def decode(document: Document) -> MqttProfile:
    """The profile in a file that says ``protocol = "mqtt"``; raises BadSettings with file, line and key."""
    file = decode_settings(document, MqttFile)
    builder = _Builder(document, file.mqtt)
    if not file.message:
        raise document.fail(("message",), "no message", "at least one [[message]]")
    messages = tuple(builder.message(row, ("message", index)) for index, row in enumerate(file.message))
    if file.mqtt.card not in FORMS:
        raise document.fail(("mqtt", "card"), f"{file.mqtt.card!r} is no form of card number", ", ".join(FORMS))
    stale_after_s = builder.seconds("stale_after")
    return MqttProfile(
        head=file.profile,
        identity=builder.paths(file.mqtt.identity, ("mqtt", "identity")),
        max_age_s=builder.seconds("max_age"),
        max_bytes=file.mqtt.max_bytes,
        silence_s=builder.seconds("silence"),
        stale_after_s=stale_after_s,
        skips_empty=file.mqtt.empty == "ignore",
        repeat_within_s=builder.seconds("repeat_within"),
        card=file.mqtt.card,
        messages=messages,
        points=point_infos(messages, stale_after_s),
        places={name: SitePoint(at=at) if isinstance(at, str) else at for name, at in file.places.items()},
    )


def point_infos(messages: tuple[MessageRule, ...], stale_after_s: float) -> tuple[PointInfo, ...]:
    """Every point once, in the file's order; the longest of its own limits counts."""
    own: dict[str, float] = {}
    for rule in (rule for message in messages for rule in message.points):
        limit_s = duration(rule.row.stale_after) if rule.row.stale_after else 0.0
        own[rule.name] = max(own.get(rule.name, 0.0), limit_s)
    words = ((VOCABULARY[name], limit_s or stale_after_s) for name, limit_s in own.items())
    return tuple(PointInfo(word.name, word.unit, word.kind, limit_s) for word, limit_s in words)


class _Builder:
    """Turns the rows of one file into rules; every error names the key."""

    def __init__(self, document: Document, dialect: DialectRow) -> None:
        self._document = document
        self._dialect = dialect

    def message(self, row: MessageRow, key: Key) -> MessageRule:
        if row.topic.count("{topic}") != 1 or "#" in row.topic:
            raise self._fail((*key, "topic"), f"{row.topic!r}", "{topic} exactly once, + for any level, no #")
        if (row.topic.count("{point}") == 1) != (row.site_points is not None):
            raise self._fail(key, "{point} in the topic and site_points belong together", "both or neither")
        does = bool(row.points or row.event or row.means or row.alive or row.site_points)
        if does == (row.ignore or bool(row.refuse)):
            raise self._fail(key, "a message either says something or is ignored or refused", "one of these")
        points = tuple(
            self._point(name, point, row.payload, (*key, "points", name)) for name, point in row.points.items()
        )
        known = {point.name for point in points}
        return MessageRule(
            row=row,
            same=self.paths(row.same, (*key, "same")),
            when=self._when(row.when, (*key, "when")),
            alive_path=self.paths(row.alive.path, (*key, "alive", "path"))[0] if row.alive and row.alive.path else (),
            times=self.paths(self._dialect.time if row.time is None else row.time, (*key, "time")),
            time_form=row.time_form or self._dialect.time_form,
            points=points,
            events=tuple(
                self._event(event, row.payload, (*key, "event", index)) for index, event in enumerate(row.event)
            ),
            drops=tuple(self._mark(mark, known, (*key, "drop", index)) for index, mark in enumerate(row.drop)),
            doubts=tuple(self._mark(mark, known, (*key, "doubt", index)) for index, mark in enumerate(row.doubt)),
        )

    def paths(self, texts: Texts, key: Key) -> tuple[Path, ...]:
        try:
            return tuple(parse_path(text) for text in ((texts,) if isinstance(texts, str) else texts) if text)
        except ValueError as error:
            raise self._fail(key, str(error), "steps joined by dots, like params.switch:0.output") from None

    def seconds(self, name: str) -> float:
        try:
            return duration(getattr(self._dialect, name))
        except ValueError as error:
            raise self._fail(("mqtt", name), str(error), "") from None

    def _source(self, row: PointRow | FieldRow, payload: PayloadKind, key: Key) -> tuple[Path, ...]:
        """Where a value stands; a text is all there is and needs no path."""
        paths = self.paths(row.path, (*key, "path"))
        if row.value is None and payload in ("text", "any-text"):
            return ((),)
        if bool(paths) == (row.value is not None):
            raise self._fail(key, "needs a path or a constant value", "one of these")
        return paths

    def _point(self, name: str, row: PointRow, payload: PayloadKind, key: Key) -> PointRule:
        if name not in VOCABULARY:
            raise self._fail(key, "no such point in the vocabulary", "the names in protocols/points.toml")
        paths = self._source(row, payload, key)
        if row.stale_after:
            try:
                duration(row.stale_after)
            except ValueError as error:
                raise self._fail((*key, "stale_after"), str(error), "") from None
        if row.range and not row.range[0] <= row.range[1]:
            raise self._fail((*key, "range"), f"{row.range}", "[lowest, highest]")
        return point_rule(name, row, paths)

    def _event(self, row: EventRow, payload: PayloadKind, key: Key) -> EventRule:
        kind = EVENT_KINDS.get(row.kind)
        if kind is None:
            raise self._fail((*key, "kind"), f"no event kind {row.kind!r}", ", ".join(EVENT_KINDS))
        absent = [name for name in kind.required if name not in row.fields]
        if absent:
            raise self._fail((*key, "fields"), f"{row.kind} needs {', '.join(absent)}", ", ".join(kind.fields))
        fields = []
        for name, field in row.fields.items():
            at = (*key, "fields", name)
            if name not in kind.fields:
                raise self._fail(at, f"{row.kind} has no field {name!r}", ", ".join(kind.fields))
            if name == "card_key" and not field.card:
                raise self._fail(at, "a card number may only leave as a key", "card = true")
            paths = self._source(field, payload, at)
            required = name in kind.required
            fields.append(FieldRule(name=name, type=kind.fields[name], required=required, paths=paths, row=field))
        [each] = self.paths(row.each, (*key, "each")) or (None,)
        [changed] = self.paths(row.changed, (*key, "changed")) or (None,)
        when = self._when(row.when, (*key, "when"))
        return EventRule(kind=row.kind, each=each, changed=changed, when=when, fields=tuple(fields))

    def _mark(self, row: MarkRow, known: set[str], key: Key) -> MarkRule:
        unknown = [name for name in row.points if name not in known]
        if unknown:
            raise self._fail((*key, "points"), f"{', '.join(unknown)}: not among this message's points", "")
        if row.reason and row.reason not in REASONS:
            raise self._fail((*key, "reason"), f"{row.reason!r}", ", ".join(sorted(REASONS)))
        when = self._when(row.when, (*key, "when"))
        return MarkRule(points=frozenset(row.points), when=when, reason=row.reason or "device_flag")

    def _when(self, rows: dict[str, Texts], key: Key) -> tuple[Condition, ...]:
        tests = []
        for path, words in rows.items():
            [parsed] = self.paths(path, (*key, path)) or ((),)
            wanted = (words,) if isinstance(words, str) else words
            tests.append(Condition(parsed, frozenset() if PRESENT in wanted else frozenset(wanted)))
        return tuple(tests)

    def _fail(self, key: Key, message: str, allowed: str) -> BadSettings:
        return self._document.fail(key, message, allowed)
