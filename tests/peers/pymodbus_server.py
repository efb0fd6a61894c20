"""A Modbus server that is not ours: pymodbus' own. Registers that are not given are refused with exception 2."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


@asynccontextmanager
async def serving(units: Mapping[int, Mapping[int, int]], *, rtu: bool = False) -> AsyncIterator[int]:
    """Serve the registers of ``units`` for functions 3 and 4; yields the port. ``rtu``: RTU frames in the stream."""
    devices = [SimDevice(unit, simdata=_runs(registers)) for unit, registers in units.items()]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    framer = FramerType.RTU if rtu else FramerType.SOCKET
    server = ModbusTcpServer(devices, framer=framer, address=("127.0.0.1", port), ignore_missing_devices=True)
    await server.serve_forever(background=True)
    try:
        yield port
    finally:
        await server.shutdown()


def _runs(registers: Mapping[int, int]) -> list[SimData]:
    runs: list[tuple[int, list[int]]] = []
    for address in sorted(registers):
        if runs and address == runs[-1][0] + len(runs[-1][1]):
            runs[-1][1].append(registers[address])
        else:
            runs.append((address, [registers[address]]))
    return [SimData(address, values=words, datatype=DataType.REGISTERS) for address, words in runs]
