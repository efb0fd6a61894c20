"""Readings as Sparkplug metrics: which there are, their aliases, and how quality is told.

A counter or gauge is a Double, a state an Int32 with its labels as a property. A value that is not current is never
sent as one: it is null, with the property Quality saying why.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from edge.northbound.current import Current, Key
from edge.northbound.sparkplug_outbox import Said
from protocols.birth import Birth, DeviceBirth, PointBirth
from protocols.points import VOCABULARY
from protocols.reading import Quality, Reading
from protocols.sparkplug import DataType, Metric, Property, carried
from protocols.sparkplug_names import BAD, BD_SEQ, GOOD, QUALITY, REBIRTH, STALE

SOFTWARE, GATEWAY_NAME = "Properties/Software", "Properties/Name"
DROPPED, LOST = "Gateway/Readings dropped", "Gateway/Devices lost"
REASON, UNIT, STATES = "Reason", "engUnit", "states"
AGE_UNKNOWN = "retained"
INT32 = range(-(2**31), 2**31)


class NodeFigures(NamedTuple):
    """The metrics of the node itself that change."""

    dropped: int
    devices_lost: int


class Catalogue:
    """Every metric that this node will ever send. Aliases are unique over the node and its devices."""

    def __init__(self, birth: Birth) -> None:
        self._birth = birth
        self.devices: dict[str, DeviceBirth] = {device.id: device for device in birth.devices}
        self._node_aliases = {name: number for number, name in enumerate((SOFTWARE, GATEWAY_NAME, DROPPED, LOST), 1)}
        first = len(self._node_aliases) + 1
        keys = [(device.id, point.name) for device in birth.devices for point in device.points]
        self._aliases: dict[Key, int] = {key: number for number, key in enumerate(keys, first)}
        self._types: dict[Key, DataType] = {
            (device.id, point.name): _type_of(point) for device in birth.devices for point in device.points
        }

    def node_birth(self, bd_seq: int, figures: NodeFigures, at: int) -> tuple[Metric, ...]:
        """The metrics of NBIRTH. bdSeq and the rebirth control are known by their names and have no alias."""
        texts = {SOFTWARE: self._birth.software, GATEWAY_NAME: self._birth.name}
        return (
            bd_seq_metric(bd_seq, at),
            Metric(REBIRTH, None, at, DataType.BOOLEAN, carried(DataType.BOOLEAN, False)),
            *(
                Metric(name, self._node_aliases[name], at, DataType.STRING, carried(DataType.STRING, text))
                for name, text in texts.items()
            ),
            *(
                Metric(name, self._node_aliases[name], at, DataType.INT64, carried(DataType.INT64, number))
                for name, number in _figures(figures).items()
            ),
        )

    def node_data(self, before: NodeFigures, now: NodeFigures, at: int) -> tuple[Metric, ...]:
        """The figures that changed."""
        old = _figures(before)
        return tuple(
            Metric(None, self._node_aliases[name], at, None, carried(DataType.INT64, number))
            for name, number in _figures(now).items()
            if number != old[name]
        )

    def device_birth(self, device: str, current: Current, at: int) -> tuple[Metric, ...]:
        """Every point of a device with its current value, its unit, and the labels of its states."""
        found = []
        for point in self.devices[device].points:
            key = (device, point.name)
            metric = self._metric(key, current.fresh(key), at, is_historical=False)
            properties = (*_constants(point), *(metric.properties or (_quality(GOOD),)))
            found.append(metric._replace(name=point.name, datatype=self._types[key], properties=properties))
        return tuple(found)

    def data(self, said: Iterable[Said], at: int) -> tuple[Metric, ...]:
        """Readings as metrics, by alias. at: now, for those without a time of their own."""
        return tuple(
            self._metric((each.reading.device, each.reading.point), each.reading, at, is_historical=each.is_historical)
            for each in said
        )

    def stale(self, keys: Iterable[Key], at: int) -> tuple[Metric, ...]:
        """Points whose value is no longer current."""
        return tuple(self._metric(key, None, at, is_historical=False) for key in keys)

    def _metric(self, key: Key, reading: Reading | None, at: int, *, is_historical: bool) -> Metric:
        alias = self._aliases[key]
        if reading is None or reading.reason == AGE_UNKNOWN:
            reason = () if reading is None else (_reason(reading),)
            at = at if reading is None else _instant(reading)
            return Metric(None, alias, at, None, None, True, is_historical, False, (_quality(STALE), *reason))
        kind = self._types[key]
        value = reading.value
        if value is not None and kind is DataType.INT32 and not (value.is_integer() and int(value) in INT32):
            value = None  # no number a state can have
        properties: tuple[Property, ...] = (_quality(GOOD),)
        if reading.quality is not Quality.GOOD or value is None:
            properties = (_quality(BAD), _reason(reading))
        is_null = value is None
        found = None if value is None else carried(kind, value)
        return Metric(None, alias, _instant(reading), None, found, is_null, is_historical, False, properties)


def bd_seq_metric(number: int, at: int | None) -> Metric:
    """The metric that ties an NDEATH to its NBIRTH."""
    return Metric(BD_SEQ, None, at, DataType.INT64, carried(DataType.INT64, number))


def is_rebirth(metric: Metric) -> bool:
    """True for the request to be born again."""
    return metric.name == REBIRTH and metric.value is not None and metric.value.value is True


def _type_of(point: PointBirth) -> DataType:
    return DataType.INT32 if point.kind == "state" else DataType.DOUBLE


def _figures(figures: NodeFigures) -> dict[str, int]:
    return {DROPPED: figures.dropped, LOST: figures.devices_lost}


def _constants(point: PointBirth) -> tuple[Property, ...]:
    found: list[Property] = []
    if point.unit:
        found.append(Property(UNIT, DataType.STRING, carried(DataType.STRING, point.unit)))
    word = VOCABULARY.get(point.name)
    if word is not None and word.labels_en:
        labels = ", ".join(f"{number}={label}" for number, label in enumerate(word.labels_en))
        found.append(Property(STATES, DataType.STRING, carried(DataType.STRING, labels)))
    return tuple(found)


def _instant(reading: Reading) -> int:
    """No device's own clock may give a time that the payload cannot carry."""
    return max(0, reading.observed_at)


def _quality(code: int) -> Property:
    return Property(QUALITY, DataType.INT32, carried(DataType.INT32, code))


def _reason(reading: Reading) -> Property:
    return Property(REASON, DataType.STRING, carried(DataType.STRING, reading.reason or "device_error"))
