"""Rounding, in one place: half up, once for each line of a bill."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

from cloud.energy.contract import MICRO

_NO_CENTS = ("JPY", "KRW", "VND", "CLP", "ISK")
ROUNDING = (
    "Energy is not rounded. Each line is quantity x price, rounded once, half up, to {digits} decimals; "
    "the total is the sum of the rounded lines."
)


def digits(currency: str) -> int:
    """How many decimals an amount has."""
    return 0 if currency in _NO_CENTS else 2


def rounded(amount: Decimal, currency: str) -> Decimal:
    """An amount as it stands on a bill."""
    return amount.quantize(Decimal(1).scaleb(-digits(currency)), ROUND_HALF_UP)


def units(micro: int) -> Decimal:
    """Exactly what millionths of a unit come to: 1_500_000 is 1.5."""
    with localcontext() as context:
        context.prec = 40
        return Decimal(micro) / MICRO
