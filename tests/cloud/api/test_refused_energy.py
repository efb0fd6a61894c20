"""What energy refuses with, as the pages know it: each code has words in both languages, and what people meet, too."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cloud.energy.contract import EnergyFault, Ratio, Register, Replaced
from cloud.energy.eras import Eras
from cloud.energy.feature import RECORDS_MAX
from tests.cloud.api.console import ConsoleApi, console
from tests.cloud.api.test_energy import DAYS, ready
from tests.cloud.energy.test_reckoner import DAY, MIDNIGHT

__all__ = ["console", "ready"]

ROOT = Path(__file__).parents[3]
WEB = ROOT / "cloud" / "web"
ROUTES = (
    "energy*.py",
    "tariffs.py",
    "bills.py",
    "baseline.py",
    "analysis.py",
    "calendar_seed.py",
    "tokens.py",
    "outdoor.py",
)
SHARED = ("place_answers.py", "times.py")
LINE = re.compile(r'^  \[/(.+)/, "(refused\.\w+)"\],$', re.MULTILINE)
SOURCE = (WEB / "app" / "refused_energy.js").read_text(encoding="utf-8")
SAID = [(re.compile(pattern.replace("(?<", "(?P<")), key) for pattern, key in LINE.findall(SOURCE)]
MADE_OF_MANY = {"bad_structure", "bad_basis", "bad_tariff", "bad_factors", "bad_plan"}
"""What is wrong with these is named by its place in what was sent: it stands beside the words."""

BY_FIELD = "bad_request"
"""Says which field of what was sent is wrong; ``refused.js`` has texts for what is said of fields."""


def words(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((WEB / "i18n" / f"{language}.json").read_text(encoding="utf-8"))
    return found


def codes() -> Iterator[tuple[str, str]]:
    """File and code of every refusal that routes of energy, tariffs and tokens can answer with."""
    for pattern in (*ROUTES, *SHARED):
        for path in sorted((ROOT / "cloud" / "api").glob(pattern)):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ApiError" and len(node.args) > 1:
                    code = node.args[1]
                elif isinstance(node, ast.Dict):
                    at = [getattr(key, "value", None) for key in node.keys]
                    code = node.values[at.index("code")] if {"code", "message"} <= set(at) else None
                else:
                    continue
                if isinstance(code, ast.Constant):
                    yield path.name, str(code.value)


def said(message: str) -> str:
    """The text the page has for what the collector says; "" for none."""
    return next((key for pattern, key in SAID if pattern.search(message)), "")


def test_every_code_of_energy_has_words_in_both_languages() -> None:
    found = set(codes())
    assert {"bad_record", "no_bill", "energy", "bad_structure", "cannot_close"} <= {code for _, code in found}
    for language in ("en", "zh-CN"):
        lacking = {each for each in found if f"refused.{each[1]}" not in words(language)}
        assert {each for each in lacking if each[1] != BY_FIELD} == set(), language


def test_codes_whose_message_says_more_are_known_to_the_page() -> None:
    listed = set(re.findall(r'"(\w+)"', SOURCE[SOURCE.index("const CODES") :].split("\n", 1)[0]))
    assert listed > MADE_OF_MANY
    assert listed <= {code for _, code in codes()}


@pytest.mark.parametrize(("pattern", "key"), SAID, ids=[key for _, key in SAID])
def test_a_text_has_a_hole_for_what_its_pattern_finds_and_no_other(pattern: re.Pattern[str], key: str) -> None:
    for language in ("en", "zh-CN"):
        assert set(re.findall(r"\{(\w+)\}", words(language)[key])) <= set(pattern.groupindex), language


async def test_what_a_record_is_refused_with_has_words(ready: ConsoleApi) -> None:
    record: dict[str, Any] = {"type": "replaced", "at": MIDNIGHT + 5000, "final": "812.5", "initial": "0"}
    path = "/api/v1/energy/records/east/main"
    async with await ready.client() as client:
        assert (await client.post(f"{path}?why=x", json=record)).status_code == 201
        for body, where in (
            (record, path),
            ({**record, "at": 2**42}, path),
            ({**record, "at": MIDNIGHT + 9000, "final": "1e99"}, path),
            ({"type": "ratio", "at": MIDNIGHT, "ct": "0", "pt": "1"}, path),
            ({"type": "struck", "since": MIDNIGHT + 5, "until": MIDNIGHT}, path),
            (record, "/api/v1/energy/records/east/rest"),
        ):
            error = (await client.post(f"{where}?why=x", json=body)).json()["error"]
            assert error["code"] == "bad_record"
            assert said(error["message"]), error
        blank = (await client.post(f"{path}?why=%20", json=record)).json()["error"]
        assert said(blank["message"]) == "refused.e_reason"
    assert said(f"main has {RECORDS_MAX} records; more are not kept of one meter")


async def test_what_a_number_that_does_not_open_is_refused_with_has_words(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        asks: list[tuple[str, dict[str, Any]]] = [
            ("opening", {"site": "east", "meter": "main", "at": MIDNIGHT + 9 * DAY}),
            ("opening", {"site": "east", "meter": "rest", "at": MIDNIGHT}),
            ("balance", {**DAYS, "meter": "lifts"}),
        ]
        for path, query in asks:
            error = (await client.get(f"/api/v1/energy/{path}", params=query)).json()["error"]
            assert error["code"] == "energy", error
            assert said(error["message"]), error


async def test_what_a_bill_is_refused_with_has_words(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        ask = {"site": "east", "meter": "main", "from": "2026-10-01", "until": "2026-11-01"}
        none = (await client.get("/api/v1/bill", params=ask)).json()["error"]
        assert (none["code"], said(none["message"])) == ("no_bill", "refused.e_bill_none")
        long = (await client.get("/api/v1/bill", params={**ask, "from": "2020-01-01"})).json()["error"]
        assert said(long["message"]) == "refused.e_bill_days"


async def test_what_closing_is_refused_with_has_words(ready: ConsoleApi) -> None:
    async with await ready.client() as client:
        for first, until in ((date(2026, 1, 1), date(2199, 1, 1)), (date(2031, 1, 1), date(2031, 2, 1))):
            body = {"from": first.isoformat(), "until": until.isoformat()}
            error = (await client.post("/api/v1/energy/ledger/east?why=month", json=body)).json()["error"]
            assert error["code"] == "cannot_close", error
            assert said(error["message"]), error


def test_what_a_register_cannot_be_has_words() -> None:
    tried: list[tuple[Register, list[Ratio | Replaced]]] = [
        (Register(resolution=Decimal("0.0000001")), []),
        (Register(resolution=Decimal(10**9), multiplier=Decimal(10**9)), []),
        (Register(), [Ratio(at=0, ct=Decimal(0), pt=Decimal(1))]),
        (Register(), [Replaced(at=5, final=Decimal(n), initial=Decimal(0)) for n in (1, 2)]),
    ]
    for register, records in tried:
        with pytest.raises(EnergyFault) as fault:
            Eras(register, records)
        assert said(str(fault.value)), str(fault.value)
