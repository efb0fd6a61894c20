"""The Modbus profiles that are shipped, read once for all tests."""

from functools import cache

from protocols.modbus.profile import ModbusProfile
from protocols.profile import load_profile, profile_ids


@cache
def shipped() -> dict[str, ModbusProfile]:
    """By id."""
    found = {each: load_profile(each) for each in sorted(profile_ids())}
    return {each: profile for each, profile in found.items() if isinstance(profile, ModbusProfile)}
