"""What a value can be at all, and what it normally is.

Outside *possible*: the value cannot be true and is not passed on (bad). Outside *plausible*: it is passed on as
uncertain. The bounds here hold for any meter; a profile narrows the plausible ones for its model.
"""

from fnmatch import fnmatchcase

from protocols.points import PointWord

Range = tuple[float, float]

_POSSIBLE: dict[str, Range] = {
    "V": (-1e6, 1e6),
    "A": (-1e6, 1e6),
    "W": (-1e10, 1e10),
    "var": (-1e10, 1e10),
    "VA": (-1e10, 1e10),
    "Hz": (0.0, 500.0),
    "deg": (-360.0, 360.0),
    "%": (-1e4, 1e4),
}
_POWER_FACTOR: Range = (-1.01, 1.01)
_COUNTER: Range = (0.0, 1e13)
_ANY: Range = (-1e15, 1e15)
_MAINS_HZ: Range = (45.0, 65.0)


def possible_range(word: PointWord) -> Range:
    """The bounds outside of which a value of this point is bad."""
    if word.kind == "counter":
        return _COUNTER
    if word.name.startswith("power_factor"):
        return _POWER_FACTOR
    return _POSSIBLE.get(word.unit, _ANY)


def plausible_range(word: PointWord, rules: dict[str, Range]) -> Range:
    """The bounds outside of which a value is uncertain: the profile's, else the mains'.

    The keys of ``rules`` are names or patterns of names (``voltage_l?_n``); the first that fits counts.
    """
    for pattern, bounds in rules.items():
        if fnmatchcase(word.name, pattern):
            return bounds
    if word.unit == "Hz":
        return _MAINS_HZ
    return possible_range(word)
