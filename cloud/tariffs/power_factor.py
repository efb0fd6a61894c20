"""The power-factor adjustment (功率因数调整电费, 力调电费) of 1983: (83) 水电财字第 215 号.

The mean power factor of the period, rounded half up to hundredths, gives a percentage of the bill. Above the standard
the bill falls, down to a floor; below it rises by half a per cent for each hundredth, then by one, then by two.
"""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Literal

Standard = Literal["0.80", "0.85", "0.90"]
SOURCE = "功率因数调整电费办法 (83)水电财字第215号"

# From the standard upwards: what each hundredth is worth, in hundredths of a per cent; then the floor holds.
_BETTER: dict[str, tuple[int, ...]] = {
    "0.90": (15, 30, 45, 60, 75),
    "0.85": (10, 20, 30, 40, 50, 65, 80, 95, 110),
    "0.80": (10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 115, 130),
}
_STEPS_OF_HALF, _STEPS_OF_ONE = 20, 5


def adjustment(standard: Standard, power_factor: Decimal) -> Decimal:
    """Per cent of the bill, negative when it falls. ``power_factor`` in hundredths, 0 to 1."""
    hundredths = int(power_factor * 100)
    steps = hundredths - int(Decimal(standard) * 100)
    if steps > 0:
        table = _BETTER[standard]
        return Decimal(-table[min(steps, len(table)) - 1]) / 100
    worse = -steps
    half = min(worse, _STEPS_OF_HALF)
    one = min(worse - half, _STEPS_OF_ONE)
    return Decimal(half) / 2 + one + 2 * (worse - half - one)


def mean_power_factor(active: Decimal, reactive: Decimal) -> Decimal | None:
    """Of what was used in a period (kWh and kvarh, as absolute values); None when nothing was used."""
    if not active:
        return None
    with localcontext() as context:
        context.prec = 40
        apparent = (active * active + reactive * reactive).sqrt()
        return (abs(active) / apparent).quantize(Decimal("0.01"), ROUND_HALF_UP)
