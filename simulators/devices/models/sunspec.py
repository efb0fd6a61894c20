"""SunSpec meters: the mark, the common model, one meter model, the end; a reader must walk there.

Models 201 to 204 hold integers with scale factors, 211 to 214 floats; within a family the layout is one and what is
not there (a phase, a voltage to neutral) says so. The common model has 66 registers, in older devices 65, and so every
address behind it differs: those with floats are older here.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from simulators.devices.registers import READ_HOLDING, Field, RegisterMap, Serial, load_fields, text_words

_HERE = Path(__file__).parent
BASE = 40_000
COMMON = 1
END = (0xFFFF, 0)
INT_LENGTH, FLOAT_LENGTH = 105, 124

# Where each scale factor of the integer models stands, and the power of ten in it.
FACTORS = {6: -2, 15: -1, 17: -2, 22: 1, 27: 1, 32: 1, 37: 0, 54: 0, 71: 0, 104: 0}
_INT_ABSENT = {"int16": (0x8000,), "uint16": (0xFFFF,), "uint32": (0, 0)}
_NAN = (0x7FC0, 0x0000)

FLAGS = tuple(
    f"meter_{name}"
    for name in (
        "power_failure", "under_voltage", "low_power_factor", "over_current", "over_voltage", "missing_sensor",
    )
)  # fmt: skip
_TO_NEUTRAL = frozenset({"voltage_ln_avg", "voltage_l1_n", "voltage_l2_n", "voltage_l3_n"})
# Model: its phases, and what it has no register content for.
_KINDS: dict[int, tuple[int, frozenset[str]]] = {
    1: (1, frozenset({"voltage_l1_l2", "voltage_l2_l3", "voltage_l3_l1", "voltage_ll_avg"})),
    2: (2, frozenset({"voltage_l2_l3", "voltage_l3_l1"})),
    3: (3, frozenset()),
    4: (3, _TO_NEUTRAL),
}


def _common(length: int) -> tuple[int, ...]:
    """The mark and the common model: maker, model, options, version, serial number, address."""
    body = (
        *text_words("Dayuan Test Works", 16),
        *text_words("SM-3", 16),
        *text_words("", 8),
        *text_words("1.4.2", 8),
        *text_words("", 16),
        1,
        0x8000,
    )
    return (0x5375, 0x6E53, COMMON, length, *body[:length])


def _build(number: int, fields: Sequence[Field], *, length: int, common: int) -> RegisterMap:
    header = BASE + 4 + common
    floats = length == FLOAT_LENGTH
    phases, lacks = _KINDS[number % 10]
    constants: dict[tuple[int, int], tuple[int, ...]] = {
        (READ_HOLDING, BASE): _common(common),
        (READ_HOLDING, header): (number, length),
        (READ_HOLDING, header + 2): _NAN * 61 + (0, 0) if floats else (0,) * length,
        (READ_HOLDING, header + 2 + length): END,
    }
    if not floats:
        for place, power in FACTORS.items():
            constants[READ_HOLDING, header + place] = (power & 0xFFFF,)
    placed = tuple(
        item._replace(
            address=header + item.address,
            scale=item.scale * (Decimal(10) ** FACTORS[item.factor] if item.factor is not None else 1),
            factor=None,
        )
        for item in fields
    )
    return RegisterMap(
        profile=f"sunspec/meter-{number}",
        fields=placed,
        functions=(READ_HOLDING,),
        gaps="refuse",
        phases=phases,
        lacks=lacks,
        quiet_flags=dict.fromkeys(FLAGS, header + length),
        no_value={"float32": _NAN} if floats else _INT_ABSENT,
        constants=constants,
        serial=Serial(READ_HOLDING, BASE + 52, 16, text=True),
    )


_INTS = load_fields(_HERE / "sunspec_int.csv")
_FLOATS = load_fields(_HERE / "sunspec_float.csv")
SUNSPEC: tuple[RegisterMap, ...] = (
    *(_build(number, _INTS, length=INT_LENGTH, common=66) for number in (201, 202, 203, 204)),
    *(_build(number, _FLOATS, length=FLOAT_LENGTH, common=65) for number in (211, 212, 213, 214)),
)
