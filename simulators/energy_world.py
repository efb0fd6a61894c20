"""What the meters of a scenario measure when they have shapes: loads, what passes through which meter, planted faults.

One truth for the past and for now: `history` asks for registers at any instants before the origin, live meters go on
from the origin. A meter measures what it feeds itself (``watts``, ``shape``) and all meters whose ``parent`` it is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from protocols.settings import duration
from simulators.devices.models import MODELS
from simulators.plans_energy import PlantedKind, PlantedPlan
from simulators.plans_modbus import MeterPlan
from simulators.scenario import Scenario
from simulators.world.china_days import is_off
from simulators.world.grid import KNOT_S, Doubles, Grid, Longs, grid
from simulators.world.load import MeteredLoad, PhaseShare
from simulators.world.shapes import LEAST, SHAPES, in_use, power
from simulators.world.walk import Going, Together, Walk, energy_at

HISTORY_DAYS_MAX = 800
_MEAN_SHARE, _STEADY_SHARE, _STEADY = 0.55, 0.95, ("server", "guard", "corridor", "lights")
"""No load takes more of its full power on average."""
NIGHT_SHARE = 0.3
"""Of the full load: what is left on by night."""
NEW_METER_KWH = 0.37
TAN_PHI = (0.15, 0.45)


class Planted(NamedTuple):
    """One fault, by the clock: ``since`` and ``until`` in ms UTC; ``until`` is the origin for what goes on."""

    kind: PlantedKind
    meters: tuple[str, ...]
    since: int
    until: int


class EnergyWorld:
    """The meters of a scenario that have a shape. ``origin_ms``: when the history ends and live meters begin."""

    def __init__(self, scenario: Scenario, origin_ms: int) -> None:
        self._scenario, self.origin_ms = scenario, origin_ms
        self.plans = {plan.id: plan for plan in scenario.meter if plan.shape}
        self.planted = tuple(self._plant(plan) for plan in scenario.planted)
        self._walks: dict[str, Walk] = {}

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """What each meter feeds, through meters of its own."""
        found: dict[str, list[str]] = {}
        for plan in self.plans.values():
            if plan.parent:
                found.setdefault(plan.parent, []).append(plan.id)
        return found

    def fault(self, kind: PlantedKind, meter: str) -> Planted | None:
        """The fault of this kind that a meter has."""
        return next((each for each in self.planted if each.kind == kind and meter in each.meters), None)

    def full_kw(self, meter: str) -> float:
        """The most that may pass through it in mild weather."""
        return self.plans[meter].watts / 1000 + sum(self.full_kw(child) for child in self.children.get(meter, ()))

    # --- live ---

    def load(self, meter: str) -> MeteredLoad:
        """What the simulated meter measures from the origin on."""
        plan = self.plans[meter]
        rng = self._rng(meter)
        phases = _phases(plan)
        shares, tans = self._shares(meter), [rng.uniform(*TAN_PHI) for _ in range(phases)]
        going = self._going(meter)
        turned = self.fault("reversed_ct", meter)
        own = []
        for number, (share, tan_phi) in enumerate(zip(shares, tans, strict=True)):
            if turned is not None and number == phases - 1:
                back = share * float(self.energy(meter, np.array([turned.since]))[0])
                own.append(PhaseShare(going, share, tan_phi, back, turned=True))
            else:
                own.append(PhaseShare(going, share, tan_phi, 0.0))
        missing = self.register_now(meter) - sum(-each.start_kwh if each.turned else each.start_kwh for each in own)
        straight = [each for each in own if not each.turned]
        part = missing / sum(each.share for each in straight)
        own = [each if each.turned else PhaseShare(going, each.share, each.tan_phi, part * each.share) for each in own]
        return MeteredLoad(
            rng, watts=plan.watts, phases=phases, origin_ms=self.origin_ms, exports=plan.exports, own=own
        )

    def _going(self, meter: str) -> Going:
        children = self.children.get(meter, ())
        own = self._walk(meter)
        return Together([own, *(self._going(child) for child in children)]) if children else own

    def _walk(self, meter: str) -> Walk:
        if meter not in self._walks:
            plan = self.plans[meter]
            shape = SHAPES[plan.shape]
            least = max(LEAST, min(share for _, share in (*shape.work, *shape.off)) * 0.5) * plan.watts / 1000
            self._walks[meter] = Walk(
                self._scenario.seed,
                self._scenario.time_zone,
                meter,
                lambda when: self.own_kw(meter, when),
                self.origin_ms / 1000,
                least,
            )
        return self._walks[meter]

    # --- columns ---

    def own_kw(self, meter: str, when: Grid) -> Doubles:
        """What it feeds without another meter between."""
        plan = self.plans[meter]
        full = plan.watts / 1000
        kw = power(f"{self._scenario.seed}:{meter}", SHAPES[plan.shape], full, when)
        left_on = self.fault("night_load", meter)
        if left_on is not None:
            kw = kw + np.where(
                when.knots * KNOT_S * 1000 >= left_on.since, NIGHT_SHARE * full * (1 - in_use(when)), 0.0
            )
        return kw

    def kw(self, meter: str, when: Grid) -> Doubles:
        """All that passes through it."""
        whole = self.own_kw(meter, when)
        for child in self.children.get(meter, ()):
            whole = whole + self.kw(child, when)
        return whole

    def energy(self, meter: str, at_ms: Longs) -> Doubles:
        """What passes through it from each of these instants to the origin (kWh); all lie before it, in order."""
        when = self.grid(int(at_ms[0]))
        return self.to_origin(self.kw(meter, when), int(when.knots[0]), at_ms)

    def grid(self, since_ms: int) -> Grid:
        """The quarter hours from an instant to the origin."""
        first = since_ms // (KNOT_S * 1000)
        count = self.origin_ms // (KNOT_S * 1000) - first + 3
        return grid(self._scenario.seed, self._scenario.time_zone, first, count)

    def register(self, meter: str, at_ms: Longs, kw: Doubles | None = None, first: int = 0) -> Doubles:
        """What the import register would show at instants before the origin, were its digits endless.

        kw, first: what `kw` gives on `grid`, and the number of its first knot; worked out when it is not given.
        """
        if kw is None:
            when = self.grid(int(at_ms[0]))
            kw, first = self.kw(meter, when), int(when.knots[0])
        to_go = self.to_origin(kw, first, at_ms)
        now, began = self.register_now(meter), int(at_ms[0])
        turned, changed = self.fault("reversed_ct", meter), self.fault("meter_change", meter)
        if turned is not None:
            counted = self.counted_share(meter)
            if began >= turned.since:
                return now - counted * to_go
            from_then = float(self.to_origin(kw, first, np.array([turned.since]))[0])
            after: Doubles = now - counted * np.minimum(to_go, from_then) - np.maximum(to_go - from_then, 0)
            return after
        if changed is not None and began < changed.since:
            from_then = float(self.to_origin(kw, first, np.array([changed.since]))[0])
            return np.where(at_ms < changed.since, self.old_final(meter) - (to_go - from_then), now - to_go)
        shown: Doubles = now - to_go
        return shown

    def register_now(self, meter: str) -> float:
        """What it shows at the origin."""
        changed = self.fault("meter_change", meter)
        if changed is None:
            return self._start(meter)
        return NEW_METER_KWH + float(self.energy(meter, np.array([changed.since]))[0])

    def reactive_part(self, meter: str) -> float:
        """Reactive energy as a part of the active."""
        rng = self._rng(meter)
        return sum(share * rng.uniform(*TAN_PHI) for share in self._shares(meter))

    def old_final(self, meter: str) -> float:
        """What the old meter showed when it was exchanged."""
        return self._start(meter)

    def counted_share(self, meter: str) -> float:
        """The part of what passes that it counts with a turned transformer."""
        return 1 - 2 * self._shares(meter)[-1]

    def to_origin(self, kw: Doubles, first: int, at_ms: Longs) -> Doubles:
        """What passes from each instant to the origin (kWh) of a load of ``kw`` from the knot ``first`` on."""
        whole = energy_at(first, kw, np.append(at_ms, self.origin_ms) / 1000)
        left: Doubles = whole[-1] - whole[:-1]
        return left

    def _start(self, meter: str) -> float:
        """More than it can have counted in the longest history there is."""
        least = self._mean_kw(meter) * 24 * HISTORY_DAYS_MAX
        return least * (1 + 0.2 * random.Random(f"{self._scenario.seed}:{meter}:start").random())

    def _mean_kw(self, meter: str) -> float:
        plan = self.plans[meter]
        own = plan.watts / 1000 * (_STEADY_SHARE if plan.shape in _STEADY else _MEAN_SHARE)
        return own + sum(self._mean_kw(child) for child in self.children.get(meter, ()))

    def _shares(self, meter: str) -> list[float]:
        """Of the phases. A meter with a turned transformer has even ones: that is how it is found."""
        even = 0.002 if self.fault("reversed_ct", meter) else 0.2
        rng = random.Random(f"{self._scenario.seed}:{meter}:phases")
        parts = [rng.uniform(1 - even, 1 + even) for _ in range(_phases(self.plans[meter]))]
        return [part / sum(parts) for part in parts]

    def _rng(self, meter: str) -> random.Random:
        return random.Random(f"{self._scenario.seed}:{meter}")

    # --- faults ---

    def _plant(self, plan: PlantedPlan) -> Planted:
        zone = ZoneInfo(self._scenario.time_zone)
        day = datetime.fromtimestamp(self.origin_ms / 1000, zone).date() - timedelta(days=plan.days_ago)
        while plan.kind == "outage" and (is_off(day) or is_off(day - timedelta(days=1))):
            day -= timedelta(days=1)
        since = _at(day, plan.at, zone)
        until = since + round(duration(plan.lasting) * 1000) if plan.kind == "outage" else self.origin_ms
        return Planted(plan.kind, self._touched(plan), since, until)

    def _touched(self, plan: PlantedPlan) -> tuple[str, ...]:
        if not plan.gateway:
            return (plan.device,)
        lines = {line.name for line in self._scenario.line if line.gateway == plan.gateway}
        return tuple(meter.id for meter in self.plans.values() if meter.line in lines)


def loads_of(scenario: Scenario, origin_ms: int) -> dict[str, MeteredLoad]:
    """What the meters with a shape measure."""
    world = EnergyWorld(scenario, origin_ms)
    return {meter: world.load(meter) for meter in world.plans}


def _phases(plan: MeterPlan) -> int:
    return plan.phases or (MODELS[plan.model].phases if plan.model in MODELS else 1)


def _at(day: date, clock: str, zone: ZoneInfo) -> int:
    hour, _, minute = clock.partition(":")
    local = datetime(day.year, day.month, day.day, int(hour), int(minute), tzinfo=zone)
    return round(local.timestamp() * 1000)


__all__: Sequence[str] = ("EnergyWorld", "Planted", "loads_of")
