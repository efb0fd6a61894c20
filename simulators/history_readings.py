"""A history as readings: what stood in the registers of the meters of a scenario, each as its model rounds it.

`History` is the content: columns by meter, and the truth behind them. Nothing of it was ever on a wire.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from protocols.reading import Reading
from simulators.devices.models import MODELS
from simulators.devices.registers import Field
from simulators.energy_world import HISTORY_DAYS_MAX, EnergyWorld
from simulators.plans_modbus import MeterPlan
from simulators.scenario import Scenario
from simulators.world.grid import KNOT_S, Doubles, Longs

DAY_MS = 86_400_000
POINT = "active_energy_import_total"
REACTIVE, REACTIVE_POINT = "b3-main", "reactive_energy_import_total"
VOLUMES = {"water": ("water_volume_total", 1_000), "gas": ("gas_volume_total", 100)}
"""Shapes that are no electricity: their point, and steps of the register in a cubic metre."""
WEATHER, OUTDOOR = "weather", "temperature_c"
FAULTS_DAYS_LEAST = 45
OTHER_MEDIA = [
    MeterPlan(id="b3-water", model="", line="", unit=0, name="B3 water", watts=2_400, shape="water"),
    MeterPlan(id="b1-water", model="", line="", unit=0, name="B1 water", watts=1_500, shape="water"),
    MeterPlan(id="canteen-gas", model="", line="", unit=0, name="Canteen gas", watts=11_000, shape="gas"),
]
"""Litres an hour in place of watts."""
BUILDING = ("main", "lifts", "kitchen", "server", "chiller", *(f"floor-{n}" for n in range(1, 6)))
_OF_BUILDING = {"main": ("corridor", 900), "lifts": ("lifts", 9_000), "kitchen": ("kitchen", 16_000),
                "server": ("server", 4_000), "chiller": ("chiller", 30_000)}  # fmt: skip


class Column(NamedTuple):
    """The readings of one series, by time."""

    device: str
    point: str
    gateway: str
    at: Longs
    value: Doubles


class Chunk(NamedTuple):
    """Readings of one gateway, of a stretch of time."""

    gateway: str
    readings: list[Reading]


def widened(scenario: Scenario, meters: int) -> Scenario:
    """A scenario with so many meters that have a shape: the first of it, or all of it and more buildings like others.

    Faults of meters that are left out are left out, too.
    """
    kept = [meter for meter in scenario.meter if meter.shape][:meters]
    names = {meter.id for meter in kept}
    kept = [meter if meter.parent in names else msgspec.structs.replace(meter, parent="") for meter in kept]
    line = kept[0].line if kept else ""
    building = 0
    while len(kept) < meters:
        building += 1
        for name in BUILDING[: meters - len(kept)]:
            shape, watts = _OF_BUILDING.get(name, ("office", 9_000))
            watts = round(watts * (1 + 0.05 * (building % 7)))
            parent = "" if name == "main" else f"c{building}-main"
            shown = f"C{building} {name}".replace("-", " ")
            plan = MeterPlan(id=f"c{building}-{name}", model="abb/b23", line=line, unit=1, name=shown, watts=watts)
            kept.append(msgspec.structs.replace(plan, shape=shape, parent=parent))
    planted = [each for each in scenario.planted if each.gateway or each.device in {meter.id for meter in kept}]
    return msgspec.structs.replace(scenario, meter=kept, planted=planted)


class History:
    """``days`` of the meters of a scenario until ``until_ms``, a reading every ``every_s`` (a divisor of 900).

    other_media: water and gas meters too, and a sensor of the outdoor temperature (hourly). faults: with those of the
    scenario, as meters that live on after it need them; None: only when it is long enough for them to be found.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        days: int,
        until_ms: int,
        every_s: int = KNOT_S,
        other_media: bool = True,
        faults: bool | None = None,
    ) -> None:
        if not 1 <= days <= HISTORY_DAYS_MAX:
            raise ValueError(f"{days} days of history; 1 to {HISTORY_DAYS_MAX}")
        if not 60 <= every_s <= KNOT_S or KNOT_S % every_s:
            raise ValueError(f"a reading every {every_s} s; a divisor of {KNOT_S} s from 60 s on")
        if not (days >= FAULTS_DAYS_LEAST if faults is None else faults):
            scenario = msgspec.structs.replace(scenario, planted=[])
        if other_media:
            scenario = msgspec.structs.replace(scenario, meter=[*scenario.meter, *OTHER_MEDIA])
        self.scenario, self._other_media = scenario, other_media
        step = every_s * 1000
        self.until_ms = until_ms // step * step
        self.since_ms = self.until_ms - days * DAY_MS
        self.world = EnergyWorld(scenario, until_ms)
        self.at: Longs = np.arange(self.since_ms, self.until_ms, step, dtype=np.int64)
        self._when = self.world.grid(self.since_ms)
        self._kw: dict[str, Doubles] = {}

    @property
    def has_weather(self) -> bool:
        return self._other_media

    @property
    def meters(self) -> list[str]:
        return list(self.world.plans)

    def kw(self, meter: str) -> Doubles:
        """What passes through it at each quarter hour of the history."""
        if meter not in self._kw:
            whole = self.world.own_kw(meter, self._when)
            for child in self.world.children.get(meter, ()):
                whole = whole + self.kw(child)
            self._kw[meter] = whole
        return self._kw[meter]

    def true_kwh(self, meter: str, since: int, until: int) -> float:
        """What truly passed through it between two instants of the history."""
        at = np.array([since, until], np.int64)
        whole = self.world.to_origin(self.kw(meter), int(self._when.knots[0]), at)
        return float(whole[0] - whole[1])

    def columns(self) -> Iterator[Column]:
        """Series by series."""
        first = int(self._when.knots[0])
        for meter, plan in self.world.plans.items():
            shown = self.world.register(meter, self.at, self.kw(meter), first)
            keep = np.ones(len(self.at), bool)
            away = self.world.fault("outage", meter)
            if away is not None:
                keep &= (self.at <= away.since) | (self.at >= away.until)
            point = VOLUMES[plan.shape][0] if plan.shape in VOLUMES else POINT
            yield Column(meter, point, self._gateway(plan), self.at[keep], _rounded(plan, shown[keep]))
        if REACTIVE in self.world.plans:
            yield self._reactive(first)
        if self._other_media:
            hours = self._when.knots % 4 == 0
            at = self._when.knots[hours] * KNOT_S * 1000
            inside = (at >= self.since_ms) & (at < self.until_ms)
            warm = np.round(self._when.outdoor[hours][inside], 1)
            yield Column(WEATHER, OUTDOOR, self.scenario.gateway[0].id, at[inside], warm)

    def outdoor(self) -> tuple[Longs, Doubles]:
        """Hours and their temperatures."""
        column = next(each for each in self.columns() if each.device == WEATHER)
        return column.at, column.value

    def _reactive(self, first: int) -> Column:
        """Of the one meter whose bill has a power factor: its phases keep theirs, so it is a part of the other."""
        plan = self.world.plans[REACTIVE]
        shown = self.world.register(REACTIVE, self.at, self.kw(REACTIVE), first) * self.world.reactive_part(REACTIVE)
        keep = np.ones(len(self.at), bool)
        away = self.world.fault("outage", REACTIVE)
        if away is not None:
            keep &= (self.at <= away.since) | (self.at >= away.until)
        return Column(REACTIVE, REACTIVE_POINT, self._gateway(plan), self.at[keep], np.round(shown[keep], 2))

    def _gateway(self, plan: MeterPlan) -> str:
        of_line = {line.name: line.gateway for line in self.scenario.line}
        return of_line.get(plan.line) or self.scenario.gateway[0].id


