"""How much of what an RTU line can carry is carried: the far end is as slow as the wire, so 100 % cannot be passed."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from protocols.profile import load_profile
from tests.bench.far_rtu import Exchange, Wire, read_record
from tests.bench.figures import Figure, median
from tests.bench.own_gateway import Table, floats_profile, own_gateway, write_site
from tests.bench.programs import OTHERS, pause, python, running, wait_for

WIRE = Wire(baud=9600, bits=10, turnaround_s=0.005)
REACH = 0.95
UNITS = 8
ROUNDS = 3
WARM_S, MEASURED_S = 4.0, 12.0
MIXED = (
    "eastron/sdm630",
    "eastron/sdm630",
    "eastron/sdm120",
    "carlo-gavazzi/em24",
    "schneider/iem3155",
    "janitza/umg96rm",
    "siemens/pac3200",
    "chint/dtsu666",
)


class Share(NamedTuple):
    """used: of what the wire and the devices allow; bare: of what the wire alone would allow. late_ms: of the far end's
    own answers, median, which counts against the master. hasty: frames sent before the wire's gap was over."""

    used: float
    bare: float
    late_ms: float
    exchanges_per_s: float
    registers_per_s: float
    hasty: int


def share(exchanges: Sequence[Exchange], wire: Wire, silences: Mapping[int, float] | None = None) -> Share:
    """Of exchanges one after the other; ``silences``: what a unit wants before and after its frames, when more."""
    wants = silences or {}
    allowed = bare = 0.0
    hasty = registers = 0
    late = []
    for one, following in pairwise(exchanges):
        least = wire.exchange_s(one)
        bare += least + wire.gap_s
        allowed += least + max(wire.gap_s, wants.get(one.unit, 0.0), wants.get(following.unit, 0.0))
        hasty += following.began - one.ended < wire.gap_s - 0.0001
        registers += one.registers
        late.append((one.ended - one.began - least) * 1000)
    took = exchanges[-1].began - exchanges[0].began
    return Share(allowed / took, bare / took, median(late), (len(exchanges) - 1) / took, registers / took, hasty)


@contextlib.contextmanager
def far_end(folder: Path, wire: Wire = WIRE) -> Iterator[tuple[Path, Path]]:
    """A line, and where its record will be when the block is over."""
    link, record = folder / "line", folder / "record.json"
    options = ("--baud", wire.baud, "--bits", wire.bits, "--turnaround-ms", wire.turnaround_s * 1000)
    argv = python("tests.bench.far_rtu", link, record, *options)
    with running(argv, folder / "far.log", core=OTHERS) as program:
        wait_for(link.exists, "the far end of the line", program)
        yield link, record


def window(record: Path, began: float) -> list[Exchange]:
    """The exchanges of the measured time."""
    return [row for row in read_record(record) if row.began >= began]


def site_tables(link: Path, profiles: Sequence[str]) -> list[Table]:
    """One line with a unit of each profile, each asked for more often than the wire allows."""
    bus: Table = ("[[bus]]", {"name": "line", "kind": "modbus-rtu", "port": str(link), "baud": WIRE.baud})
    return [
        bus,
        *(
            ("[[device]]", {"id": f"m{n}", "profile": profile, "bus": "line", "unit": n, "every": "0.1 s"})
            for n, profile in enumerate(profiles, 1)
        ),
    ]


def ours(folder: Path, profiles: Sequence[str]) -> Share:
    """One run of our gateway on such a line."""
    folder.mkdir(parents=True)
    for points in (1, 30, 60):
        floats_profile(folder, points)
    with far_end(folder) as (link, record):
        with own_gateway(write_site(folder, site_tables(link, profiles))) as gateway:
            pause(WARM_S)
            began = time.monotonic()
            pause(MEASURED_S)
            bus = gateway.snapshot().report.buses[0]
            assert not bus.timeouts and not bus.errors, bus.last_error
        ended = time.monotonic()
    wants = {}
    for unit, name in enumerate(profiles, 1):
        if not name.startswith("bench/"):
            wants[unit] = load_profile(name).silence_s
    return share([row for row in window(record, began) if row.ended < ended - 1], WIRE, wants)


def measure(folder: Path) -> list[Figure]:
    """A row for each length of a request, and one for a line of real meters."""
    cases = [(f"{2 * points} registers", [f"bench/floats-{points}"] * UNITS) for points in (1, 30, 60)]
    cases.append((f"{len(MIXED)} meters of {len(set(MIXED))} models", list(MIXED)))
    return [_figure(folder / str(place), what, profiles) for place, (what, profiles) in enumerate(cases)]


def _figure(folder: Path, what: str, profiles: Sequence[str]) -> Figure:
    runs = [ours(folder / str(turn), profiles) for turn in range(ROUNDS)]
    used = median([run.used for run in runs])
    spread = f"{min(run.used for run in runs):.1%} to {max(run.used for run in runs):.1%}"
    pauses = runs[0].used - runs[0].bare > 0.001
    return Figure(
        f"RTU line used, 9600 baud, {what}",
        f"{used:.1%}",
        f">= {REACH:.0%} of the wire" + (" and the devices' own pauses" if pauses else ""),
        used >= REACH and not any(run.hasty for run in runs),
        f"{spread}, median of {ROUNDS}; {median([run.exchanges_per_s for run in runs]):.1f} exchanges/s, "
        f"{median([run.registers_per_s for run in runs]):.0f} registers/s; 10 bits a character, turnaround 5 ms, "
        f"gap 3.5 characters; far end late by {median([run.late_ms for run in runs]):.2f} ms, counted against us"
        + (f"; {median([run.bare for run in runs]):.1%} of the bare wire" if pauses else ""),
    )
