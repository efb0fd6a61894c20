"""A Modbus server that is not ours: libmodbus, built from the C file beside this one on first use."""

import functools
import hashlib
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("libmodbus_server.c")

Registers = Mapping[int, int]


@functools.cache
def program() -> Path:
    """The compiled server; fails when gcc or libmodbus are not installed."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    binary = Path(tempfile.gettempdir()) / f"libmodbus-server-{digest}"
    if not binary.exists():
        gcc = shutil.which("gcc")
        assert gcc, "gcc is missing (Debian package gcc)"
        flags = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=False
        )
        assert flags.returncode == 0, "libmodbus is missing (Debian packages libmodbus-dev and pkg-config)"
        with tempfile.TemporaryDirectory(dir=binary.parent) as folder:
            made = Path(folder) / "server"
            subprocess.run([gcc, "-O1", "-o", made, SOURCE, *flags.stdout.split()], check=True)
            made.rename(binary)
    return binary


@contextmanager
def serving_tcp(*, inputs: Registers | None = None, holding: Registers | None = None) -> Iterator[int]:
    """A server on a free port of this machine; yields the port. Answers every unit id."""
    with _running(["tcp"], inputs or {}, holding or {}) as said:
        yield int(said.split()[1])


@contextmanager
def serving_rtu(
    device: str, unit: int, *, baud: int = 9600, inputs: Registers | None = None, holding: Registers | None = None
) -> Iterator[None]:
    """A server on a serial device, answering ``unit``."""
    with _running(["rtu", device, str(baud), str(unit)], inputs or {}, holding or {}):
        yield


@contextmanager
def _running(arguments: list[str], inputs: Registers, holding: Registers) -> Iterator[str]:
    lines = [f"input {address} {value}" for address, value in inputs.items()]
    lines += [f"holding {address} {value}" for address, value in holding.items()]
    process = subprocess.Popen(
        [program(), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write("\n".join([*lines, "go"]) + "\n")
        process.stdin.close()
        said = process.stdout.readline()
        assert said, f"the server did not start (exit {process.wait()})"
        yield said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def float_registers(address: int, value: float) -> dict[int, int]:
    """A float32, high word first."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return {address: high, address + 1: low}


if __name__ == "__main__":
    sys.exit(str(program()))