def chunks(columns: Sequence[Column], size: int) -> Iterator[Chunk]:
    """Readings of all series by time, about ``size`` together; each with those of one gateway, the oldest first."""
    by_gateway: dict[str, list[Column]] = {}
    for column in columns:
        by_gateway.setdefault(column.gateway, []).append(column)
    edges = _edges(columns, size)
    for since, until in pairwise(edges):
        for gateway, own in by_gateway.items():
            readings: list[Reading] = []
            for column in own:
                low, high = np.searchsorted(column.at, [since, until])
                readings += map(
                    Reading,
                    [column.device] * int(high - low),
                    [column.point] * int(high - low),
                    column.value[low:high].tolist(),
                    column.at[low:high].tolist(),
                )
            if readings:
                yield Chunk(gateway, readings)


def _edges(columns: Sequence[Column], size: int) -> list[int]:
    whole = sum(len(column.at) for column in columns)
    first = min(int(column.at[0]) for column in columns)
    last = max(int(column.at[-1]) for column in columns)
    count = max(1, round(whole / size))
    return [first + (last + 1 - first) * number // count for number in range(count)] + [last + 1]


def _rounded(plan: MeterPlan, shown: Doubles) -> Doubles:
    """As the register of the model has it."""
    if plan.shape in VOLUMES:
        steps = VOLUMES[plan.shape][1]
        whole: Doubles = np.floor(shown * steps) / steps
        return whole
    field = _field(plan)
    if field.kind == "float32":
        return (shown / float(field.scale)).astype(np.float32).astype(np.float64) * float(field.scale)
    places = -int(field.scale.normalize().as_tuple().exponent)
    numbers: npt.NDArray[np.float64] = np.round(np.round(shown / float(field.scale)) * float(field.scale), places)
    return numbers


def _field(plan: MeterPlan) -> Field:
    fields = MODELS[plan.model].installed(ct=plan.ct, pt=plan.pt).fields
    return next(field for field in fields if field.point == POINT)


def resolution(plan: MeterPlan) -> Decimal:
    """What the last digit of its register is worth; of a float: what a display of eight digits shows."""
    if plan.shape in VOLUMES:
        return Decimal(1) / VOLUMES[plan.shape][1]
    field = _field(plan)
    return Decimal("0.01") if field.kind.startswith("float") else abs(field.scale)
