"""Whether a message is of the kind a rule is for."""

from typing import Any

from protocols.mqtt.payload import MISSING, as_text, value_at
from protocols.mqtt.profile import Condition


def holds(conditions: tuple[Condition, ...], document: Any) -> bool:
    """True when every condition holds."""
    for path, words in conditions:
        found = value_at(document, path)
        if not words:
            if found is MISSING or found is None or found == "":
                return False
        elif found is MISSING or as_text(found) not in words:
            return False
    return True


def short(value: Any) -> str:
    """A value as an error may show it."""
    if value is MISSING:
        return "(absent)"
    text = as_text(value)
    return f"a {type(value).__name__}" if text is None else repr(text[:32])
