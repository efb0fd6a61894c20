"""What must hold for the rows of a scenario file that describe devices which publish."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from protocols.settings import Document, duration
from simulators.devices.mqtt.dialects import DIALECTS
from simulators.devices.mqtt.misbehaviour import MQTT_KINDS, OFFSETS, offset_s
from simulators.faults import kind_of
from simulators.plans import FaultPlan
from simulators.plans_mqtt import DevicePlan

IDENTIFIED = {"meshtastic/position": "the node's number in decimal", "traccar/position": "the uniqueId, like an IMEI"}
"""Dialects whose devices share a topic, and what names one of them."""


def check_devices(document: Document, rows: Sequence[DevicePlan]) -> None:
    """Raises BadSettings for the first row that cannot be simulated."""
    for index, row in enumerate(rows):
        if row.dialect not in DIALECTS:
            near = difflib.get_close_matches(row.dialect, DIALECTS, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise document.fail(
                ("device", index, "dialect"), f"{row.dialect!r} is not simulated", hint + ", ".join(sorted(DIALECTS))
            )
        if not row.topic or any(sign in row.topic for sign in "+#"):
            raise document.fail(("device", index, "topic"), f"{row.topic!r} is no topic", "levels without + and #")
        if row.dialect in IDENTIFIED and not row.ident:
            raise document.fail(("device", index), "devices of this dialect share a topic", IDENTIFIED[row.dialect])
        if row.dialect == "meshtastic/position" and not row.ident.isdecimal():
            raise document.fail(("device", index, "ident"), f"{row.ident!r}", IDENTIFIED[row.dialect])
        if row.phases not in (1, 3):
            raise document.fail(("device", index, "phases"), f"{row.phases} phases", "1 or 3")
        if row.qos not in (None, 0, 1):
            raise document.fail(("device", index, "qos"), f"{row.qos}", "0 or 1")
        for name in ("every", "tap_every", "parked_every"):
            try:
                _positive(getattr(row, name), empty=name != "tap_every")
            except ValueError as error:
                raise document.fail(("device", index, name), str(error)) from None


def check_mqtt_fault(document: Document, index: int, fault: FaultPlan) -> None:
    """Raises BadSettings when a device that publishes cannot misbehave so."""
    if (kind_of(fault.kind) or fault.kind) not in MQTT_KINDS:
        message = f"{fault.kind!r} is no fault of a device that publishes"
        raise document.fail(("fault", index, "kind"), message, ", ".join(MQTT_KINDS))
    try:
        offset_s(fault.offset)
    except ValueError as error:
        raise document.fail(("fault", index, "offset"), str(error), OFFSETS) from None


def _positive(text: str, *, empty: bool) -> None:
    if not (text == "" and empty) and duration(text) <= 0:
        raise ValueError(f"{text!r}: longer than nothing")
