"""Plates in texts of others: a camera writes ``浙A·88888``, a guard ``浙a 88888``. Pure."""

import re

from cloud.visitors.visit import plain_plate

_BETWEEN = r"[\W_]{0,3}"


def rough_plate(plain: str) -> str:
    """A pattern of LIKE that every text with this plate fits, and some others; what JSON may escape is left out."""
    return "".join(f"%{sign}" for sign in plain if sign.isascii()) + "%"


def plate_in_text(plain: str) -> str:
    """A regular expression: the plate, with dots, dashes and spaces in it; ignore the case."""
    return _BETWEEN.join(re.escape(sign) for sign in plain)


def is_plate(text: str, plates: frozenset[str]) -> bool:
    """Whether the text is one of these plain plates and nothing else."""
    return len(text) < 40 and plain_plate(text) in plates
