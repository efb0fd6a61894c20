"""The vocabulary of point names, read once from ``points.toml``."""

import tomllib
from importlib import resources
from typing import Literal

import msgspec

from protocols.errors import UnknownPoint

PointKind = Literal["counter", "gauge", "state"]


class PointWord(msgspec.Struct, frozen=True, kw_only=True):
    """One name of the vocabulary: what it measures and how a person calls it.

    ``labels_en`` and ``labels_zh`` name the values 0, 1, 2 ... of a state.
    """

    name: str
    unit: str
    kind: PointKind
    en: str
    zh: str
    labels_en: tuple[str, ...] = ()
    labels_zh: tuple[str, ...] = ()


def _load() -> dict[str, PointWord]:
    text = resources.files("protocols").joinpath("points.toml").read_text(encoding="utf-8")
    return {name: msgspec.convert({"name": name, **entry}, PointWord) for name, entry in tomllib.loads(text).items()}


VOCABULARY: dict[str, PointWord] = _load()


def point_word(name: str) -> PointWord:
    """The entry of ``name``; raises UnknownPoint."""
    try:
        return VOCABULARY[name]
    except KeyError:
        raise UnknownPoint(f"point {name!r} is not in the vocabulary (protocols/points.toml)") from None
