"""Tables as TOML."""

import json
import re
from collections.abc import Mapping

BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_table(head: str, values: Mapping[str, object]) -> str:
    """``[head]`` or ``[[head]]`` with its keys, and an empty line behind."""
    return "\n".join([head, *(f"{_key(name)} = {_value(value)}" for name, value in values.items()), ""])


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(_value(each) for each in value)}]"
        case Mapping():
            return f"{{ {', '.join(f'{_key(str(name))} = {_value(each)}' for name, each in value.items())} }}"
        case _:
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
