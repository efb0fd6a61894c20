"""Sizes follow from rates and what was measured; what a fleet would run into is said."""

import json

import pytest

from cloud.cli import main
from cloud.sizing import MEASURED, Fleet, members_needed, size, warnings

LARGE = Fleet(gateways=10_000, devices=20, points=10, every_s=10.0, flush_s=10.0)
SMALL = Fleet(gateways=50, devices=20, points=10, every_s=10.0, flush_s=10.0)


def value(fleet: Fleet, name: str) -> str:
    return next(row.value for row in size(fleet, MEASURED) if row.name.startswith(name))


def test_rates_are_those_of_all_points_of_all_gateways() -> None:
    assert (LARGE.readings_per_s, LARGE.batches_per_s) == (200_000.0, 1_000.0)
    assert value(LARGE, "series") == "2,000,000"
    assert Fleet(1, 1, 1, every_s=60.0, flush_s=1.0).batches_per_s == 1 / 60, "an empty batch is never sealed"


def test_a_compound_stays_with_the_embedded_store_and_a_large_fleet_does_not() -> None:
    assert value(SMALL, "store") == "embedded (DuckDB), one collector"
    assert value(LARGE, "store").startswith("PostgreSQL and VictoriaMetrics")
    assert members_needed(LARGE, MEASURED) >= 2
    assert value(Fleet(10_000, 20, 1, 60.0, 60.0), "store").startswith("PostgreSQL"), "also for its connections alone"


def test_what_one_group_cannot_carry_is_said_and_what_it_can_is_not() -> None:
    assert any("one ledger holds 80,000" in text for text in warnings(LARGE, MEASURED))
    assert any("batches a second" in text for text in warnings(LARGE._replace(flush_s=0.5), MEASURED))
    assert any("it is one process of one core" in text for text in warnings(LARGE, MEASURED))
    calm = Fleet(3_000, 20, 10, every_s=60.0, flush_s=60.0)
    assert not any("it is one process of one core" in text for text in warnings(calm, MEASURED))
    assert warnings(SMALL, MEASURED) == []


def test_the_command_prints_the_table_and_refuses_what_is_no_fleet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["size", "--gateways", "10000", "--devices", "20", "--points", "3", "--every", "10s", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"][0] == {"name": "readings a second", "value": "60,000", "origin": "computed"}
    assert main(["size", "--gateways", "0"]) == 2
    assert "1 and more" in capsys.readouterr().err
    assert main(["size", "--every", "often"]) == 2
    assert "--every" in capsys.readouterr().err
