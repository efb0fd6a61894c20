"""Fixtures that run our real gateway and collector; part of `simulators.pytest_plugin`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# Loaded in every run of pytest: what the fixtures need is imported when one of them is used.
if TYPE_CHECKING:
    from simulators.verify import Verdict
    from simulators.workshop import Workshop
    from simulators.workshop_broker import LocalBroker
    from simulators.workshop_collector import RunningCollector
    from simulators.workshop_devices import SimulatedBus, SimulatedDevice
    from simulators.workshop_gateway import RunningGateway
    from simulators.workshop_hardware import SimulatedHardware


@pytest.fixture
def _gateways() -> list[RunningGateway]:
    """All gateways of a test."""
    return []


@pytest.fixture
def gateway(
    _workshop: Workshop,
    _playing: list[SimulatedHardware],
    _gateways: list[RunningGateway],
    broker: LocalBroker,
) -> Iterator[Callable[..., RunningGateway]]:
    """``gateway()`` starts our real gateway, ``dayuan-edge run``, with a site file for all devices made so far.

    ``gateway(meter, reader, every="1 s")``: for these devices only. ``more``: TOML to add to the site file.
    ``gateway(site_file=path)``: with a site file of yours, for its uplink ``broker.url`` and ``broker.password_file``.
    ``.status()``: as ``dayuan-edge status --json``; ``.wait_device("meter", "lost")``; ``.backlog()``.
    ``.write("module", "relay_1", "pulse", lasting="3s")``: a command to a device, as by ``dayuan-edge write``.
    ``.stop()``, ``.kill()`` (SIGKILL), ``.start()`` again, ``.pause()``, ``.resume()``.
    ``.id``, ``.log``, ``.site_file``, ``.buffer``: where things are.
    """
    from simulators.pytest_plugin import needs
    from simulators.workshop_collector import SITE
    from simulators.workshop_gateway import RunningGateway, write_site_file
    from simulators.workshop_hardware import SimulatedHardware

    needs("edge", "the fixture `gateway`, our real gateway,")

    def make(
        *devices: SimulatedBus | SimulatedDevice | SimulatedHardware,
        site_file: Path | str | None = None,
        every: str = "1 s",
        flush_every: str = "200 ms",
        more: str = "",
    ) -> RunningGateway:
        if site_file is None:
            owners = [device if isinstance(device, SimulatedHardware) else device.hardware for device in devices]
            path = write_site_file(
                _workshop,
                list(dict.fromkeys(owners or _playing)),
                broker,
                gateway=_workshop.new_name("gateway"),
                site=SITE,
                every=every,
                flush_every=flush_every,
                more=more,
            )
        else:
            path = Path(site_file)
        made = RunningGateway(_workshop, path)
        _gateways.append(made)
        made.start()
        return made

    yield make
    for each in _gateways:
        each.close()


@pytest.fixture
def collector(_workshop: Workshop, broker: LocalBroker) -> Iterator[RunningCollector]:
    """Our real collector, ``dayuan-cloud run``, on a free port, with an empty data folder and a token of its own.

    ``.readings(device, point, at_least=0, within_s=15)``: what is stored, oldest first (``at`` in ms, ``value``,
    ``quality``, ``reason``, and the batch); waits until there are ``at_least`` so many.
    ``.events(device="", kind="", at_least=0)``: ``at``, ``device``, ``kind``, ``data``. ``.alarms(at_least=0)``.
    ``.url``, ``.token``, ``.username``, ``.password``, ``.get(path, **query)``: page and HTTP API, see docs/API.md.
    ``.stop()``, ``.kill()``, ``.start()`` again; ``.log``, ``.data``.
    """
    from simulators.pytest_plugin import needs
    from simulators.workshop_collector import RunningCollector

    needs("cloud", "the fixture `collector`, our real collector,")
    made = RunningCollector(_workshop, broker)
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def verify(
    _workshop: Workshop,
    _playing: list[SimulatedHardware],
    _gateways: list[RunningGateway],
    collector: RunningCollector,
) -> Callable[..., Verdict]:
    """``verify()`` compares what the devices gave the gateways with what the collector stored: the end of a test.

    Devices fall silent, gateways send what they hold (``within_s=60``), then every value is compared to the last bit:
    ``assert verify().ok``. The verdict has ``produced``, ``stored``, ``missing``, ``duplicated``, ``altered``; as text
    it says what differs, and what was rightly left out (in a deadband, in the memory of a killed gateway).
    Every gateway and the collector must run. Read no meter of a gateway by yourself in such a test.
    """
    from simulators.workshop_verdict import verdict_of

    def compare(*, within_s: float = 60.0) -> Verdict:
        if not _gateways:
            pytest.fail("verify() compares what a gateway was given: start one with the fixture `gateway`")
        return verdict_of(_workshop, _playing, _gateways, collector, within_s=within_s)

    return compare
