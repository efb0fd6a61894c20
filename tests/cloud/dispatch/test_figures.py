"""Figures: worked out by hand, and silent where nothing was measured."""

import msgspec
import pytest

from cloud.dispatch.contract import Measured, RoomSharing
from cloud.dispatch.figures import headline, on_time, quantile, tables
from cloud.dispatch.request import Assigned, ClockState, Rating, Request, Requester, Where, Window
from tests.cloud.dispatch.rig import NINE, ZONE

NOTHING, NO_ROOMS = Measured(None, 0), RoomSharing(0, 0, 0)


def made(number: int, assign_s: float | None, arrive_s: float | None, **fields: object) -> Request:
    at = NINE + number * 60_000

    def clock(limit_s: int, done_s: float | None) -> ClockState:
        return ClockState(at, at + limit_s * 1000, None if done_s is None else at + round(done_s * 1000))

    known: dict[str, object] = {
        "site": "east",
        "number": f"{number:03d}",
        "kind": "vehicle",
        "tier": "real_time",
        "title": "",
        "created_at": at,
        "created_by": "wang",
        "requester": Requester("Wang", "Reception"),
        "origin": Where("gate"),
        "window": Window(at, at + 900_000),
        "duration_min": 30,
        "status": "done",
        "clocks": {"acknowledge": clock(60, assign_s), "assign": clock(120, assign_s), "arrive": clock(600, arrive_s)},
    }
    return Request(**{**known, **fields})  # type: ignore[arg-type]


REQUESTS = [
    made(1, 10, 300),
    made(2, 20, 601),
    made(3, 30, 599, requester=Requester("Sun", "Archive"), rating=Rating(4, "", 0)),
    made(4, 150, None, status="assigned"),
    made(80, 24, 100, tier="4h", opened_at=NINE + 80 * 60_000 - 40_000),
    made(6, None, None, status="new", kind="repair"),
]


def test_quantiles_are_those_of_the_textbook() -> None:
    assert quantile([], 0.5) is None
    assert quantile([7.0], 0.95) == 7.0
    assert quantile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert quantile([0.0, 10.0], 0.95) == 9.5


def test_the_headline_counts_what_it_says() -> None:
    found = headline(REQUESTS, Measured(7.6, 312), NOTHING, NO_ROOMS)
    assert found["dispatch_s"] == {"value": 25.0, "n": 4, "before": 900.0, "compound": 30.0}
    assert found["gate_passage_s"] == {"value": 7.6, "n": 312, "before": 180.0, "compound": 8.0}
    assert found["room_booking_s"]["value"] is None and found["room_booking_s"]["n"] == 0
    assert found["on_time_share"] == {"value": 0.75, "n": 4}
    assert found["filing_s"] == {"value": 40.0, "n": 1}
    assert found["rating"] == {"value": 4.0, "n": 1}
    assert found["rooms_shared"]["rooms"] is None


def test_of_nothing_there_is_no_figure_and_no_zero() -> None:
    found = headline([], NOTHING, NOTHING, NO_ROOMS)
    for name in ("dispatch_s", "gate_passage_s", "room_booking_s", "on_time_share", "filing_s", "rating", "overrides"):
        assert (found[name]["value"], found[name]["n"]) == (None, 0), name
    (row, *_) = tables([], ZONE)["tier"]
    assert row["assign"] == {"n": 0, "p50": None, "p95": None, "breaches": None, "decided": 0}


def test_an_arrival_that_is_overdue_is_late_before_it_happens() -> None:
    waiting = made(1, 10, None, status="under_way")
    clock = msgspec.structs.replace(waiting.clocks["arrive"], step=100)
    overdue = msgspec.structs.replace(waiting, clocks={**waiting.clocks, "arrive": clock})
    assert on_time([waiting]) == Measured(None, 0)
    assert on_time([overdue, made(2, 10, 20)]) == Measured(0.5, 2)


@pytest.mark.parametrize(
    ("table", "name", "requests", "n", "p50", "breaches"),
    [
        ("tier", "real_time", 5, 4, 25.0, 1),
        ("tier", "4h", 1, 1, 24.0, 0),
        ("tier", "24h", 0, 0, None, None),
        ("unit", "Archive", 1, 1, 30.0, 0),
        ("unit", "Reception", 5, 4, 22.0, 1),
        ("hour", "09", 5, 4, 25.0, 1),
        ("hour", "10", 1, 1, 24.0, 0),
        ("kind", "repair", 1, 0, None, None),
    ],
)
def test_tables_have_a_row_each(table: str, name: str, requests: int, n: int, p50: float, breaches: int) -> None:
    (row,) = [row for row in tables(REQUESTS, ZONE)[table] if row["name"] == name]
    assert (row["requests"], row["assign"]["n"], row["assign"]["p50"], row["assign"]["breaches"]) == (
        requests,
        n,
        p50,
        breaches,
    )


def test_an_approved_request_is_counted_from_its_approval() -> None:
    at = NINE
    clocks = {"assign": ClockState(at + 3_600_000, at + 3_720_000, at + 3_630_000)}
    request = made(0, 1, 1, clocks=clocks)
    assert tables([request], ZONE)["tier"][0]["assign"]["p50"] == 30.0


def test_how_often_another_was_sent_than_suggested() -> None:
    def sent(resource: str, suggested: str) -> Request:
        return made(1, 1, 1, assigned=Assigned(resource, "", "li", 0, 0, 0, suggested=suggested))

    found = headline([sent("a", "a"), sent("b", "a"), sent("c", "")], NOTHING, NOTHING, NO_ROOMS)
    assert found["overrides"] == {"value": 1, "n": 2}
