"""The sample site of the demo: its organisation and its drawn map, as files and as what the simulated world needs.

The files are package data, so that an installed demo has them too; ``deploy/samples`` points at them.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from protocols.settings import load_toml

FOLDER = Path(__file__).parent / "scenarios"
SITE_FILE = FOLDER / "east-compound.toml"
MAP_FILE = FOLDER / "east-compound-map.geojson"
SITE = "east-compound"


class Spot(NamedTuple):
    """A place, WGS-84 degrees."""

    latitude: float
    longitude: float


class Line(NamedTuple):
    """A road of the map."""

    id: str
    spots: tuple[Spot, ...]


@cache
def _features() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(MAP_FILE.read_text(encoding="utf-8"))["features"]
    return found


@cache
def roads() -> tuple[Line, ...]:
    """Every road of the compound, from its first corner to its last."""
    return tuple(
        Line(each["properties"]["id"], tuple(_spot(pair) for pair in each["geometry"]["coordinates"]))
        for each in _features()
        if each["properties"]["kind"] == "road"
    )


@cache
def points(kind: str) -> dict[str, Spot]:
    """Everything of one kind that is drawn as a point: slots of car parks, gates, checkpoints, places in town."""
    return {
        each["properties"]["id"]: _spot(each["geometry"]["coordinates"])
        for each in _features()
        if each["properties"]["kind"] == kind and each["geometry"]["type"] == "Point"
    }


@cache
def names(kind: str) -> dict[str, str]:
    """What the people of the site call those of one kind, by id."""
    return {each["id"]: _zh(each["name"]) for each in (f["properties"] for f in _features()) if each["kind"] == kind}


@cache
def tables() -> dict[str, Any]:
    """The site file: its tables by name."""
    return dict(load_toml(SITE_FILE).values)


@cache
def slots() -> dict[str, Spot]:
    """Where each vehicle that has a device parks, by the device's id."""
    known = points("parking")
    return {
        row["devices"]["position"]: known[row["x_slot"]]
        for row in tables()["vehicle"]
        if row.get("devices", {}).get("position") and row.get("x_slot") in known
    }


@cache
def units() -> tuple[str, ...]:
    """Names of the units that have offices here."""
    return tuple(row["name"] for row in tables()["unit"])


def _zh(name: str | dict[str, str]) -> str:
    return name if isinstance(name, str) else name["zh"]


def _spot(pair: list[float]) -> Spot:
    return Spot(pair[1], pair[0])
