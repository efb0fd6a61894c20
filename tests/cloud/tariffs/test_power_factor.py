"""The adjustment of 1983 against the printed table."""

from decimal import Decimal

import pytest

from cloud.tariffs.power_factor import adjustment, mean_power_factor

# Power factor, then per cent for the standards 0.90, 0.85 and 0.80, as the printed table (增减查对表) has them.
PRINTED = """
1.00 -0.75 -1.1 -1.3
0.99 -0.75 -1.1 -1.3
0.95 -0.75 -1.1 -1.3
0.94 -0.6 -1.1 -1.3
0.93 -0.45 -0.95 -1.3
0.66 14 9.5 7.0
0.65 15 10 7.5
0.64 17 11 8.0
0.63 19 12 8.5
0.62 21 13 9.0
0.61 23 14 9.5
0.60 25 15 10.0
0.59 27 17 11.0
0.32 81 71 61
0.31 83 73 63
0.30 85 75 65
0.29 87 77 67
0.28 89 79 69
0.27 91 81 71
0.26 93 83 73
"""


@pytest.mark.parametrize("row", PRINTED.strip().splitlines())
def test_the_percentage_is_that_of_the_printed_table(row: str) -> None:
    factor, *expected = map(Decimal, row.split())
    assert [adjustment(standard, factor) for standard in ("0.90", "0.85", "0.80")] == expected


@pytest.mark.parametrize("standard", ["0.90", "0.85", "0.80"])
def test_at_the_standard_nothing_changes_and_below_it_always_costs_more(standard: str) -> None:
    assert adjustment(standard, Decimal(standard)) == 0
    steps = [adjustment(standard, Decimal(hundredths) / 100) for hundredths in range(101)]
    assert steps == sorted(steps, reverse=True)
    assert steps[int(Decimal(standard) * 100) - 1] == Decimal("0.5")


@pytest.mark.parametrize(
    ("active", "reactive", "factor"),
    [(4, 3, "0.80"), (100, 0, "1.00"), (1000, "484.3", "0.90"), (1000, "499", "0.89"), (0, 5, None), (3, 4, "0.60")],
)
def test_the_mean_power_factor_is_rounded_to_hundredths(active: int, reactive: str, factor: str | None) -> None:
    expected = None if factor is None else Decimal(factor)
    assert mean_power_factor(Decimal(active), Decimal(reactive)) == expected
