"""Quantities that some meters show besides those of the load: the same truth under another name, or parts of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Truth = dict[str, float | None]

TARIFF_SHARES = (0.625, 0.375)
SINCE_RESET = 0.25
"""Part of its energy that a resettable counter still shows."""


def complete(truth: Truth, points: tuple[str, ...]) -> Truth:
    """Add what of ``points`` follows from the rest. A quantity that follows from nothing stays away."""
    for point in points:
        if point not in truth:
            for ending, rule in _RULES:
                if ending in point:
                    truth[point] = rule(point, truth)
                    break
    return truth


def _plain(part: str) -> Callable[[str, Mapping[str, float | None]], float | None]:
    def look(point: str, truth: Mapping[str, float | None]) -> float | None:
        name = point.replace(part, "")
        return truth.get(name, truth.get(f"{name}_total"))

    return look


def _tariff(point: str, truth: Mapping[str, float | None]) -> float | None:
    quantity, number = point.rsplit("_tariff", 1)
    whole = truth.get(f"{quantity}_total")
    return None if whole is None else whole * TARIFF_SHARES[int(number) - 1]


def _resettable(point: str, truth: Mapping[str, float | None]) -> float | None:
    if point == "active_energy_resettable_total":
        whole = truth.get("active_energy_sum_total")
    else:
        whole = truth.get(f"{point.removesuffix('_resettable')}_total")
    return None if whole is None else whole * SINCE_RESET


def _power(point: str, truth: Mapping[str, float | None]) -> float | None:
    whole = truth.get("active_power_total")
    if whole is None:
        return None
    return max(0.0, whole if point == "active_power_import" else -whole)


def _quadrant(point: str, truth: Mapping[str, float | None]) -> float | None:
    return truth.get("reactive_energy_import_total") if "_q1_" in point else 0.0


def _apparent(point: str, truth: Mapping[str, float | None]) -> float | None:
    return truth.get("apparent_energy_total") if "_import_" in point else 0.0


_RULES: tuple[tuple[str, Callable[[str, Mapping[str, float | None]], float | None]], ...] = (
    ("_tariff", _tariff),
    ("resettable", _resettable),
    ("_primary", _plain("_primary")),
    ("_float", _plain("_float")),
    ("reactive_energy_q", _quadrant),
    ("active_power_import", _power),
    ("active_power_export", _power),
    ("current_total", lambda _, truth: truth.get("current_sum")),
    ("apparent_energy_import_total", _apparent),
    ("apparent_energy_export_total", _apparent),
)
