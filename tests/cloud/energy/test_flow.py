"""Where energy goes, and what stands in gaps."""

import numpy as np

from cloud.energy.contract import BASE_MS, Flag, Source, missing
from cloud.energy.flow import CHILDREN_MAX, flow
from cloud.energy.gaps import gaps
from cloud.energy.pages import Total
from cloud.energy.structure import Meter, Structure


def total(micro: int | None) -> Total:
    source = Source.MISSING if micro is None else Source.MEASURED
    return Total(micro, BASE_MS, BASE_MS, BASE_MS, micro or 0, source, 0)


def meter(name: str, parent: str = "") -> Meter:
    return Meter(id=name, name=name, parent=parent, device=name, point="p")


def test_what_no_meter_measured_is_the_rest() -> None:
    structure = Structure(meters=(meter("main"), meter("a", "main"), meter("b", "main")))
    found = flow(structure, [meter("main")], {"main": total(100), "a": total(60), "b": total(30)})
    assert [(each.source, each.target, each.kind, each.micro) for each in found.branches] == [
        ("", "main", "meter", 100),
        ("main", "a", "meter", 60),
        ("main", "b", "meter", 30),
        ("main", "main-", "rest", 10),
    ]


def test_a_child_of_which_nothing_is_known_leaves_no_rest_and_is_named() -> None:
    structure = Structure(meters=(meter("main"), meter("a", "main"), meter("b", "main")))
    found = flow(structure, [meter("main")], {"main": total(100), "a": total(60), "b": total(None)})
    assert "rest" not in {each.kind for each in found.branches}
    assert found.unknown == ("b",)


def test_children_that_measure_more_are_told_and_no_rest_is_negative() -> None:
    structure = Structure(meters=(meter("main"), meter("a", "main")))
    found = flow(structure, [meter("main")], {"main": total(100), "a": total(130)})
    assert found.exceeding == {"main": 30}
    assert all(each.micro > 0 for each in found.branches)


def test_many_small_children_are_shown_together_and_nothing_is_lost() -> None:
    names = [f"m{n}" for n in range(CHILDREN_MAX + 6)]
    structure = Structure(meters=(meter("main"), *(meter(name, "main") for name in names)))
    totals = {name: total(10 + n) for n, name in enumerate(names)}
    whole = sum(each.micro or 0 for each in totals.values())
    found = flow(structure, [meter("main")], {"main": total(whole + 5), **totals})
    below = [each for each in found.branches if each.source == "main"]
    assert sum(each.micro for each in below) == whole + 5
    assert [each.meters for each in below if each.kind == "others"] == [6]


def test_gaps_are_runs_of_what_was_not_measured() -> None:
    found = missing(0, 8 * BASE_MS)
    found.source[:] = [0, 0, 4, 4, 3, 1, 0, 0]
    found.micro[:] = [5, 5, 0, 0, 7, 9, 5, 5]
    found.covered_ms[:] = np.where(found.source == Source.MISSING, 0, BASE_MS)
    found.flags[4] = Flag.UNCERTAIN
    assert [(each.since // BASE_MS, each.until // BASE_MS, each.source, each.micro) for each in gaps(found)] == [
        (2, 4, Source.MISSING, None),
        (4, 5, Source.ESTIMATED, 7),
        (5, 6, Source.INTERPOLATED, 9),
    ]


def test_an_interval_that_is_measured_in_part_lacks_the_rest() -> None:
    found = missing(0, 2 * BASE_MS)
    found.source[:], found.micro[:], found.covered_ms[:] = 0, 5, [BASE_MS, BASE_MS // 3]
    (gap,) = gaps(found)
    assert (gap.source, gap.micro, gap.covered_ms) == (Source.MISSING, None, BASE_MS // 3)
