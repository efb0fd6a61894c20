"""What the OpenAPI document says of every route alike: who may come in, and how errors look."""

from typing import Any

from fastapi import FastAPI

from cloud.api.gate import COOKIE, OPEN, OWN_CREDENTIAL
from cloud.api.rights import SAFE

METHODS = frozenset({"get", "head", "post", "put", "patch", "delete"})
CREDENTIALS = {
    "token": {"type": "http", "scheme": "bearer", "description": "made by: dayuan-cloud token add"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "made by POST /api/v1/session"},
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string", "description": "the same for the same cause, for programs"},
                "message": {"type": "string"},
                "hint": {"type": "string", "description": "what would be right"},
            },
        }
    },
}
FAULTS = {
    "type": "object",
    "required": ["error", "errors"],
    "properties": {
        "error": ERROR["properties"]["error"],  # type: ignore[index]
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["key", "message"],
                "properties": {"key": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
"""A refusal that names every fault, where a whole document was sent; an import also counts what it found."""
ANYWHERE = {
    400: "Not a request that can be read, or for a host of another name",
    413: "The body is too large",
    422: "A parameter or the body is not what it should be",
    429: "Too many requests at once, or too many wrong passwords; see Retry-After",
    503: "For the moment; see Retry-After",
}
"""What any route may answer, beside its own."""
SHUT = {401: "Not logged in", 403: "Not allowed"}
WITH_BODY = {408: "The body took too long"}
WITH_NAME = {404: "There is nothing of that name"}
NAMES = frozenset({"site", "vehicle"})
"""Parameters that name a thing, as a path does."""


def describe(app: FastAPI) -> None:
    """Make ``app.openapi()`` complete. A route only has to declare answers that not every route gives."""
    written = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            complete(written())
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to change the document


def complete(document: dict[str, Any]) -> None:
    """In place: credentials, errors, and of answers that only have an example the shape of the example."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = CREDENTIALS
    schemas = components.setdefault("schemas", {})
    schemas |= {"Error": ERROR, "Faults": FAULTS}
    for foreign in ("HTTPValidationError", "ValidationError"):
        schemas.pop(foreign, None)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                _complete(operation, method.upper(), path)


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    is_open = (method, path) in OPEN
    operation["security"] = [] if is_open else [{name: []} for name in CREDENTIALS]
    answers = operation["responses"]
    texts = (
        ANYWHERE
        | ({} if is_open and method in SAFE and (method, path) not in OWN_CREDENTIAL else SHUT)
        | ({} if method in SAFE else WITH_BODY)
        | (WITH_NAME if "{" in path or _names_a_thing(operation) else {})
    )
    for status, text in texts.items():
        answer = answers.setdefault(str(status), {"description": text})
        if "ValidationError" in str(answer.get("content", "")):  # FastAPI's own shape of a refused parameter
            answers[str(status)] = {"description": text}
    for status, answer in answers.items():
        if int(status) >= 400:
            answer.setdefault("content", {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}})
        for kind, media in answer.get("content", {}).items():
            if kind == "application/json" and not media.get("schema") and "example" in media:
                media["schema"] = shape_of(media["example"])


def names_faults(text: str) -> dict[int | str, dict[str, Any]]:
    """For ``responses``: 422 with ``errors``, or as everywhere when it is not the document that is wrong."""
    either = {"anyOf": [{"$ref": "#/components/schemas/Error"}, {"$ref": "#/components/schemas/Faults"}]}
    return {422: {"description": text, "content": {"application/json": {"schema": either}}}}


def _names_a_thing(operation: dict[str, Any]) -> bool:
    return any(each["name"] in NAMES and each.get("required") for each in operation.get("parameters", ()))


def shape_of(example: object) -> dict[str, Any]:
    """What every answer shares with its example: the names at the top, and which of them are lists or objects.

    An object of which nothing is known is null.
    """
    if isinstance(example, dict):
        inside = {
            name: {"type": ["object", "null"]} if isinstance(value, dict) else _kind_of(value)
            for name, value in example.items()
        }
        return {"type": "object", "required": list(inside), "properties": inside}
    return _kind_of(example)


def _kind_of(value: object) -> dict[str, Any]:
    if isinstance(value, list):
        rows = {type(each) for each in value}
        return {"type": "array"} | ({"items": _kind_of(value[0])} if rows in ({list}, {dict}) else {})
    return {"type": "object"} if isinstance(value, dict) else {}
