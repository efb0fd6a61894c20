"""On which line of a TOML text each key stands. tomllib does not tell, and an error without a line is half an error."""

import re

KeyPath = tuple[str | int, ...]

_PART = r"(?:[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*')"
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_ARRAY_TABLE = re.compile(rf"\s*\[\[\s*({_DOTTED})\s*\]\]")
_TABLE = re.compile(rf"\s*\[\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_INLINE_KEY = re.compile(rf"[{{,]\s*({_DOTTED})\s*=")
_PART_RE = re.compile(_PART)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Lines (from 1) by key path, indices of array tables included. ``text`` is valid TOML."""
    lines: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    number = 0
    rows = iter(text.split("\n"))
    for row in rows:
        number += 1
        array, plain, key = _ARRAY_TABLE.match(row), _TABLE.match(row), _KEY.match(row)
        if array:
            path = _absolute(_parts(array.group(1)), counts)
            counts[path] = counts.get(path, -1) + 1
            table = (*path, counts[path])
            lines.setdefault(path, number)
            lines[table] = number
        elif plain:
            table = _absolute(_parts(plain.group(1)), counts)
            lines.setdefault(table, number)
        elif key:
            path = (*table, *_parts(key.group(1)))
            lines.setdefault(path, number)
            for inner in _INLINE_KEY.finditer(row, key.end()):
                lines.setdefault((*path, *_parts(inner.group(1))), number)
            number += _skip_multiline(row[key.end() :], rows)
    return lines


def _parts(dotted: str) -> KeyPath:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in _PART_RE.findall(dotted))


def _absolute(parts: KeyPath, counts: dict[KeyPath, int]) -> KeyPath:
    """``a.b`` below an array table ``a`` is ``a[last].b``."""
    path: KeyPath = ()
    for place, part in enumerate(parts):
        path = (*path, part)
        if path in counts and place < len(parts) - 1:
            path = (*path, counts[path])
    return path


def _skip_multiline(value: str, rows: "object") -> int:
    """Consume the rest of a multi-line string; its lines hold no keys."""
    value = value.strip()
    for quote in ('"""', "'''"):
        if value.startswith(quote) and quote not in value[3:]:
            skipped = 0
            for row in rows:  # type: ignore[attr-defined]
                skipped += 1
                if quote in row:
                    break
            return skipped
    return 0
