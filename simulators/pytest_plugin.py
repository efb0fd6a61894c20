"""Fixtures for people who test something against our simulated hardware. Found by pytest where this is installed.

    def test_my_reader(modbus_meter):
        meter = modbus_meter("eastron/sdm630", unit=7)
        ...                                  # read it at meter.host, meter.port with whatever is under test
        assert meter.served("active_power_total") == [...]

docs/TESTING.md leads from nothing to a green test. The hardware runs in a thread of its own, so tests may be of any
kind, with or without asyncio. Everything listens on the loopback address, on free ports, and ends with its test.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Loaded in every run of pytest: what the fixtures need is imported when one of them is used.
if TYPE_CHECKING:
    from protocols.clock import ManualClock
    from simulators.workshop import Workshop
    from simulators.workshop_broker import LocalBroker
    from simulators.workshop_hardware import SimulatedHardware

pytest_plugins = ("simulators.pytest_plugin_devices", "simulators.pytest_plugin_processes")

NEEDS = {
    "edge": ("aiomqtt", "paho", "serial"),
    "cloud": ("aiomqtt", "paho", "fastapi", "uvicorn", "duckdb", "numpy", "sqlalchemy", "alembic", "argon2"),
}
"""Modules of an extra, by the name they are imported by."""

_WORKSHOP = pytest.StashKey["Workshop"]()
_FAILED = pytest.StashKey[bool]()


def needs(extra: str, what: str) -> None:
    """Fail with what to install when a module of an extra is missing, which ``what`` needs."""
    missing = [name for name in NEEDS[extra] if importlib.util.find_spec(name) is None]
    if missing:
        pytest.fail(
            f"{what} cannot run without the Python modules {', '.join(missing)}: "
            f"pip install 'dayuan[{extra}]' (or 'dayuan[pytest]', which has all)",
            pytrace=False,
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("dayuan", "simulated hardware").addoption(
        "--dayuan-keep",
        metavar="DIR",
        type=Path,
        help="copy the ledger, logs, site files and stores of each failed test to a folder in DIR",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows where its ledger is, and how the logs of its processes end."""
    report = yield
    if report.failed and report.when in ("setup", "call") and _WORKSHOP in item.stash:
        from simulators.workshop_failed import told

        item.stash[_FAILED] = True
        report.sections.append(("simulated hardware", told(item.stash[_WORKSHOP])))
    return report


@pytest.fixture
def fake_clock() -> ManualClock:
    """A clock that only the test moves: ``advance(seconds)`` wakes who sleeps on it, ``step(ms)`` moves the wall clock.

    Give it to what is under test, if that takes a `protocols.clock.Clock`. Simulated devices and processes do not: they
    live in real time.
    """
    from protocols.clock import ManualClock

    return ManualClock()


@pytest.fixture
def _workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """The thread and the folder of everything that is simulated in a test."""
    needs("edge", "simulated devices")
    from simulators.workshop import Workshop
    from simulators.workshop_failed import keep

    workshop = Workshop(tmp_path_factory.mktemp("dayuan"))
    request.node.stash[_WORKSHOP] = workshop
    yield workshop
    del request.node.stash[_WORKSHOP]
    workshop.close()
    folder: Any = request.config.getoption("--dayuan-keep")
    if folder is not None and request.node.stash.get(_FAILED, False):
        keep(workshop, folder, request.node.nodeid)


@pytest.fixture
def broker(_workshop: Workshop) -> Iterator[LocalBroker]:
    """An MQTT broker: mosquitto where it is installed, else an embedded one. Nobody anonymous.

    ``broker.host``, ``port``, ``url``, ``username``, ``password()``, ``password_file``: for what is under test; the
    account may use every topic.
    ``broker.listen(filter).messages(at_least=1, within_s=5)``: what is published from now on, each with ``topic``,
    ``payload`` and ``retain``.
    ``broker.publish(topic, payload, retain=False)``: returns when the broker has it.
    ``broker.stop()``, ``kill()``, ``start()``: an outage; ``broker.log``: its log file.
    """
    from simulators.workshop_broker import LocalBroker, NoBroker

    try:
        made = LocalBroker(_workshop)
    except NoBroker as error:
        pytest.fail(str(error), pytrace=False)
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def _playing(_workshop: Workshop) -> Iterator[list[SimulatedHardware]]:
    """All hardware of a test."""
    playing: list[SimulatedHardware] = []
    yield playing
    for hardware in playing:
        hardware.close()
