"""Ports that vanish and hosts with few connections: the poller gets over them by itself, and says so once."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import termios
from pathlib import Path

import pytest
import serial

from edge.drivers.modbus import open_bus
from edge.modbus_frames import ReadRequest
from edge.settings import BusSettings
from protocols.clock import SystemClock
from protocols.errors import WireLost
from tests.edge.modbus_line import ModbusLine
from tests.edge.test_modbus_driver import SIX_VALUES, device, driving, own_profile, tcp
from tests.waiting import until

PROFILES = {"t/t": own_profile()}


def port(path: Path) -> BusSettings:
    return BusSettings(name="serial", kind="modbus-rtu", timeout_s=0.2, serial_port=str(path), baud=115200)


async def test_a_usb_adapter_that_is_pulled_out_and_comes_back_under_another_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="edge")
    link = tmp_path / "ttyUSB0"
    line = ModbusLine({1: SIX_VALUES, 2: SIX_VALUES}, framing="rtu")
    other = ModbusLine({1: SIX_VALUES}, framing="tcp")
    async with other.on_tcp() as where, driving(tcp(where), [device("o", 1, "t/t")], PROFILES) as (untouched, _):
        first = line.on_pty()
        node = await first.__aenter__()
        link.symlink_to(node)
        async with driving(port(link), [device("m", 1, "t/t"), device("n", 2, "t/t")], PROFILES) as (driver, sink):
            await until(lambda: len(sink.taken) > 20)
            await first.__aexit__(None, None, None)
            link.unlink()
            await until(lambda: driver.report().state == "down")
            assert {report.state for report in driver.device_reports()} == {"failing"}
            kept = os.openpty()  # so that the next one gets another number
            async with line.on_pty() as again:
                assert again != node
                link.symlink_to(again)
                await until(lambda: all(report.state == "ok" for report in driver.device_reports()), within_s=10)
                assert driver.report().state == "up"
        assert untouched.device_reports()[0].failures == 0
    for end in kept:
        os.close(end)
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == f"bus serial is down, its devices wait: {link}: No such file or directory"
    assert said[1].startswith("bus serial is up again after ")
    assert len(said) == 2


async def test_an_adapter_that_breaks_while_it_is_opened_is_a_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object) -> None:
        raise termios.error(5, "Input/output error")

    monkeypatch.setattr(serial.Serial, "reset_input_buffer", broken)
    async with ModbusLine({}, framing="rtu").on_pty() as node:
        bus = open_bus(port(Path(node)), SystemClock(), random.Random(1))
        with pytest.raises(WireLost, match=f"{node}: Input/output error"):
            await bus.ask(ReadRequest(1, 3, 0, 1))


class OneConnection:
    """A host that takes one connection: the newest (``newest``), or the first while it lasts."""

    def __init__(self, line: ModbusLine, newest: bool) -> None:
        self.line, self.newest = line, newest
        self.turned_away = 0

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.newest:
            self.line.drop_connections()
        elif self.line.now_open:
            self.turned_away += 1
            writer.transport.abort()
            return
        await self.line._connection(reader, writer)


async def serve(host: OneConnection) -> tuple[asyncio.Server, int]:
    server = await asyncio.start_server(host.connection, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def test_a_host_with_one_connection_is_never_asked_for_a_second() -> None:
    line = ModbusLine({1: SIX_VALUES, 2: SIX_VALUES}, framing="tcp")
    # Now and then the connection has to be given up; the old one is gone before the new one is asked for.
    line.fault = lambda asked: "id" if asked.number % 10 == 5 else ""
    host = OneConnection(line, newest=False)
    server, where = await serve(host)
    async with driving(tcp(where), [device("m", 1, "t/t"), device("n", 2, "t/t")], PROFILES) as (driver, _):
        await until(lambda: min(report.polls for report in driver.device_reports()) >= 12)
        assert [report.state for report in driver.device_reports()] == ["ok", "ok"]
        assert line.connections >= 3
        assert host.turned_away == 0
    server.close()


async def test_a_host_that_drops_the_older_connection_for_another_master_s_costs_no_miss() -> None:
    line = ModbusLine({1: SIX_VALUES}, framing="tcp")
    host = OneConnection(line, newest=True)
    server, where = await serve(host)
    async with driving(tcp(where), [device("m", 1, "t/t")], PROFILES) as (driver, sink):
        for count in range(1, 5):
            await until(lambda n=count: len(sink.of("m", "current_l1")) >= 2 * n)
            _, writer = await asyncio.open_connection("127.0.0.1", where)
            await until(lambda n=count: len(sink.of("m", "current_l1")) >= 2 * n + 1)
            writer.close()
        assert driver.device_reports()[0].failures == 0
        assert driver.report().timeouts == driver.report().errors == 0
    server.close()


async def test_a_host_that_closes_idle_connections_costs_no_miss() -> None:
    line = ModbusLine({1: SIX_VALUES}, framing="tcp")
    async with line.on_tcp() as where:
        async with driving(tcp(where), [device("m", 1, "t/t")], PROFILES) as (driver, sink):
            for count in range(1, 6):
                await until(lambda n=count: len(sink.of("m", "current_l1")) >= n)
                line.drop_connections()
            await until(lambda: len(sink.of("m", "current_l1")) >= 6)
            assert line.connections >= 5
            assert driver.device_reports()[0].failures == 0
            assert driver.report().timeouts == driver.report().errors == 0


@pytest.mark.parametrize("code", [10, 11])
async def test_a_unit_that_its_gateway_cannot_reach_is_silent_and_its_neighbour_keeps_the_connection(code: int) -> None:
    line = ModbusLine({1: SIX_VALUES, 2: SIX_VALUES}, framing="tcp")
    line.fault = lambda asked: f"exception {code}" if asked.unit == 2 else ""
    async with line.on_tcp() as where:
        async with driving(tcp(where), [device("m", 1, "t/t"), device("n", 2, "t/t")], PROFILES) as (driver, _):
            await until(lambda: driver.device_reports()[0].polls >= 10)
            well, silent = driver.device_reports()
            assert (well.state, well.failures) == ("ok", 0)
            assert silent.state == "failing"
            assert f"exception {code}, gateway" in silent.last_error
            assert driver.report().timeouts >= 2
            assert line.connections == 1
