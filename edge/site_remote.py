"""[device.remote] of the site file: what the collector may order of a device, how often, and what by two people."""

from __future__ import annotations

import math
from collections.abc import Callable

from edge.settings import Rate, RemoteRule
from edge.site_file import DeviceRow, RemoteRow
from protocols.errors import BadSettings
from protocols.modbus.profile import ModbusProfile
from protocols.modbus.writes import PointWrite
from protocols.profile import Profile
from protocols.settings import duration

Key = tuple[str | int, ...]
Fail = Callable[[Key, str, str], BadSettings]

RATE_MOST = 1000
RATE_WITHIN_S = (1.0, 86_400.0)


def read_remote(row: DeviceRow, profile: Profile, key: Key, fail: Fail) -> dict[str, RemoteRule]:
    """The rules of one device, by point. Raises what ``fail`` makes."""
    writes = profile.writes if isinstance(profile, ModbusProfile) else {}
    rules: dict[str, RemoteRule] = {}
    for point, rule in row.remote.items():
        at = (*key, "remote", point)
        if point not in writes:
            raise fail(at, f"{point!r} of {row.profile} cannot be written", ", ".join(writes) or "nothing")
        if not rule.actions:
            raise fail((*at, "actions"), "empty", "on, off, pulse, set")
        is_fixed = is_fixed_pulse(writes[point])
        _check_limits(rule, at, fail, is_fixed=is_fixed)
        rate = _rate(rule.rate, (*at, "rate"), fail) if rule.rate else None
        rules[point] = RemoteRule(rule.actions, rule.min, rule.max, rate, rule.second_person, is_fixed)
    return rules


def is_fixed_pulse(write: PointWrite) -> bool:
    """Whether the module itself holds how long its pulse is, so that none can be said."""
    return write.pulse is not None and not write.pulse.unit_s


def _check_limits(rule: RemoteRow, at: Key, fail: Fail, *, is_fixed: bool) -> None:
    least, most = rule.min, rule.max
    limited = {"set", "pulse"} & set(rule.actions)
    if is_fixed and limited == {"pulse"}:
        if least is not None or most is not None:
            raise fail(at, "how long this pulse is is set in the module", "leave min and max out")
    elif limited:
        if least is None or most is None or not (math.isfinite(least) and math.isfinite(most) and least <= most):
            raise fail(at, "set and pulse need min and max", "numbers, min not above max")
    elif least is not None or most is not None:
        raise fail(at, "min and max mean nothing for on and off", "leave them out")


def parse_rate(text: str) -> Rate:
    """``3 in 10 min``. Raises ValueError."""
    many, word, within = text.partition(" in ")
    most, within_s = int(many) if many.isascii() and many.isdecimal() else 0, duration(within.strip())
    if not word or not 1 <= most <= RATE_MOST or not RATE_WITHIN_S[0] <= within_s <= RATE_WITHIN_S[1]:
        raise ValueError(text)
    return Rate(most, within_s)


def _rate(text: str, at: Key, fail: Fail) -> Rate:
    try:
        return parse_rate(text)
    except ValueError:
        allowed = f'a number to {RATE_MOST} in a time from 1 s to 1 d, like "3 in 10 min"'
        raise fail(at, f"{text!r} is no rate", allowed) from None
