"""Where energy goes: from the topmost meters through those they feed, with what none of these measured."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cloud.energy.pages import Total
from cloud.energy.structure import Meter, Structure

DEPTH_MAX = 3
CHILDREN_MAX = 14
"""Of one meter; the smaller ones are shown together."""


class Branch(NamedTuple):
    """What went from ``source`` (a meter, or "" for the whole site) to ``target``.

    kind: ``meter`` (``target`` is one), ``others`` (``meters`` smaller ones together), ``rest`` (no meter of this one
    measured it). micro: in millionths, above 0.
    """

    source: str
    target: str
    kind: str
    micro: int
    meters: int = 1


class Flow(NamedTuple):
    """unknown: meters of which nothing is known; exceeding: meters that fed less than those they feed measured, by how
    much (millionths)."""

    branches: tuple[Branch, ...]
    unknown: tuple[str, ...]
    exceeding: Mapping[str, int]


def flow(structure: Structure, tops: Sequence[Meter], totals: Mapping[str, Total]) -> Flow:
    """What the meters used. Where a child is unknown, what is left of its meter is no rest and is not told."""
    branches: list[Branch] = []
    unknown: list[str] = []
    exceeding: dict[str, int] = {}

    def spread(source: str, meters: Sequence[Meter], depth: int) -> int | None:
        known = [(meter, _micro(totals.get(meter.id))) for meter in meters]
        lacking = [meter.id for meter, micro in known if micro is None]
        unknown.extend(lacking)
        fed = sorted(((micro, meter) for meter, micro in known if micro), key=lambda each: (-each[0], each[1].id))
        for micro, meter in fed[:CHILDREN_MAX]:
            if micro > 0:
                branches.append(Branch(source, meter.id, "meter", micro))
                descend(meter, micro, depth)
        others = [(micro, meter) for micro, meter in fed[CHILDREN_MAX:] if micro > 0]
        if others:
            branches.append(Branch(source, f"{source}+", "others", sum(micro for micro, _ in others), len(others)))
        return None if lacking else sum(micro for micro, _ in fed)

    def descend(meter: Meter, micro: int, depth: int) -> None:
        children = structure.children.get(meter.id, ())
        if not children or depth >= DEPTH_MAX:
            return
        used = spread(meter.id, children, depth + 1)
        if used is None:
            return
        if used < micro:
            branches.append(Branch(meter.id, f"{meter.id}-", "rest", micro - used))
        elif used > micro:
            exceeding[meter.id] = used - micro

    spread("", tops, 1)
    return Flow(tuple(branches), tuple(unknown), exceeding)


def _micro(total: Total | None) -> int | None:
    return None if total is None else total.micro
