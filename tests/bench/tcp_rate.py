"""100 Modbus TCP devices, one gateway process: how many points a second arrive in its sealed batches."""

import contextlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.bench.figures import Figure, median, percentile
from tests.bench.own_gateway import Table, floats_profile, own_gateway, sealed, write_site
from tests.bench.programs import OTHERS, Program, pause, python, running, wait_for

POINTS = 50
CASES = ((100, "1 s"), (100, "0.1 s"), (600, "0.1 s"))
"""Devices and their period: as a site would ask, the shortest period there is, and more than a core can do."""
ROUNDS = 3
WARM_S, MEASURED_S = 5.0, 15.0


class Rate(NamedTuple):
    """points_per_s: in sealed batches on disk. period_s, late_s: median and 95th percentile of the time between two
    readings of a device. cpu, far_cpu: shares of a processor, ours and that of all devices together."""

    points_per_s: float
    period_s: float
    late_s: float
    cpu: float
    far_cpu: float


@contextlib.contextmanager
def far_devices(folder: Path, devices: int) -> Iterator[tuple[list[int], Program]]:
    """The ports of running devices, and the process they are in."""
    file = folder / "ports.json"
    with running(python("tests.bench.far_tcp", file, "--devices", devices), folder / "far.log", core=OTHERS) as program:
        wait_for(file.exists, "the devices", program)
        yield json.loads(file.read_text(encoding="utf-8")), program


def site_tables(ports: list[int], profile: str, every: str) -> list[Table]:
    """A bus and a device for each port."""
    tables: list[Table] = []
    for number, port in enumerate(ports):
        bus = {"name": f"b{number:03d}", "kind": "modbus-tcp", "host": "127.0.0.1", "port": port}
        device = {"id": f"m{number:03d}", "profile": profile, "bus": f"b{number:03d}", "unit": 1, "every": every}
        tables += [("[[bus]]", bus), ("[[device]]", device)]
    return tables


def ours(folder: Path, devices: int, every: str) -> Rate:
    """One run of our gateway."""
    folder.mkdir(parents=True)
    profile = floats_profile(folder, POINTS)
    with far_devices(folder, devices) as (ports, far):
        with own_gateway(write_site(folder, site_tables(ports, profile, every))) as gateway:
            pause(WARM_S)
            began, cpu, far_cpu = time.time(), gateway.program.cpu_s(), far.cpu_s()
            pause(MEASURED_S)
            ended, cpu, far_cpu = time.time(), gateway.program.cpu_s() - cpu, far.cpu_s() - far_cpu
    readings, _ = sealed(folder / "buffer.db")
    took = ended - began
    times: defaultdict[str, list[int]] = defaultdict(list)
    count = 0
    for reading in readings:
        if began * 1000 <= reading.observed_at < ended * 1000:
            count += 1
            if reading.point == "voltage_l1_n":
                times[reading.device].append(reading.observed_at)
    assert len(times) == devices, f"{len(times)} of {devices} devices were read"
    gaps = [(later - earlier) / 1000 for each in times.values() for earlier, later in pairwise(each)]
    return Rate(count / took, median(gaps), percentile(gaps, 0.95), cpu / took, far_cpu / took)


def measure(folder: Path) -> list[Figure]:
    """A row for each case."""
    return [_figure(folder / str(place), *case) for place, case in enumerate(CASES)]


def _figure(folder: Path, devices: int, every: str) -> Figure:
    runs = [ours(folder / str(turn), devices, every) for turn in range(ROUNDS)]
    rates = [run.points_per_s for run in runs]
    rate, cpu = median(rates), median([run.cpu for run in runs])
    asked = devices * POINTS / float(every.split()[0])
    return Figure(
        f"{devices} Modbus TCP devices x {POINTS} points every {every}, points/s in sealed batches",
        f"{rate:,.0f}",
        f"{asked:,.0f} asked for",
        rate >= 0.99 * asked if every == "1 s" else None,
        f"{min(rates):,.0f} to {max(rates):,.0f}, median of {ROUNDS}; "
        f"period {median([run.period_s for run in runs]):.3f} s, p95 {median([run.late_s for run in runs]):.3f} s; "
        f"CPU {cpu:.0%} of a core, {cpu / rate * 1e6:.1f} us a point; "
        f"the devices' process {median([run.far_cpu for run in runs]):.0%} of another",
    )
