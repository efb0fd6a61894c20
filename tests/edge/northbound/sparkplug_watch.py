"""A Sparkplug host that reads with Google's library, and what every message of a node must be.

`check` holds for any stretch of traffic of one node; each rule names the assertions of the specification it stands for.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from edge.contract import LinkMessage
from protocols.sparkplug import DataType, Metric, Payload, carried, encode_payload
from tests.edge.northbound.listener import Listener
from tests.protocols.sparkplug.reference import payload_class

Reference = payload_class()
NODE = "spBv1.0/east/{}/b3"
REBIRTH = "Node Control/Rebirth"
BIRTH_TYPES = {*range(1, 35)}
VALUE_FIELDS = ("int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value")


class Heard(NamedTuple):
    verb: str
    device: str
    payload: Any
    message: LinkMessage

    def metric(self, name: str) -> Any:
        return next(metric for metric in self.payload.metrics if metric.name == name)


def heard(listener: Listener, *verbs: str) -> list[Heard]:
    found = []
    for message in listener.on("spBv1.0/east/"):
        _, _, verb, _, *device = message.topic.split("/")
        if verb != "NCMD" and (not verbs or verb in verbs):
            found.append(Heard(verb, device[0] if device else "", Reference.FromString(message.payload), message))
    return found


def value(metric: Any) -> Any:
    member = metric.WhichOneof("value")
    return getattr(metric, member) if member else None


def properties(metric: Any) -> dict[str, Any]:
    found = metric.properties
    assert len(found.keys) == len(found.values), "payloads-propertyset-keys-array-size, -values-array-size"
    return {key: value(each) for key, each in zip(found.keys, found.values, strict=True)}


def by_alias(messages: list[Heard]) -> dict[int, tuple[str, str]]:
    return {
        metric.alias: (each.device, metric.name)
        for each in messages
        if each.verb in ("NBIRTH", "DBIRTH")
        for metric in each.payload.metrics
        if metric.HasField("alias")
    }


def rebirth_command(wanted: bool = True) -> bytes:
    metric = Metric(REBIRTH, None, 1, DataType.BOOLEAN, carried(DataType.BOOLEAN, wanted))
    return encode_payload(Payload(1, None, (metric,)))


def state(online: bool, at: int) -> str:
    return json.dumps({"online": online, "timestamp": at})


def check(messages: list[Heard], began_ms: int, ended_ms: int) -> None:
    """Every rule that holds message by message and from one to the next."""
    session: dict[str, Any] = {}
    for each in messages:
        payload, verb = each.payload, each.verb
        if verb == "NDEATH":
            # topics-ndeath-payload, topics-ndeath-seq, payloads-ndeath-seq, payloads-ndeath-bdseq
            assert [metric.name for metric in payload.metrics] == ["bdSeq"]
            assert not payload.HasField("seq")
            if session:
                assert payload.metrics[0].long_value == session["bdSeq"]
            session = {}
            continue
        # topics-*-mqtt, payloads-*-qos
        assert each.message.qos == 0
        # topics-*-timestamp, payloads-*-timestamp, payloads-timestamp-in-UTC
        assert began_ms <= payload.timestamp <= ended_ms
        # payloads-sequence-num-always-included, payloads-*-seq
        assert payload.HasField("seq")
        if verb == "NBIRTH":
            # topics-nbirth-seq-num, payloads-nbirth-seq, payloads-sequence-num-req-nbirth
            assert payload.seq == 0
            session = {"seq": 0, "bdSeq": each.metric("bdSeq").long_value, "born": set(), "data": False}
        else:
            # principles-birth-certificates-order, message-flow-device-birth-publish-nbirth-wait
            assert session, f"{verb} before NBIRTH"
            # topics-*-seq-num, payloads-*-seq-inc, payloads-sequence-num-incrementing
            session["seq"] = (session["seq"] + 1) % 256
            assert payload.seq == session["seq"], verb
        _check_place(each, session)
        _check_metrics(each)


def _check_place(each: Heard, session: dict[str, Any]) -> None:
    born: set[str] = session["born"]
    # topic-structure-namespace-device-id-associated-message-types, -non-associated-message-types
    assert bool(each.device) is each.verb.startswith("D")
    if each.verb == "DBIRTH":
        born.add(each.device)
    elif each.device:
        # payloads-ddata-order: only after the births
        assert each.device in born
    if each.verb == "DDEATH":
        assert not each.payload.metrics
        born.discard(each.device)


def _check_metrics(each: Heard) -> None:
    is_birth = each.verb in ("NBIRTH", "DBIRTH")
    of_now = [metric.timestamp for metric in each.payload.metrics if not metric.is_historical]
    if not is_birth:
        # operational-behavior-data-publish-nbirth-order, -dbirth-order
        assert of_now == sorted(of_now)
    aliases = [metric.alias for metric in each.payload.metrics if metric.HasField("alias")]
    if is_birth:
        # payloads-alias-uniqueness, within this message; over all of them in its own test
        assert len(aliases) == len(set(aliases))
    for metric in each.payload.metrics:
        # payloads-name-birth-data-requirement, payloads-metric-timestamp-in-UTC
        assert metric.HasField("timestamp")
        if is_birth:
            # topics-nbirth-metrics, topics-dbirth-metrics, payloads-metric-datatype-req, -value, -value-type
            assert metric.name
            assert metric.datatype in BIRTH_TYPES
            # operational-behavior-data-commands-rebirth-name-aliases, payloads-alias-birth-requirement
            assert metric.HasField("alias") is (metric.name not in (REBIRTH, "bdSeq"))
        else:
            # payloads-alias-data-cmd-requirement, payloads-metric-datatype-not-req
            assert not metric.HasField("name")
            assert metric.HasField("alias")
            assert not metric.HasField("datatype")
        # operational-behavior-data-publish-nbirth-values, -dbirth-values
        assert metric.is_null is (metric.WhichOneof("value") is None)
        _check_properties(metric)


def _check_properties(metric: Any) -> None:
    found = properties(metric)
    types = {key: each.type for key, each in zip(metric.properties.keys, metric.properties.values, strict=True)}
    # payloads-metric-propertyvalue-type-req, -type-value, -type-type
    assert all(kind in BIRTH_TYPES for kind in types.values())
    if "Quality" in found:
        # payloads-propertyset-quality-value-type, -quality-value-value
        assert types["Quality"] == 3
        assert found["Quality"] in (0, 192, 500)
