"""The JSON form of a batch, for a person with ``mosquitto_pub`` and for gateways that are not ours.

::

    {"v": 1, "epoch": "5b1e9c04", "seq": 1,
     "readings": [{"device": "b3-main", "point": "active_power_total", "at": 1790000000000, "value": 8123.5}],
     "events":   [{"device": "gate-north", "kind": "button", "at": 1790000000123, "data": {}}]}

``quality`` and ``reason`` may be left out when good; a bad reading has the value null. An event may have a ``reason``
why its time is not certain. ``gateway`` may be given and
must then be the topic's. A value that is not finite is kept as such: the collector refuses that reading, not the batch.
"""

import json
from typing import Annotated, Any

import msgspec

from protocols.batch import (
    EPOCH_PATTERN,
    EVENTS_MAX,
    READINGS_MAX,
    SEQ_MAX,
    WIRE_MAX,
    Batch,
    Identity,
    build,
    check_series,
)
from protocols.errors import BadBatch
from protocols.reading import Event, Quality, Reading

_Time = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]


class _JsonReading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device: str
    point: str
    at: _Time
    value: float | None
    quality: Quality = Quality.GOOD
    reason: Annotated[str, msgspec.Meta(max_length=64)] = ""


class _JsonEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device: str
    kind: str
    at: _Time
    data: dict[str, str | int | float | bool | None] = msgspec.field(default_factory=dict)
    reason: Annotated[str, msgspec.Meta(max_length=64)] = ""


class _JsonBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    epoch: str
    seq: Annotated[int, msgspec.Meta(ge=1, le=SEQ_MAX)]
    readings: list[_JsonReading] = msgspec.field(default_factory=list)
    events: list[_JsonEvent] = msgspec.field(default_factory=list)
    gateway: str = ""
    sealed_at: _Time = 0


def open_json(payload: bytes) -> Batch:
    """Read a JSON batch. Raises BadBatch that names the place in the document, never anything else."""
    if len(payload) > WIRE_MAX:
        raise BadBatch("too_large", f"{len(payload)} bytes, at most {WIRE_MAX}")
    try:
        document = json.loads(payload.decode("utf-8"), object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise BadBatch("json", f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise BadBatch("json", "nested too deeply") from None
    except ValueError as error:
        raise BadBatch("json", str(error)) from None
    try:
        batch = msgspec.convert(document, _JsonBatch)
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        raise BadBatch("schema", str(error)) from None
    except UnicodeEncodeError:  # msgspec looks at a key, or at what should have been a number
        raise BadBatch("schema", "half of a surrogate pair is no text") from None
    _check(batch)
    readings = [Reading(r.device, r.point, r.value, r.at, r.quality, r.reason) for r in batch.readings]
    events = [Event(e.device, e.kind, e.at, e.data, e.reason) for e in batch.events]
    check_series(list(dict.fromkeys((reading.device, reading.point) for reading in readings)))
    return build(Identity(batch.epoch, batch.seq), readings, events, gateway=batch.gateway, sealed_at=batch.sealed_at)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadBatch("duplicate_key", f"{twice[:40]!r} stands twice in one object")
    return found


def _check(batch: _JsonBatch) -> None:
    if batch.v != 1:
        raise BadBatch("version", f"v is {batch.v}; this collector reads 1")
    if not EPOCH_PATTERN.fullmatch(batch.epoch):
        raise BadBatch("identity", "epoch must be 1 to 64 letters, digits, '.', '_' or '-'")
    if len(batch.readings) > READINGS_MAX or len(batch.events) > EVENTS_MAX:
        raise BadBatch("too_large", f"{len(batch.readings)} readings, {len(batch.events)} events")
    for place, reading in enumerate(batch.readings):
        if (reading.value is None) != (reading.quality is Quality.BAD):
            raise BadBatch("schema", f"$.readings[{place}]: value is null exactly when quality is bad")
