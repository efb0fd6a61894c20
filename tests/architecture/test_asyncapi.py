"""docs/asyncapi.yaml is well formed and says what the code says."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import yaml

from cloud.alarms.board import AlarmView
from cloud.live.entities import Change, EntityView, PointView
from protocols.ack import Ack, Rejection
from protocols.birth import Birth
from protocols.status import Status
from protocols.topics import CHANNELS, topic
from tests.architecture.source import ROOT

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text("utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
STRUCTS = {
    "Ack": Ack,
    "Birth": Birth,
    "Status": Status,
    "Entity": EntityView,
    "Point": PointView,
    "Change": Change,
    "Alarm": AlarmView,
}


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def test_it_has_the_parts_of_an_asyncapi_document() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for name, operation in DOCUMENT["operations"].items():
        assert operation["action"] in ("send", "receive"), name
        assert operation["summary"], name
    for name, message in DOCUMENT["components"]["messages"].items():
        assert message["contentType"] == "application/json", name


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            assert step in found, reference
            found = found[step]


def test_the_topics_are_those_of_the_code() -> None:
    told = {name: each["address"] for name, each in DOCUMENT["channels"].items() if name != "stream"}
    assert told == {name: topic("s", "g", name).replace("/s/g/", "/{site}/{gateway}/") for name in CHANNELS}


@pytest.mark.parametrize("name", STRUCTS)
def test_a_schema_names_the_fields_of_its_struct(name: str) -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(STRUCTS[name])}
    told = SCHEMAS[name]["properties"].keys()
    assert told <= fields.keys(), f"{name} tells of fields that are not there: {told - fields.keys()}"
    required = {key for key, field in fields.items() if field.required}
    assert required <= told, f"{name} is silent on: {required - told}"
    assert set(SCHEMAS[name].get("required", ())) <= told


def test_a_rejection_names_its_fields() -> None:
    told = SCHEMAS["Ack"]["properties"]["rejected"]["items"]["properties"].keys()
    assert told == {field.encode_name for field in msgspec.structs.fields(Rejection)}
