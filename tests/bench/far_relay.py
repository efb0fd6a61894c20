"""A relay module of eight for the measurement of doors, in a process of its own: prints its TCP port and answers."""

import asyncio
import sys

from tests.edge.modbus_line import ModbusLine


async def serve() -> None:
    """Until it is killed."""
    line = ModbusLine({1: {**dict.fromkeys(range(8), 0), 0x8000: 200, 0x4000: 1}})
    async with line.on_tcp() as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
