"""How amounts look in answers of the API."""

from typing import Any

import numpy as np

from cloud.energy.contract import MICRO, Doubles, Flag
from cloud.energy.pages import Total


def total_shown(total: Total, unit: str) -> dict[str, Any]:
    """An amount with what must be said of it; ``value`` None where nothing is known."""
    return {
        "value": None if total.micro is None else total.micro / MICRO,
        "unit": unit,
        "coverage": round(total.coverage, 6),
        "measured": total.measured / MICRO,
        "source": total.source.name.lower(),
        "flags": flags_shown(Flag(total.flags)),
    }


def rest_shown(total: Total) -> list[Any]:
    """The same in a row, behind the value."""
    return [
        round(total.coverage, 6),
        total.measured / MICRO,
        total.source.name.lower(),
        flags_shown(Flag(total.flags)),
    ]


def flags_shown(flags: Flag) -> list[str]:
    """What else is said of an amount, as words of the API."""
    return [(flag.name or "").lower() for flag in Flag if flag in flags]


def number(value: float | None) -> float | None:
    """With as many digits as mean something; None stays None."""
    return None if value is None else round(value, 4)


def numbers(values: Doubles) -> list[float | None]:
    """The same of many; None where nothing is known."""
    return [round(value, 4) if np.isfinite(value) else None for value in values.tolist()]
