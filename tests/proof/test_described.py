"""The API answers as its own description says, to inputs that fit it and to others, and lets in only who may.

``python -m tests.proof.described --level soak`` asks 300 times per operation.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import HTTPException, Query, Response

from cloud.api.answers import json_answer
from cloud.api.description import shape_of
from cloud.api.gate import OPEN
from tests.proof import described
from tests.proof.api_entries import ENTRIES, VIEWER
from tests.proof.api_world import compound
from tests.proof.described import ask_all, run

PATH = "/api/v1/planted"


def test_the_document_and_the_api_say_the_same(tmp_path: Path) -> None:
    assert [text for finding in run("ci", 1, tmp_path) for text in finding.violations] == []


def broken(n: int = 0) -> Response:
    raise ZeroDivisionError


def undeclared(n: int = 0) -> Response:
    raise HTTPException(418)


def misshapen(n: int = 0) -> Response:
    return json_answer({"wrong": n})


@pytest.mark.parametrize(
    ("planted", "words"), [(broken, "ServerError"), (undeclared, "UndefinedStatusCode"), (misshapen, "JsonSchemaError")]
)
async def test_a_route_that_does_not_keep_its_word_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted, words: str
) -> None:
    monkeypatch.setitem(ENTRIES, ("GET", PATH), VIEWER)
    async with compound(tmp_path / "api") as world:
        example = {200: {"content": {"application/json": {"example": {"right": 1}}}}}
        world.app.get(PATH, response_class=Response, responses=example)(planted)
        tally, _ = await ask_all(world, 12, 1, PATH)
    assert words in {what for _, what in tally.wrong}


async def test_a_route_that_anybody_may_ask_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(described, "ENTRIES", {("GET", PATH): VIEWER})
    monkeypatch.setattr("cloud.api.gate.OPEN", OPEN | {("GET", PATH)})
    async with compound(tmp_path / "api") as world:
        world.app.get(PATH, response_class=Response)(lambda n=Query(0): json_answer(n))
        tally, _ = await ask_all(world, 12, 1, PATH)
    assert {what for _, what in tally.wrong} >= {"let in", "IgnoredAuth"}


async def test_a_route_that_nobody_has_said_who_may_use_is_found(tmp_path: Path) -> None:
    async with compound(tmp_path / "api") as world:
        world.app.get(PATH, response_class=Response)(lambda n=Query(0): json_answer(n))
        tally, _ = await ask_all(world, 12, 1, PATH)
    assert {what for _, what in tally.wrong} == {"no entry"}


def test_the_shape_of_an_example_is_its_names_and_which_of_them_are_lists_or_objects() -> None:
    shape = shape_of({"rows": [[1, "a"]], "sites": [{"id": "x"}], "next": None, "report": {"n": 1}})
    assert shape["required"] == ["rows", "sites", "next", "report"]
    assert shape["properties"] == {
        "rows": {"type": "array", "items": {"type": "array"}},
        "sites": {"type": "array", "items": {"type": "object"}},
        "next": {},
        "report": {"type": ["object", "null"]},
    }
