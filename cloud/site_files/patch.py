"""A change of a few keys, written into site files: ``set buffer.flush_every = "5 s"``, ``unset device[meter-8].every``.

A table of an array is named by its ``id`` or ``name``, or all of them by ``*``. Only the lines of the keys change, so
comments and order stay; what was written is read again, and must be the file of before with just that changed.
"""

import copy
import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from protocols.errors import BadRollout, BadSettings
from protocols.settings import Document, spell
from protocols.toml_lines import key_lines

VALUE_LINES_MAX = 200
LINES_MAX, LINE_CHARACTERS_MAX = 50, 500
FORM = 'set buffer.flush_every = "5 s", set device[meter-08].every = "10 s", or unset device[*].max_silence'
ALL = "*"

_STEP = r"[A-Za-z0-9_-]+(?:\[[^\[\]\n]{1,64}\])?"
_LINE = re.compile(rf"(?P<deed>set|unset)\s+(?P<path>{_STEP}(?:\.{_STEP}){{1,8}})\s*(?:=(?P<value>.*))?", re.DOTALL)
_EACH_STEP = re.compile(r"([A-Za-z0-9_-]+)(?:\[([^\[\]]+)\])?")

Path = tuple[str | int, ...]


class Change(NamedTuple):
    """One line. ``value`` is TOML; None takes the key out. ``steps``: names, each with whom it chooses of an array."""

    text: str
    steps: tuple[tuple[str, str], ...]
    value: str | None


def read_patch(lines: Sequence[str]) -> tuple[Change, ...]:
    """Lines as people write them. Raises BadRollout ``bad_patch``, which names the line."""
    if not 0 < len(lines) <= LINES_MAX:
        raise BadRollout("bad_patch", f"{len(lines)} lines of changes; 1 to {LINES_MAX} are right")
    return tuple(_read(number, line) for number, line in enumerate(lines, 1))


def patched(text: str, changes: Sequence[Change]) -> str:
    """A site file with the changes in it. Raises BadRollout ``bad_patch``: it names what the file does not have."""
    for change in changes:
        values = _values(text)
        try:
            for path in list(_found(change, values)):
                text = _one(text, change, path)
        except RecursionError:
            raise BadRollout("bad_patch", "the file it runs is nested too deeply") from None
    return text


def _read(number: int, line: str) -> Change:
    found = _LINE.fullmatch(line.strip()) if len(line) <= LINE_CHARACTERS_MAX else None
    if found is None or (found["deed"] == "set") != (found["value"] is not None):
        raise BadRollout("bad_patch", f"line {number}: {line[:80]!r} is no change; write {FORM}")
    value = found["value"].strip() if found["value"] is not None else None
    if value is not None:
        try:
            read = tomllib.loads(f"it = {value}\n")
        except (tomllib.TOMLDecodeError, RecursionError, ValueError):
            read = {}
        if set(read) != {"it"} or "\n" in value:
            raise BadRollout("bad_patch", f'line {number}: {value[:80]!r} is no value of TOML; text stands in ""')
    steps = tuple((each[1], each[2] or "") for each in _EACH_STEP.finditer(found["path"]))
    if steps[-1][1]:
        raise BadRollout("bad_patch", f"line {number}: it ends on a table; name a key of it, as in {FORM}")
    return Change(line.strip(), steps, value)


def _values(text: str) -> dict[str, Any]:
    try:
        return Document("site file", text).values
    except BadSettings as error:
        raise BadRollout("bad_patch", f"the file it runs cannot be read: {error}") from None


def _found(change: Change, values: dict[str, Any]) -> Iterator[Path]:
    """Where a change is to be made in this file."""
    places: list[tuple[Path, Any]] = [((), values)]
    for name, chosen in change.steps[:-1]:
        inside: list[tuple[Path, Any]] = []
        for path, table in places:
            held = table.get(name)
            if chosen:
                rows = held if isinstance(held, list) else []
                of_name = [(i, row) for i, row in enumerate(rows) if chosen in (ALL, row.get("id"), row.get("name"))]
                if not of_name and chosen != ALL:
                    raise BadRollout("bad_patch", f"{change.text}: the file has no {name} {chosen!r}")
                inside += [((*path, name, i), row) for i, row in of_name]
            elif isinstance(held, dict) or (held is None and not path and change.value is not None):
                inside.append(((*path, name), held or {}))
            elif held is not None or change.value is not None:
                what = "is no table"
                if isinstance(held, list):
                    what = "is an array: name one as name[id], all as name[*]"
                raise BadRollout("bad_patch", f"{change.text}: {spell((*path, name))} {what}")
        places = inside
    key = change.steps[-1][0]
    for path, table in places:
        if change.value is not None or key in table:
            yield (*path, key)


def _one(text: str, change: Change, path: Path) -> str:
    before = _values(text)
    wanted = copy.deepcopy(before)
    table: Any = wanted
    for place, step in enumerate(path[:-1]):
        table = table.setdefault(step, {}) if isinstance(table, dict) and place == 0 else table[step]
    key = str(path[-1])
    if change.value is None:
        del table[key]
    else:
        table[key] = tomllib.loads(f"it = {change.value}\n")["it"]
    if _same(before, wanted):
        return text
    written = _written(text, path, change.value)
    try:
        is_so = _same(tomllib.loads(written), wanted)
    except (tomllib.TOMLDecodeError, ValueError):
        is_so = False
    if not is_so:
        what = f"{change.text}: {spell(path)} is written in a way that a change of keys does not reach"
        raise BadRollout("bad_patch", what + "; send whole files")
    return written


def _written(text: str, path: Path, value: str | None) -> str:
    rows, lines = text.split("\n"), key_lines(text)
    key, line = str(path[-1]), lines.get(path, 0)
    if line:
        end = _end(rows, line)
        head, tail = rows[line - 1].partition("=")[0].rstrip(), _comment(rows[line - 1]) if end == line else ""
        rows[line - 1 : end] = [] if value is None else [f"{head} = {value}{tail}"]
    elif lines.get(path[:-1]):
        rows.insert(lines[path[:-1]], f"{key} = {value}")
    else:
        rows = [*"\n".join(rows).rstrip("\n").split("\n"), "", f"[{spell(path[:-1])}]", f"{key} = {value}", ""]
    return "\n".join(rows)


def _end(rows: list[str], line: int) -> int:
    """The last line of a value that begins on ``line``; `_one` reads again what comes of it."""
    for end in range(line, min(len(rows), line + VALUE_LINES_MAX) + 1):
        try:
            tomllib.loads("it = " + "\n".join(rows[line - 1 : end]).partition("=")[2])
        except (tomllib.TOMLDecodeError, ValueError):
            continue
        return end
    return line


def _comment(row: str) -> str:
    value = row.partition("=")[2]
    whole = tomllib.loads("it = " + value)
    for place, sign in enumerate(value):
        if sign == "#":
            try:
                if tomllib.loads("it = " + value[:place]) == whole:
                    return "  " + value[place:]
            except tomllib.TOMLDecodeError:
                continue
    return ""


def _same(one: object, other: object) -> bool:
    """Also in kind: ``true`` is not 1."""
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")
