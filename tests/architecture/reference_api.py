"""The reference page of the HTTP API, from its OpenAPI document."""

import json
from collections.abc import Iterator
from functools import cache
from string import Template
from typing import Any

from cloud.api.description import ANYWHERE, SHUT, WITH_BODY, WITH_NAME
from tests.architecture.structs import cell

EVERYWHERE = frozenset((ANYWHERE | SHUT | WITH_BODY | WITH_NAME).values())
"""Answers that say nothing of one route."""

_PAGE = Template("""\
# HTTP API

Written by `make docs` from the OpenAPI document, which a running collector serves to whoever is logged in.

Everything but `/healthz` needs a session cookie (made by `POST /api/v1/session`) or `Authorization: Bearer TOKEN` (made
by `dayuan-cloud token add --role viewer`). Times are milliseconds since 1970, UTC, or ISO 8601 with a zone. An error is
`{"error": {"code": ..., "message": ..., "hint": ...}}`. Any route may answer $anywhere.

| Route | What it does |
|---|---|
$index

$routes
""")


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of the collector; nothing is opened for it."""
    from cloud.app import openapi

    found = openapi()
    assert isinstance(found, dict)
    return found


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation), in the order of the document."""
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                yield method.upper(), path, operation


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"] if each.get("type") != "null"))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list"}
    return words.get(str(schema.get("type", "")), str(schema.get("type", "")))


def _example(content: dict[str, Any]) -> str:
    for kind, media in content.items():
        value = media.get("example", next((each.get("value") for each in media.get("examples", {}).values()), None))
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            return f"`{kind}`, for example:\n\n" + "\n".join(f"    {line}" for line in text.splitlines())
    return ""


def _route(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"## `{method} {path}`", operation.get("description", "").strip()]
    rows = ["| Parameter | In | Type | Default | Meaning |", "|---|---|---|---|---|"]
    for parameter in operation.get("parameters", []):
        schema = parameter.get("schema", {})
        default = "**required**" if parameter.get("required") else schema.get("default", "")
        shown = [
            f"`{parameter['name']}`",
            parameter["in"],
            _type(schema),
            str(default),
            parameter.get("description", ""),
        ]
        rows.append(f"| {' | '.join(cell(text) for text in shown)} |")
    if len(rows) > 2:
        parts.append("\n".join(rows))
    body = _example(operation.get("requestBody", {}).get("content", {}))
    if body:
        parts.append(f"Asked with {body}")
    for status, response in operation.get("responses", {}).items():
        if response.get("description") in EVERYWHERE:
            continue
        example = _example(response.get("content", {}))
        parts.append(f"**{status}** {response.get('description', '')}" + (f", {example}" if example else ""))
    return "\n\n".join(part for part in parts if part)


def api_page() -> str:
    spec = document()
    rows = [f"| `{method} {path}` | {cell(first_line(operation))} |" for method, path, operation in operations(spec)]
    routes = [_route(*each) for each in operations(spec)]
    anywhere = ", ".join(f"{status} ({text})" for status, text in sorted((ANYWHERE | SHUT | WITH_BODY).items()))
    return _PAGE.substitute(anywhere=anywhere, index="\n".join(rows), routes="\n\n".join(routes))


def first_line(operation: dict[str, Any]) -> str:
    """What a route does, in its first sentence."""
    lines: list[str] = str(operation.get("description", "")).strip().splitlines()
    return lines[0] if lines else ""
