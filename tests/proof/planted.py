"""Plugin of pytest that runs tests against a product with a fault in it; they are meant to fail.

    .venv/bin/python -m pytest -p tests.proof.planted --planted dedup-off tests/cloud/ingest

``--planted-told FILE`` writes which tests passed and which failed, for tests/proof/red.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.proof.planting import plant
from tests.proof.plants import PLANTS

_worst: dict[str, str] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("planted faults")
    group.addoption("--planted", metavar="NAME", choices=list(PLANTS), help="the fault to run with")
    group.addoption("--planted-told", metavar="FILE", type=Path, help="where to write how each test ended")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before any conftest, and so before the product, is imported."""
    name = early_config.known_args_namespace.planted
    if name:
        try:
            plant(PLANTS[name])
        except LookupError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_report_header(config: pytest.Config) -> str:
    return f"planted fault: {config.getoption('planted') or 'none'}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if _worst.get(report.nodeid) != "failed":
        _worst[report.nodeid] = report.outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    told: Path | None = session.config.getoption("planted_told")
    if told is not None:
        told.write_text(json.dumps(_worst), "utf-8")
