"""Inputs that nobody meant: bytes, JSON and settings files, changed at random where it hurts."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from typing import Any

LARGEST = 48 * 1024
"""Mutations do not grow an input beyond this; what is larger stands among the seeds on purpose."""

NUMBERS = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
ODD_BYTES = b"\x00\x01\x7f\x80\xff\xc0\xed\xa0 \n\r\"'\\{}[](),:;/+#%$*.-0123456789eEnN"
ODD_TEXTS = (
    *("", " ", "\0", "a\0b", "..", "/", "../../etc/passwd", "%s", "{}", "'", '"', "' OR 1=1 --", "<b>", "\u202eabc"),
    *(
        "nan",
        "inf",
        "-inf",
        "1e999",
        "1_000",
        "0x10",
        "٣",
        "１２",
        "true",
        "null",
        "-1",
        "0",
        "1",
        "é" * 40,
        "\U0001f600",
    ),
    *(
        "x" * 65,
        "x" * 600,
        "9" * 40,
        "9" * 5000,
        "2026-02-30T25:61:61Z",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:60Z",
    ),
)
RAW_JSON = (
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e999",
        "1e-999",
        "-0",
        "-0.0",
        "0.1",
        "1.0",
        "1e2",
        "9007199254740993",
    ),
    *("9" * 19, "9" * 40, "9" * 400, "9" * 5000, "-" + "9" * 400, "9223372036854775807", "9223372036854775808"),
    *("18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "1795000000000"),
    *('"\\ud800"', '"\\udc00\\ud800"', '"a\\u0000b"', '"\\ud83d\\ude00"', '{"\\ud800": 1}', '""', "[]", "{}", "null"),
    *("true", "false", "[[]]", "[{}]", '{"": 0}', "[" * 60 + "]" * 60, '{"a":' * 60 + "1" + "}" * 60, "[" * 3000),
    *(
        "[" * 3000 + "]" * 3000,
        '{"a":' * 3000 + "1" + "}" * 3000,
        '1, "v": 1',
        '1, "v": 2, "v": 2',
        "01",
        "+1",
        ".5",
        "tru",
    ),
)

_HOLE = "\ue000hole\ue001"


def change_bytes(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """One to four random changes of bytes."""
    raw = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        _change_once(rng, raw, others)
    return bytes(raw[:LARGEST])


def _change_once(rng: random.Random, raw: bytearray, others: Sequence[bytes]) -> None:
    at = rng.randrange(len(raw) + 1)
    way = rng.randrange(10)
    if way == 0 and at < len(raw):
        raw[at] ^= 1 << rng.randrange(8)
    elif way == 1 and at < len(raw):
        raw[at] = rng.choice(ODD_BYTES)
    elif way == 2:
        raw[at:at] = rng.randbytes(rng.choice((1, 1, 2, 4, 8, 30)))
    elif way == 3:
        del raw[at : at + rng.choice((1, 2, 4, 16, 200))]
    elif way == 4:
        raw[at:at] = raw[at : at + rng.choice((1, 4, 16, 64))] * rng.choice((1, 2, 20))
    elif way == 5:
        del raw[at:]
    elif way == 6:
        size = rng.choice((1, 2, 4, 8))
        raw[at : at + size] = (rng.choice(NUMBERS) % 256**size).to_bytes(size, rng.choice(("big", "little")))
    elif way == 7 and others:
        other = rng.choice(others)
        start = rng.randrange(len(other) + 1)
        raw[at : at + rng.choice((0, 8, 10_000))] = other[start : start + rng.choice((4, 40, 10_000))]
    elif way == 8:
        raw += rng.randbytes(rng.choice((1, 2, 9)))
    else:
        raw[at:at] = rng.choice(ODD_TEXTS).encode()[:700]


def change_json(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Some value, key or entry of a JSON document is another one; now and then only its bytes change."""
    if rng.random() < 0.2:
        return change_bytes(rng, data, others)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return change_bytes(rng, data, others)
    raws: list[str] = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        document = change_document(rng, document, lambda: _hole(rng, raws))
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5)
    for place, raw in enumerate(raws):
        text = text.replace(json.dumps(f"{_HOLE}{place};"), raw).replace(f'"{_HOLE}{place};"', raw)
    return text.encode("utf-8", "surrogatepass")[:LARGEST]


