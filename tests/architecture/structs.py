"""msgspec structs as tables for the reference pages: key, type, default, meaning."""

import ast
import inspect
import re
import textwrap
import types
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from protocols.errors import BadSettings
from protocols.settings import duration, size

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "nothing"}


def bare(hint: Any) -> Any:
    """A type without Annotated around it and without the ``None`` of an optional one."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in {Union, types.UnionType}:
        rest = [part for part in get_args(hint) if part is not type(None)]
        if len(rest) == 1:
            return bare(rest[0])
    return hint


def is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def spell(hint: Any) -> str:
    """A type in words a person who writes TOML or JSON uses."""
    hint = bare(hint)
    origin, parts = get_origin(hint), get_args(hint)
    if hint in _WORDS:
        return _WORDS[hint]
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin in {Union, types.UnionType}:
        return " or ".join(dict.fromkeys(spell(part) for part in parts if part is not type(None)))
    if origin in {list, tuple, set, frozenset} or getattr(origin, "__name__", "") in {"Sequence", "Collection"}:
        return f"list of {spell(parts[0])}" if parts else "list"
    if origin is dict or getattr(origin, "__name__", "") == "Mapping":
        return f"table of {spell(parts[1])}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{member.value}`" for member in hint)
    return getattr(hint, "__name__", str(hint))


def notes(struct: type) -> dict[str, str]:
    """What is said of each field: a docstring below it, else a comment on its line, else the comment lines above."""
    found: dict[str, str] = {}
    for each in reversed([kind for kind in struct.__mro__ if is_struct(kind) and kind is not msgspec.Struct]):
        source = textwrap.dedent(inspect.getsource(each))
        lines = source.splitlines()
        body = ast.parse(source).body[0].body  # type: ignore[attr-defined]
        for place, node in enumerate(body):
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
                continue
            after = body[place + 1] if place + 1 < len(body) else None
            said = ""
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                said = " ".join(str(after.value.value).split())
            if not said:
                last = lines[(node.end_lineno or node.lineno) - 1]
                said = _comment(last[node.end_col_offset or 0 :])
            number = node.lineno - 2
            above: list[str] = []
            while not said and number >= 0 and lines[number].strip().startswith("#"):
                above.insert(0, _comment(lines[number]))
                number -= 1
            found[node.target.id] = said or " ".join(above)
    return found


def _comment(text: str) -> str:
    match = re.search(r"#\s*(.*)$", text)
    words = match.group(1).strip() if match else ""
    return "" if words.startswith(("type:", "noqa")) else words


def default(field: msgspec.structs.FieldInfo) -> str:
    """A default as it would be written in TOML."""
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    elif field.default is not msgspec.NODEFAULT:
        value = field.default
    else:
        return "**required**"
    if value is None or value in ("", (), [], {}) or is_struct(type(value)):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Enum):
        return f"`{value.value}`"
    if isinstance(value, tuple | list):
        return "`[" + ", ".join(_toml(item) for item in value) + "]`"
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def fields(struct: type) -> Iterator[tuple[str, Any, str, str]]:
    """(key, type, default, meaning) of each field, in order."""
    hints = get_type_hints(struct, include_extras=True)
    said = notes(struct)
    for field in msgspec.structs.fields(struct):
        note = said.get(field.name, "")
        for extra in getattr(hints[field.name], "__metadata__", ()):
            note = note or getattr(extra, "description", None) or ""
        yield field.encode_name, hints[field.name], default(field), note


def worded(hint: Any, value: str) -> str:
    """The type of a key; a text whose default is a duration or a size is one."""
    text = value.strip('`"')
    for word, parse in (("duration", duration), ("size", size)):
        try:
            parse(text)
        except (BadSettings, ValueError):
            continue
        if bare(hint) is str:
            return word
    return spell(hint)


def table(struct: type, *, leave_out: tuple[str, ...] = ()) -> str:
    """The fields of a struct as a Markdown table."""
    kept = [each for each in fields(struct) if each[0] not in leave_out]
    explained = any(note for *_, note in kept)
    rows = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    if not explained:
        rows = ["| Key | Type | Default |", "|---|---|---|"]
    for name, hint, value, note in kept:
        row = [f"`{name}`", cell(worded(hint, value)), cell(value), *([cell(note)] if explained else [])]
        rows.append(f"| {' | '.join(row)} |")
    return "\n".join(rows)


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return text.replace("``", "`").replace("|", "\\|").replace("\n", " ")


def summary(thing: Any) -> str:
    """A docstring as one paragraph, with code marked as in Markdown."""
    text = inspect.getdoc(thing) or ""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    return " ".join(text.split())
