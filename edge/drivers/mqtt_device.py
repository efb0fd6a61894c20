"""One MQTT device as the driver knows it: its decoder, what it said, whether it is there."""

from __future__ import annotations

import hashlib
import logging
import statistics
from collections import Counter, deque
from typing import NamedTuple

from edge.contract import LinkMessage
from edge.drivers.mqtt_repeats import Repeats
from edge.drivers.mqtt_wire import Arrival
from edge.settings import DeviceSettings
from protocols.clock import TRUST_FLOOR_MS, Clock
from protocols.errors import BadPayload
from protocols.mqtt.decoder import MqttDecoder
from protocols.mqtt.message import Decoded
from protocols.mqtt.profile import MqttProfile
from protocols.reading import Event, Reading
from protocols.status import DeviceReport, DeviceState

log = logging.getLogger(__name__)

SILENT_PERIODS = 3.5
"""Periods without a word after which a device with a period counts as lost."""
INTERVALS_KEPT = 8
SEEN_KEPT = 64
DETAIL_MAX = 200
WORD_HOLDS_S = 2.0
"""So long after "offline" the other connection does not take it back: what was said before may come later there."""


class Told(NamedTuple):
    """What one message gave for one device.

    news: device_lost and device_back, which are the driver's own. origin: names the message, the same when it is sent
    again. redelivered: it may have been here before. repeated: its readings were handed over before, and may not be
    committed yet.
    """

    readings: tuple[Reading, ...] = ()
    events: tuple[Event, ...] = ()
    news: tuple[Event, ...] = ()
    origin: bytes = b""
    redelivered: bool = False
    repeated: bool = False