def _hole(rng: random.Random, raws: list[str]) -> Any:
    if rng.random() < 0.4:
        return rng.choice(ODD_TEXTS)
    raws.append(rng.choice(RAW_JSON))
    return f"{_HOLE}{len(raws) - 1};"


def change_document(rng: random.Random, document: Any, junk: Any) -> Any:
    """A copy of nested lists and dictionaries with one change in it; ``junk()`` makes values."""
    places = list(walk(document))
    if not places:
        return junk()
    holder, key = rng.choice(places)
    way = rng.randrange(8)
    if way <= 3:
        holder[key] = junk()
    elif way == 4:
        del holder[key]
    elif way == 5 and isinstance(holder, list):
        holder[key:key] = [holder[key]] * rng.choice((1, 2, 50))
    elif way == 5:
        holder[rng.choice((*ODD_TEXTS, "v", "extra"))] = junk()
    elif way == 6:
        holder[key] = [holder[key]] if rng.random() < 0.5 else {"a": holder[key]}
    else:
        other, other_key = rng.choice(places)
        if other is not holder and not _holds(holder[key], other):
            other[other_key] = holder[key]
        else:
            holder[key] = junk()
    return document


def walk(document: Any) -> Iterator[tuple[Any, Any]]:
    """(list or dictionary, key) of every value in it."""
    pending = [document]
    while pending:
        holder = pending.pop()
        keys = range(len(holder)) if isinstance(holder, list) else list(holder) if isinstance(holder, dict) else ()
        for key in keys:
            yield holder, key
            pending.append(holder[key])


def _holds(document: Any, wanted: Any) -> bool:
    return document is wanted or any(holder[key] is wanted for holder, key in walk(document))


RAW_TOML = (
    *(
        "-1",
        "0",
        "1",
        "255",
        "65535",
        "65536",
        "9" * 20,
        "9" * 400,
        "-9223372036854775808",
        "1e400",
        "nan",
        "-inf",
        "0.0",
    ),
    *(
        '""',
        '"x"',
        '"0 s"',
        '"1 s"',
        '"99999999 d"',
        '"1e3 s"',
        '"10"',
        '"-1 s"',
        '"1 B"',
        '"999999999 GiB"',
        '"\\u0000"',
    ),
    *("[]", "[[]]", "[1, 2]", "{}", "{ a = 1 }", "true", "1979-05-27", "1979-05-27T07:32:00Z", "'''\na\n'''", '"a/b"'),
    *('"holding"', '"uint16"', '"float64"', '"modbus-tcp"', '"mqtt"', '"mqtt://x"', '"mqtt://[::1"', '"mqtt://h:0"'),
    *(
        '"mqtt://h:99999"',
        '"http://h"',
        '"+"',
        '"#"',
        '"a/+/b"',
        '"{topic}"',
        "[" * 400,
        '"' + "x" * 300 + '"',
        '"(a+)+$"',
    ),
)
_VALUE = re.compile(r"(=\s*)([^\n#=]+)")


def change_toml(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Values, keys and lines of a settings file are others; now and then only its bytes change."""
    if rng.random() < 0.1:
        return change_bytes(rng, data, others)
    lines = data.decode("utf-8", "replace").split("\n")
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(lines))
        way = rng.randrange(8)
        if way <= 3:
            at = next((n for n in (*range(at, len(lines)), *range(at)) if _VALUE.search(lines[n])), at)
            found = list(_VALUE.finditer(lines[at]))
            if found:
                hit = rng.choice(found)
                lines[at] = lines[at][: hit.start(2)] + rng.choice(RAW_TOML) + lines[at][hit.end(2) :]
        elif way == 4:
            del lines[at]
        elif way == 5:
            lines.insert(at, rng.choice(lines))
        elif way == 6 and others:
            lines.insert(at, rng.choice(rng.choice(others).decode("utf-8", "replace").split("\n")))
        else:
            key, equals, rest = lines[at].partition("=")
            lines[at] = key[: rng.randrange(len(key) + 1)] + rng.choice(("", "x", ".", '"', "[", "]]")) + equals + rest
        lines = lines or [""]
    return "\n".join(lines).encode("utf-8", "surrogatepass")[:LARGEST]
