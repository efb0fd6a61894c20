"""What each meter of a line has counted: Eastron SDM120 meters, read with pymodbus."""

import struct
from collections.abc import Iterable

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

IMPORT_KWH_AT = 72  # data sheet: input register 30073, 32-bit float, high word first


def energy_kwh(host: str, port: int, units: Iterable[int], timeout_s: float = 0.5) -> dict[int, float | None]:
    """Counted energy by unit id. None for a meter that does not answer; it does not keep us from the others."""
    found: dict[int, float | None] = {}
    with ModbusTcpClient(host, port=port, timeout=timeout_s, retries=0) as client:
        for unit in units:
            found[unit] = _read(client, unit)
    return found


def _read(client: ModbusTcpClient, unit: int) -> float | None:
    try:
        client.connect()  # a time-out has closed the connection
        answer = client.read_input_registers(IMPORT_KWH_AT, count=2, device_id=unit)
    except ModbusException:
        return None
    if answer.isError():
        return None
    return struct.unpack(">f", struct.pack(">2H", *answer.registers))[0]
