"""Our gateway as a process with a site file made for a measurement, and what lies in its buffer afterwards."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from edge.status import Snapshot
from edge.status_socket import ask
from protocols.batch import open_batch
from protocols.profile import load_profile
from protocols.reading import Event, Reading
from tests.bench.programs import OURS, Program, python, running, wait_for

Table = tuple[str, Mapping[str, object]]
NOBODY = 9
"""A port on which nobody listens: the uplink stays away, and every sealed batch stays in the buffer."""


def floats_profile(folder: Path, points: int) -> str:
    """Write a profile of that many float32 in a row, in one request; its id."""
    names = [point.name for point in load_profile("eastron/sdm630").points][:points]
    path = folder / "profiles" / "bench" / f"floats-{points}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        "[profile]",
        f'id = "bench/floats-{points}"',
        'vendor = "Bench"',
        f'model = "{points} values in a row"',
        'kind = "meter"',
        'protocol = "modbus"',
        'checked = "data sheets"',
        'sources = ["none: made for a measurement"]',
        "[modbus]",
        'area = "holding"',
        'word_order = "big"',
        "max_registers = 125",
        "[points]",
        *(f'{name} = {{ at = {2 * place}, type = "float32" }}' for place, name in enumerate(names)),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"bench/floats-{points}"


def write_site(folder: Path, tables: Sequence[Table], *, uplink_port: int = NOBODY, flush: str = "1 s") -> Path:
    """A site file with these [[bus]] and [[device]] tables."""
    head: list[Table] = [
        ("[gateway]", {"site": "bench", "id": "bench"}),
        ("[uplink]", {"url": f"mqtt://127.0.0.1:{uplink_port}"}),
        ("[buffer]", {"path": str(folder / "buffer.db"), "max_size": "1 GiB", "flush_every": flush}),
    ]
    text = "".join(
        name + "\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in rows.items()) + "\n"
        for name, rows in [*head, *tables]
    )
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


class OwnGateway:
    """A running gateway."""

    def __init__(self, program: Program, buffer: Path) -> None:
        self.program, self.buffer = program, buffer

    def snapshot(self) -> Snapshot:
        """What its status socket says now."""
        snapshot = ask(self.buffer)
        assert snapshot is not None, f"the gateway is gone; it said:\n  {self.program.last_lines()}"
        return snapshot


@contextlib.contextmanager
def own_gateway(site_file: Path) -> Iterator[OwnGateway]:
    """Our gateway on its own processor, ready when its status socket answers."""
    folder = site_file.parent
    with running(python("edge.cli", "run", site_file), folder / "gateway.log", core=OURS) as program:
        gateway = OwnGateway(program, folder / "buffer.db")
        wait_for(lambda: ask(gateway.buffer) is not None, "the gateway", program)
        yield gateway


def sealed(buffer: Path) -> tuple[list[Reading], list[Event]]:
    """All that stands in the sealed batches of a gateway that has ended, in their order."""
    readings: list[Reading] = []
    events: list[Event] = []
    with contextlib.closing(sqlite3.connect(buffer)) as connection:
        for (payload,) in connection.execute("SELECT payload FROM batch ORDER BY place"):
            batch = open_batch(payload)
            readings += batch.readings()
            events += batch.events
    return readings, events
