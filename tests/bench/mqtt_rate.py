"""MQTT devices of four dialects, one gateway on one processor: messages a second into sealed batches, none lost."""

import contextlib
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.bench.far_mqtt import DIALECTS, EACH, device_id, number_of, readings_of
from tests.bench.figures import Figure, median
from tests.bench.own_gateway import Table, own_gateway, sealed, write_site
from tests.bench.programs import OTHERS, pause, python, running, wait_for
from tests.edge.mosquitto import free_port

MESSAGES = 20_000
ROUNDS = 3
GIVES_UP_S = 180.0


class Rate(NamedTuple):
    """messages_per_s: from the first publish to the commit of the last batch. offered_per_s: what the publisher made.
    cpu_us: of the gateway, a message. lost, doubled: messages that are not in the buffer, or are twice."""

    messages_per_s: float
    readings_per_s: float
    offered_per_s: float
    cpu_us: float
    cpu: float
    lost: int
    doubled: int


@contextlib.contextmanager
def broker(folder: Path, inflight: int) -> Iterator[int]:
    """The port of a mosquitto that queues without limit; ``inflight``: unanswered messages to a client at a time."""
    port = free_port()
    program_path = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    conf = folder / "mosquitto.conf"
    conf.write_text(
        f"user root\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages {inflight}\n"
        f"listener {port} 127.0.0.1\n",
        encoding="utf-8",
    )
    with running([program_path, "-c", str(conf)], folder / "mosquitto.log", core=OTHERS) as program:
        wait_for(lambda: "running" in program.log.read_text(), "the broker", program)
        yield port


def site_tables(port: int) -> list[Table]:
    """One bus and EACH devices of every dialect."""
    devices: list[Table] = [
        (
            "[[device]]",
            {
                "id": device_id(which, place),
                "profile": dialect.profile,
                "bus": "local",
                "topic": dialect.topic(place),
            },
        )
        for which, dialect in enumerate(DIALECTS)
        for place in range(EACH)
    ]
    return [("[[bus]]", {"name": "local", "kind": "mqtt", "url": f"mqtt://127.0.0.1:{port}"}), *devices]


def ours(folder: Path, inflight: int, messages: int = MESSAGES) -> Rate:
    """One run of our gateway."""
    folder.mkdir(parents=True)
    report = folder / "report.json"
    with broker(folder, inflight) as port, own_gateway(write_site(folder, site_tables(port))) as gateway:
        wait_for(lambda: gateway.snapshot().report.buses[0].state == "up", "the subscription", gateway.program)
        cpu = gateway.program.cpu_s()
        with running(python("tests.bench.far_mqtt", port, messages, report), folder / "far.log", core=OTHERS) as far:
            wait_for(report.exists, "the publisher", far, within_s=GIVES_UP_S)
            deadline = time.monotonic() + GIVES_UP_S
            expected = readings_of(messages)
            while gateway.snapshot().report.backlog_readings < expected and time.monotonic() < deadline:
                pause(0.1)
        cpu = gateway.program.cpu_s() - cpu
    times = json.loads(report.read_text(encoding="utf-8"))
    with contextlib.closing(sqlite3.connect(folder / "buffer.db")) as connection:
        stored = connection.execute("SELECT max(sealed_at) FROM batch WHERE readings > 0").fetchone()[0] / 1000
    readings, _ = sealed(folder / "buffer.db")
    numbers = [number for number in map(number_of, readings) if number is not None]
    took = stored - times["began"]
    return Rate(
        messages / took,
        len(readings) / took,
        messages / (times["ended"] - times["began"]),
        cpu / messages * 1e6,
        cpu / took,
        messages - len(set(numbers)),
        len(numbers) - len(set(numbers)),
    )


def measure(folder: Path) -> list[Figure]:
    """A row for the broker as it is installed, and one for a broker that does not wait for acknowledgements."""
    return [_figure(folder / "20", "", 20), _figure(folder / "0", ", the broker's window open", 0)]


def _figure(folder: Path, how: str, inflight: int) -> Figure:
    runs = [ours(folder / str(turn), inflight) for turn in range(ROUNDS)]
    rates = [run.messages_per_s for run in runs]
    lost, doubled = sum(run.lost for run in runs), sum(run.doubled for run in runs)
    return Figure(
        f"MQTT messages/s of {len(DIALECTS)} dialects to sealed batches, one core{how}",
        f"{median(rates):,.0f}",
        "none lost, none twice",
        lost == doubled == 0,
        f"{min(rates):,.0f} to {max(rates):,.0f}, median of {ROUNDS}; {lost} lost, {doubled} twice of "
        f"{ROUNDS * MESSAGES:,}; QoS 1 acknowledged from disk; {median([run.readings_per_s for run in runs]):,.0f} "
        f"readings/s; {median([run.cpu_us for run in runs]):.0f} us CPU a message; publisher: another process, "
        f"{median([run.offered_per_s for run in runs]):,.0f}/s; broker and publisher on the other core",
    )