class MqttDevice:
    """Everything but the wire. All times come from the clock it is given."""

    def __init__(self, settings: DeviceSettings, profile: MqttProfile, decoder: MqttDecoder, clock: Clock) -> None:
        self.id = settings.id
        self._every_s = settings.every_s
        self.silence_s = SILENT_PERIODS * settings.every_s if settings.every_s else profile.silence_s
        self.decoder = decoder
        self._clock = clock
        self._state: DeviceState = "waiting"
        self._told_lost = False
        self._word_by, self._word_until_s = "", 0.0
        self._heard_s: float | None = None
        self._intervals: deque[float] = deque(maxlen=INTERVALS_KEPT)
        self._seen: dict[bytes, None] = {}
        self._last_ok_at: int | None = None
        self._last_error = ""
        self._messages = 0
        self.refused: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self._repeats = Repeats(profile.repeat_within_s, self.left_out)

    def take(self, message: LinkMessage, arrival: Arrival) -> Told | None:
        """Decode a message; None when it is about another device. What cannot be read is counted."""
        received_at = self._clock.now_ms()
        try:
            decoded = self.decoder.decode(
                message.topic,
                message.payload,
                retained=message.retain,
                received_at=received_at,
                clock_set=received_at >= TRUST_FLOOR_MS,
            )
        except BadPayload as error:
            self.refuse(error.reason, str(error))
            return Told()
        if decoded is None:
            return None
        self._messages += 1
        for reason, _ in decoded.notes:
            self.left_out[reason] += 1
        news = self._presence(decoded, message.retain, received_at, arrival)
        origin = self._origin(message, decoded, arrival.session)
        heard_s = self._clock.monotonic()
        known = not message.retain and self._repeats.is_known_packet(decoded, heard_s)
        if known and not message.dup:
            return Told((), (), news, origin, repeated=True)
        repeated = self._is_repeated(message, decoded, origin, arrival.kept)
        readings = () if repeated else decoded.readings
        events = self._repeats.news(decoded, heard_s, sent_again=message.dup, queued=arrival.queued)
        # A message with a time of its own is one event however often and by whomever it is sent again.
        redelivered = message.dup or decoded.has_own_time
        return Told(readings, events, news, origin, redelivered, repeated)

    def refuse(self, reason: str, detail: str) -> None:
        """Count a message that cannot be taken, and log the first of its kind in a row."""
        text = detail[:DETAIL_MAX]
        if self._last_error.split(":")[0] != reason:
            log.warning("device %s: message refused: %s", self.id, text)
        self.refused[reason] += 1
        self._last_error = text
        if self._state != "lost":
            self._state = "failing"

    def forget(self) -> None:
        """What was handed over may not have arrived: take what is sent again as new."""
        self._seen.clear()
        self._repeats.clear()

    def silent(self, link_up_since_s: float) -> Event | None:
        """The event of losing this device when it has been silent too long; the time the broker was away is not its."""
        if not self.silence_s or self._told_lost or self._heard_s is None:
            return None
        quiet_s = self._clock.monotonic() - max(self._heard_s, link_up_since_s)
        if quiet_s <= self.silence_s:
            return None
        return self._lose(f"silent for {quiet_s:.0f} s", self._clock.now_ms())

    def report(self) -> DeviceReport:
        refused = self.refused.total()
        return DeviceReport(
            id=self.id,
            state=self._state,
            every_s=self._every_s,
            achieved_s=round(statistics.median(self._intervals), 3) if self._intervals else None,
            last_ok_at=self._last_ok_at,
            last_error=self._last_error,
            polls=self._messages + refused,
            failures=refused,
            refused=refused,
        )

    def _presence(self, decoded: Decoded, retained: bool, at: int, arrival: Arrival) -> tuple[Event, ...]:
        """Note what the message says about the device being there; the event that follows, if any."""
        if decoded.online is False:
            if retained:
                # It may have been gone for weeks: a state, no news.
                self._state = "lost"
                return ()
            self._word_by, self._word_until_s = arrival.wire, self._clock.monotonic() + WORD_HOLDS_S
            return () if self._told_lost else (self._lose("offline (its last will or its own word)", at),)
        if retained:
            if decoded.online and not self._told_lost:
                # Its will would have taken the place of this word.
                self._state = "ok"
            return ()
        now = self._clock.monotonic()
        if self._word_by not in ("", arrival.wire) and (arrival.queued or now < self._word_until_s):
            return ()
        if self._heard_s is not None and decoded.readings:
            self._intervals.append(now - self._heard_s)
        quiet_s = 0.0 if self._heard_s is None else now - self._heard_s
        self._heard_s, self._last_ok_at = now, at
        if self._last_error and self._state == "failing":
            log.info("device %s: readable again", self.id)
        self._state, self._last_error = "ok", ""
        if not self._told_lost:
            return ()
        self._told_lost, self._word_by = False, ""
        log.info("device %s: back", self.id)
        return (Event(self.id, "device_back", at, {"lost_s": round(quiet_s, 1)}),)

    def _lose(self, why: str, at: int) -> Event:
        self._state, self._told_lost, self._last_error = "lost", True, why
        log.warning("device %s: lost: %s", self.id, why)
        return Event(self.id, "device_lost", at, {"error": why, "last_ok_at": self._last_ok_at})

    def _origin(self, message: LinkMessage, decoded: Decoded, session: bytes) -> bytes:
        digest = hashlib.blake2b(digest_size=15)
        for part in (self.id.encode(), message.topic.encode(), message.payload):
            digest.update(len(part).to_bytes(4, "big") + part)
        if not decoded.has_own_time:
            # The same bytes twice may be two events; only the packet id tells a redelivery apart, in its session.
            digest.update(message.mid.to_bytes(4, "big") + session)
        return digest.digest()

    def _is_repeated(self, message: LinkMessage, decoded: Decoded, origin: bytes, kept: bool) -> bool:
        """True when its readings were handed over before: sent again, or retained in a session that had them."""
        if not (decoded.has_own_time and decoded.readings):
            return False
        repeated = origin in self._seen or (message.retain and kept)
        self._seen[origin] = None
        if len(self._seen) > SEEN_KEPT:
            del self._seen[next(iter(self._seen))]
        self.left_out["repeated"] += repeated
        return repeated
