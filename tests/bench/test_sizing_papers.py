"""Papers and constants of sizes are what was measured, and nobody typed them."""

import json
from pathlib import Path

import pytest

from tests.bench.sizing import keep
from tests.bench.sizing_papers import CHINESE, CONSTANTS, ENGLISH, FIGURES, back_table, costs, page, source

MEASURED = json.loads(FIGURES.read_text("utf-8"))


def test_pages_and_constants_say_what_was_measured() -> None:
    again = "; write them: python -m tests.bench.sizing_papers"
    for path, chinese in ((ENGLISH, False), (CHINESE, True)):
        text = path.read_text("utf-8")
        assert page(text, MEASURED, chinese=chinese) == text, path.name + again
    text = CONSTANTS.read_text("utf-8")
    assert source(text, MEASURED) == text, CONSTANTS.name + again


def test_what_a_batch_and_a_reading_cost_gives_back_what_was_measured() -> None:
    batch_us, reading_us = costs(MEASURED)["embedded"]
    (told,) = [
        case["figures"]["collector_cpu_s_per_million"]
        for case in MEASURED["cases"]
        if (case["members"], case["gateways"], case["batch"], case["trouble"]) == (0, 50, 100, "")
    ]
    assert batch_us / 100 + reading_us == pytest.approx(told, abs=0.02)


def test_a_fleet_that_came_back_is_a_line_and_what_did_not_end_is_no_figure() -> None:
    figures = {"trouble_1_back_s": 1.25, "trouble_1_acked_again_s": -1.0}
    case = {"members": 0, "gateways": 1000, "batch": 100, "trouble": "cut", "figures": figures}
    line = back_table({"cases": [case]}, False).splitlines()[-1]
    assert line == "| embedded, 1,000 gateways, all cut off at once | 1.2 | – |  |  |  |"


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="needs <!-- measured: rounds -->"):
        page("no marks", MEASURED, chinese=False)


def test_some_cases_replace_their_own_and_never_mix_single_runs_with_medians(tmp_path: Path) -> None:
    path = tmp_path / "sizing.json"
    path.write_text(json.dumps(MEASURED))
    case = {**MEASURED["cases"][0], "figures": {"acked_readings_per_s": 1.0}}
    keep([case], MEASURED["rounds"], path)
    again = json.loads(path.read_text())["cases"]
    assert again == [case, *MEASURED["cases"][1:]]
    with pytest.raises(ValueError, match="measure all, or none"):
        keep([case], MEASURED["rounds"] + 1, path)
