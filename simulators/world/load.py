"""Electrical loads: power as a sum of seeded waves, and energy as its exact integral.

Everything is a pure function of the instant, so a meter that was switched off for a night shows what it would have
counted, a second start continues the same curves, and power and energy of one meter never contradict each other.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from simulators.world.walk import Going

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
W_S_PER_KWH = 3_600_000.0


class Wave(NamedTuple):
    share: float
    omega: float
    phase: float


class Phase(Protocol):
    """What goes through one phase of a meter. ``turned``: its current transformer is the wrong way round."""

    @property
    def turned(self) -> bool: ...

    @property
    def tan_phi(self) -> float: ...

    def power_w(self, at_s: float) -> float: ...

    def energy_kwh(self, at_s: float) -> float: ...


@dataclass(frozen=True)
class PhaseLoad:
    """One phase: ``watts`` on average, waves around it whose shares sum to less than one, so power stays positive."""

    watts: float
    waves: tuple[Wave, ...]
    tan_phi: float
    origin_s: float
    start_kwh: float
    turned: bool = False

    def power_w(self, at_s: float) -> float:
        return self.watts * (1.0 + sum(w.share * math.sin(w.omega * at_s + w.phase) for w in self.waves))

    def energy_kwh(self, at_s: float) -> float:
        """Energy since the meter was installed; never falls as long as ``at_s`` does not."""
        swing = 0.0
        for wave in self.waves:
            then, now = wave.omega * self.origin_s + wave.phase, wave.omega * at_s + wave.phase
            swing += wave.share / wave.omega * (math.cos(then) - math.cos(now))
        return self.start_kwh + self.watts * ((at_s - self.origin_s) + swing) / W_S_PER_KWH


@dataclass(frozen=True)
class PhaseShare:
    """One phase of a load that goes its own way: a part of its power, and of its energy from ``start_kwh`` on."""

    going: Going
    share: float
    tan_phi: float
    start_kwh: float
    turned: bool = False

    def power_w(self, at_s: float) -> float:
        watts = 1000.0 * self.share * self.going.kw(at_s)
        return -watts if self.turned else watts

    def energy_kwh(self, at_s: float) -> float:
        """What it took, from ``start_kwh`` on; of a turned one: what it seems to give back."""
        return self.start_kwh + self.share * self.going.kwh(at_s)


class MeteredLoad:
    """What one meter measures. ``at`` gives every quantity by its point name; None: this installation has none.

    own: its phases, in place of waves around ``watts`` that a meter in a test is content with.
    """

    def __init__(
        self,
        rng: random.Random,
        *,
        watts: float,
        phases: int,
        origin_ms: int,
        exports: bool = True,
        own: Sequence[Phase] = (),
    ) -> None:
        origin_s = origin_ms / 1000
        shares = [rng.uniform(0.8, 1.2) for _ in range(phases)]
        self._phases: Sequence[Phase] = own or [
            PhaseLoad(
                watts * share / sum(shares), _waves(rng), rng.uniform(0.15, 0.45), origin_s, rng.uniform(500, 9_000)
            )
            for share in shares
        ]
        self._exports = exports
        self._volts = [(rng.uniform(228, 233), rng.uniform(0, math.tau)) for _ in range(3)]
        self._hertz_phase = rng.uniform(0, math.tau)

    def at(self, at_ms: int) -> dict[str, float | None]:
        """Every quantity at the instant ``at_ms``; single-phase loads have only L1 and totals."""
        at_s = at_ms / 1000
        truth: dict[str, float | None] = {
            "frequency": 50.0
            + 0.02 * math.sin(at_s / 17.0 + self._hertz_phase)
            + 0.015 * math.sin(at_s / 171.0 + self._hertz_phase)
        }
        volts = [base + 1.8 * math.sin(at_s / 43.0 + p) + 0.9 * math.sin(at_s / 7.3 + 2 * p) for base, p in self._volts]
        self._voltages(truth, volts)
        self._powers(truth, volts, at_s)
        self._energies(truth, at_s)
        return truth

    def _voltages(self, truth: dict[str, float | None], volts: list[float]) -> None:
        lines = [math.sqrt(a * a + b * b + a * b) for a, b in ((volts[0], volts[1]), (volts[1], volts[2]))]
        lines.append(math.sqrt(volts[2] ** 2 + volts[0] ** 2 + volts[2] * volts[0]))
        for number, volt in enumerate(volts[: len(self._phases)], 1):
            truth[f"voltage_l{number}_n"] = volt
        truth["voltage_ln_avg"] = sum(volts) / 3
        truth.update(zip(("voltage_l1_l2", "voltage_l2_l3", "voltage_l3_l1"), lines, strict=True))
        truth["voltage_ll_avg"] = sum(lines) / 3

    def _powers(self, truth: dict[str, float | None], volts: list[float], at_s: float) -> None:
        sums = {"active": 0.0, "reactive": 0.0, "apparent": 0.0}
        amps: list[float] = []
        for number, (load, volt) in enumerate(zip(self._phases, volts, strict=False), 1):
            active = load.power_w(at_s)
            reactive = active * load.tan_phi
            apparent = math.hypot(active, reactive)
            amps.append(apparent / volt)
            for name, value in (("active", active), ("reactive", reactive), ("apparent", apparent)):
                truth[f"{name}_power_l{number}"] = value
                sums[name] += value
            truth[f"current_l{number}"] = amps[-1]
            truth[f"power_factor_l{number}"] = abs(active) / apparent if apparent else 1.0
            truth[f"phase_angle_l{number}"] = math.degrees(math.atan(load.tan_phi))
        for name, value in sums.items():
            truth[f"{name}_power_total"] = value
        whole = math.hypot(sums["active"], sums["reactive"])
        truth["power_factor_total"] = abs(sums["active"]) / whole
        truth["phase_angle_total"] = math.degrees(math.acos(min(1.0, sums["active"] / whole)))
        truth["current_sum"], truth["current_avg"] = sum(amps), sum(amps) / len(amps)
        truth["current_n"] = max(amps) - min(amps)

    def _energies(self, truth: dict[str, float | None], at_s: float) -> None:
        none = 0.0 if self._exports else None
        total_active = total_reactive = 0.0
        for number, load in enumerate(self._phases, 1):
            active = load.energy_kwh(at_s)
            reactive = active * load.tan_phi
            if load.turned:  # counted as given back; the totals are those of the sum of the phases
                total_active -= active
                total_reactive -= reactive
                self._energy_set(truth, f"l{number}", 0.0, 0.0, active if self._exports else None)
                continue
            total_active += active
            total_reactive += reactive
            self._energy_set(truth, f"l{number}", active, reactive, none)
        self._energy_set(truth, "total", total_active, total_reactive, none)
        truth["active_energy_net_total"] = total_active
        truth["apparent_energy_total"] = math.hypot(total_active, total_reactive)

    @staticmethod
    def _energy_set(
        truth: dict[str, float | None], suffix: str, active: float, reactive: float, none: float | None
    ) -> None:
        for name, value in (("active", active), ("reactive", reactive)):
            truth[f"{name}_energy_import_{suffix}"] = value
            truth[f"{name}_energy_export_{suffix}"] = none
            truth[f"{name}_energy_sum_{suffix}"] = value


def _waves(rng: random.Random) -> tuple[Wave, ...]:
    """A day's rhythm, a week's, and the wobble of machines switching; the shares sum to at most 0.9."""
    periods = [
        (0.34, DAY_S),
        (0.12, DAY_S / 2),
        (0.10, WEEK_S),
        (0.12, rng.uniform(500, 1500)),
        (0.10, rng.uniform(60, 180)),
        (0.08, rng.uniform(17, 41)),
        (0.04, rng.uniform(5, 11)),
    ]
    # The day's wave peaks in the early afternoon of UTC+8; the others start anywhere.
    day_phase = -math.pi / 2 + rng.uniform(-0.3, 0.3) + math.tau * 2 / 24
    phases = [day_phase, *(rng.uniform(0, math.tau) for _ in periods[1:])]
    return tuple(Wave(share, math.tau / period, phase) for (share, period), phase in zip(periods, phases, strict=True))
