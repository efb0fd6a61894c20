"""One device's messages, decoded by its profile into readings and events. Pure: no clock, no file, no socket.

What can never be told from a message alone (is this card key known, was this event stored before) is not asked here.
"""

import re
from collections.abc import Iterable
from datetime import UTC, tzinfo
from typing import Any

from protocols.errors import BadPayload
from protocols.mqtt.conditions import holds, short
from protocols.mqtt.instants import judge, read_instant
from protocols.mqtt.message import NOTHING, Decoded, KeyCard, Message, path_name
from protocols.mqtt.payload import MISSING, Path, PayloadKind, as_text, first_at, read_payload, value_at
from protocols.mqtt.profile import MessageRule, MqttProfile


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
        self._changing: dict[str, tuple[Path, ...]] = {}
        """By a rule's topic: what events on it must see changed."""
        for rule in profile.messages:
            paths = [event.changed for event in rule.events if event.changed is not None]
            self._changing[rule.row.topic] = (*self._changing.get(rule.row.topic, ()), *paths)

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
        if not payload and self._profile.skips_empty and all(rule.row.payload != "any-text" for rule in rules):
            return NOTHING
        rule, document = self._find(rules, payload)
        if not self._is_mine(document):
            return None
        row = rule.row
        if row.refuse:
            raise BadPayload(row.refuse, row.note)
        changing = self._changing[row.topic]
        said = (
            tuple((path_name(path), as_text(value_at(document, path)) or "") for path in changing) if changing else ()
        )
        if row.ignore:
            return NOTHING._replace(said=said) if said else NOTHING
        time = first_at(document, rule.times) if rule.times else MISSING
        said_at = None if time is MISSING else read_instant(time, rule.time_form, self._zone, received_at)
        message = Message(
            rule,
            document,
            device=self._device,
            card=self._card,
            key_card=self._key_card,
            retained=retained,
            instant=judge(said_at if clock_set else None, received_at, self._profile.max_age_s),
            said_at=said_at,
        )
        decoded = message.read()
        return decoded._replace(said=said) if said else decoded

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
            if holds(rule.when, document):
                return rule, document
        if wrong is not None:
            raise wrong
        raise BadPayload("unknown_message", _sketch(rules, read))

    def _is_mine(self, document: Any) -> bool:
        if not self._ident or not self._profile.identity:
            return True
        return as_text(first_at(document, self._profile.identity)) == self._ident


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("/".join("[^/]+" if level == "+" else re.escape(level) for level in name.split("/")), re.DOTALL)


def _sketch(rules: Iterable[MessageRule], read: dict[PayloadKind, Any]) -> str:
    """What the message says where the rules look: enough to name its kind, never a whole payload."""
    for rule in rules:
        document = read.get(rule.row.payload, MISSING)
        if document is not MISSING and rule.when:
            paths = dict.fromkeys(condition.path for other in rules for condition in other.when)
            said = (f"{'.'.join(path)}={short(value_at(document, path))}" for path in list(paths)[:4])
            return "no rule for " + ", ".join(said)
    return "no rule for it"
