"""What kinds of loads there are: how each goes through a day, and what the weather does to it.

``power`` gives kW (for water and gas: cubic metres an hour) at the quarter hours of a grid.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulators.world.grid import Doubles, Grid, noise

Course = tuple[tuple[float, float], ...]
"""(hour, share of the full load); straight lines between."""


class Shape(NamedTuple):
    """cool, heat: share of the full load for each degree above ``COOL_ABOVE`` or below ``HEAT_BELOW``, as far as the
    building is in use. always: the part of the weather's load that does not ask whether it is. rough: how much quarter
    hours differ by chance; days: how much days do."""

    work: Course
    off: Course
    cool: float = 0.0
    heat: float = 0.0
    always: float = 0.0
    rough: float = 0.05
    days: float = 0.06


COOL_ABOVE, HEAT_BELOW = 21.0, 12.0
LEAST = 0.01
"""No load is ever quite off: a meter that stood still would be a fault."""

_IN_USE: Course = ((0, 0), (6, 0), (7, 0.3), (8.5, 1), (11.6, 1), (12.2, 0.75), (13.3, 0.75), (14, 1), (17.3, 1),
                   (18.5, 0.4), (20, 0.12), (22, 0.03), (24, 0))  # fmt: skip
_IN_USE_OFF: Course = ((0, 0), (8, 0), (9.5, 0.1), (16, 0.1), (18, 0), (24, 0))

SHAPES: dict[str, Shape] = {
    "office": Shape(
        ((0, 0.13), (6, 0.13), (7.3, 0.35), (8.5, 0.93), (11.6, 1), (12.2, 0.66), (13.3, 0.64), (14, 0.96),
         (17.2, 0.94), (18.3, 0.5), (20, 0.22), (22.5, 0.14), (24, 0.13)),
        ((0, 0.12), (8, 0.12), (10, 0.2), (16, 0.19), (18, 0.13), (24, 0.12)), cool=0.012, heat=0.010,
    ),
    "corridor": Shape(
        ((0, 0.35), (6, 0.35), (7, 0.9), (18, 0.9), (20, 0.6), (23, 0.35), (24, 0.35)),
        ((0, 0.35), (8, 0.35), (10, 0.45), (18, 0.45), (20, 0.35), (24, 0.35)), rough=0.03, days=0.02,
    ),
    "lifts": Shape(
        ((0, 0.06), (6.5, 0.06), (7.5, 0.5), (8.3, 1), (9.2, 0.45), (11.5, 0.5), (12, 0.9), (12.8, 0.45), (13.6, 0.8),
         (14.3, 0.4), (17, 0.5), (17.6, 1), (18.5, 0.3), (20, 0.1), (24, 0.06)),
        ((0, 0.06), (9, 0.08), (11, 0.14), (16, 0.12), (19, 0.06), (24, 0.06)), rough=0.16,
    ),
    "kitchen": Shape(
        ((0, 0.07), (4.5, 0.07), (5.5, 0.55), (7, 0.8), (8.3, 0.35), (9.3, 0.6), (10.5, 1), (11.8, 0.95), (13, 0.45),
         (14, 0.16), (15.5, 0.3), (17, 0.6), (18, 0.4), (19.3, 0.1), (24, 0.07)),
        ((0, 0.07), (10, 0.08), (12, 0.16), (14, 0.08), (24, 0.07)), rough=0.1,
    ),
    "server": Shape(((0, 0.86), (24, 0.86)), ((0, 0.84), (24, 0.84)), cool=0.006, always=1.0, rough=0.015, days=0.01),
    "pumps": Shape(
        ((0, 0.2), (5.5, 0.2), (7, 0.75), (9, 0.55), (11.5, 0.9), (13, 0.5), (17, 0.6), (19, 0.3), (24, 0.2)),
        ((0, 0.2), (9, 0.25), (18, 0.28), (24, 0.2)), rough=0.12,
    ),
    "chiller": Shape(((0, 0.02), (24, 0.02)), ((0, 0.02), (24, 0.02)), cool=0.062, heat=0.035, always=0.06, days=0.08),
    "boiler": Shape(((0, 0.05), (5, 0.1), (7, 0.3), (12, 0.2), (18, 0.1), (24, 0.05)), ((0, 0.05), (24, 0.05)),
                    heat=0.05, always=0.35),
    "lights": Shape(((0, 1), (5.6, 1), (6.2, 0.02), (17.6, 0.02), (18.3, 1), (24, 1)),
                    ((0, 1), (5.6, 1), (6.2, 0.02), (17.6, 0.02), (18.3, 1), (24, 1)), rough=0.02, days=0.01),
    "chargers": Shape(
        ((0, 0.3), (3, 0.12), (7.5, 0.1), (9, 0.6), (11, 0.45), (13, 0.5), (15, 0.2), (17.5, 0.5), (19, 0.9), (21, 0.8),
         (24, 0.3)),
        ((0, 0.2), (6, 0.1), (11, 0.25), (18, 0.3), (21, 0.35), (24, 0.2)), rough=0.2, days=0.15,
    ),
    "guard": Shape(((0, 0.55), (6, 0.5), (8, 0.7), (17, 0.7), (20, 0.9), (23, 0.6), (24, 0.55)),
                   ((0, 0.55), (8, 0.65), (20, 0.9), (23, 0.6), (24, 0.55)), cool=0.02, heat=0.02, always=0.8),
    "water": Shape(
        ((0, 0.03), (6, 0.05), (8.5, 0.7), (10, 0.6), (11.8, 1), (13, 0.5), (16, 0.6), (18, 0.35), (21, 0.08),
         (24, 0.03)),
        ((0, 0.03), (9, 0.1), (18, 0.12), (24, 0.03)), cool=0.01, rough=0.15,
    ),
    "gas": Shape(
        ((0, 0.02), (5, 0.02), (6, 0.5), (8, 0.3), (10, 0.8), (12, 0.9), (13.5, 0.1), (16.5, 0.5), (18.5, 0.1),
         (24, 0.02)),
        ((0, 0.02), (24, 0.02)), heat=0.03, always=0.2, rough=0.1,
    ),
}  # fmt: skip


def power(name: str, shape: Shape, full: float, when: Grid) -> Doubles:
    """What a load of ``full`` kW at most (in mild weather) takes; ``name`` is what makes it unlike others."""
    hour = when.minute / 60
    course = np.where(when.off, _along(shape.off, hour), _along(shape.work, hour))
    chance = (1 + shape.days * noise(f"{name}:day", when.day)) * (1 + shape.rough * noise(name, when.knots))
    in_use = np.where(when.off, _along(_IN_USE_OFF, hour), _along(_IN_USE, hour))
    share = shape.always + (1 - shape.always) * in_use
    weather = shape.cool * np.maximum(when.outdoor - COOL_ABOVE, 0) + shape.heat * np.maximum(
        HEAT_BELOW - when.outdoor, 0
    )
    found: Doubles = full * np.maximum(course * chance + weather * share * (0.5 + 0.5 * chance), LEAST)
    return found


def in_use(when: Grid) -> Doubles:
    """How far the building is in use, 0 to 1."""
    hour = when.minute / 60
    found: Doubles = np.where(when.off, _along(_IN_USE_OFF, hour), _along(_IN_USE, hour))
    return found


def _along(course: Course, hour: Doubles) -> Doubles:
    found: Doubles = np.interp(hour, [each[0] for each in course], [each[1] for each in course])
    return found
