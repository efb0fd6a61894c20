"""From a reader's message in the gateway to the strike's write handed to the wire, with 50,000 cards on the list.

A whole gateway on real wires: eight readers at a mosquitto, a relay module of eight on Modbus TCP in a process of its
own, which is polled every second beside. Measured inside the gateway, from the MQTT driver's first touch of the message
to the bytes of the pulse given to the socket; and from outside, from the publish to that instant. Quiet, and with 200
reads a second at one of the readers while a new list of 50,000 cards is taken over.
"""

import asyncio
import contextlib
import json
import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiomqtt

from edge.access.records import Records
from edge.cards import open_card_keys
from edge.contract import LinkMessage
from edge.drivers.mqtt import MqttDriver
from edge.gateway import Gateway
from edge.identity_files import IdentityFiles
from edge.modbus_wire import TcpLink
from edge.settings import load_site
from protocols.clock import SystemClock
from protocols.grants import CARDS_MAX, Card, Grant, GrantDoor, GrantList, columns, seal_grants
from protocols.reading import Event
from protocols.schedules import Schedule
from protocols.settled_memory import settled_memory
from protocols.signing import public_of, sign
from tests.bench.figures import Figure, percentile
from tests.bench.own_gateway import Table, write_site
from tests.edge.mosquitto import mosquitto

DOORS, TAPS, PAUSE_S = 8, 200, 0.05
FLOOD_PER_S = 200
REACH_MS = 20.0
SEED = b"b" * 32
TAPPED = 1000
"""Cards that are tapped; the others lie on the list."""


class Seen(NamedTuple):
    """One tap. ms: inside the gateway, and from the publish."""

    inside: float
    outside: float


class Stopwatch:
    """Looks at the two ends of the way inside the gateway."""

    def __init__(self, patch: contextlib.ExitStack) -> None:
        self.came: dict[bytes, float] = {}
        self.struck: asyncio.Queue[float] = asyncio.Queue()
        self.deciding: list[float] = []
        accept, send, add = MqttDriver._accept, TcpLink.send, Records.add

        async def timed_accept(driver: MqttDriver, link: Any, message: LinkMessage, arrival: Any) -> bool:
            self.came[message.payload] = time.perf_counter()
            return await accept(driver, link, message, arrival)

        def timed_send(link: TcpLink, frame: bytes) -> None:
            send(link, frame)
            if len(frame) == 12 and frame[7] == 5 and struct.unpack(">H", frame[8:10])[0] >= 0x200:
                self.struck.put_nowait(time.perf_counter())

        def seen_add(records: Records, event: Event) -> None:
            add(records, event)
            if event.kind == "access_granted":
                self.deciding.append(float(str(event.data["decision_ms"])))

        looks = (MqttDriver, "_accept", timed_accept), (TcpLink, "send", timed_send), (Records, "add", seen_add)
        for kind, name, timed in looks:
            patch.callback(setattr, kind, name, getattr(kind, name))
            setattr(kind, name, timed)


def a_list(keys: list[str], number: int) -> bytes:
    """As full as a list may be, for the doors of the measurement."""
    rng = random.Random(number)
    rest = [f"{rng.getrandbits(128):032x}" for _ in range(CARDS_MAX - len(keys))]
    cards = [Card(key, place, place % 200) for place, key in enumerate([*keys, *rest])]
    doors = [GrantDoor(id=f"d{place}", passback="soft") for place in range(DOORS)]
    now = SystemClock().now_ms()
    grants = GrantList(
        site="bench",
        gateway="bench",
        number=number,
        issued_at=now,
        expires_at=now + 7 * 86_400_000,
        time_zone="Asia/Shanghai",
        doors=doors,
        schedules=[Schedule(id="always", week=[[(0, 720), (720, 1440)]] * 7)],
        sets=[[Grant(door.id, "always", None, now + 86_400_000 + place) for door in doors] for place in range(200)],
        cards=columns(cards),
    )
    return seal_grants(grants, lambda text: sign(SEED, text))


@contextlib.contextmanager
def relay() -> Iterator[int]:
    """The TCP port of a relay module that lives elsewhere."""
    words = [sys.executable, "-m", "tests.bench.far_relay"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def site(folder: Path, readers: int, module: int) -> Path:
    """Eight doors."""
    local = ("[[bus]]", {"name": "local", "kind": "mqtt", "url": f"mqtt://127.0.0.1:{readers}"})
    io = ("[[bus]]", {"name": "io", "kind": "modbus-tcp", "host": "127.0.0.1", "port": module})
    strike = {"id": "relays", "profile": "waveshare/relay-8", "bus": "io", "unit": 1, "every": "1 s"}
    tables: list[Table] = [local, io, ("[[device]]", strike)]
    for place in range(DOORS):
        reader = {"id": f"r{place}", "profile": "tasmota/wiegand", "bus": "local", "topic": f"r{place}"}
        tables.append(("[[device]]", reader))
    for place in range(DOORS):
        door: dict[str, object] = {"id": f"d{place}", "lock": "fail-secure", "reader_in": [f"r{place}"]}
        door |= {"zone_in": "inside", "zone_out": "yard", "strike.device": "relays", "strike.pulse": "1 s"}
        tables.append(("[[door]]", {**door, "strike.point": f"relay_{place + 1}"}))
    return write_site(folder, tables)


@contextlib.asynccontextmanager
async def gateway(path: Path) -> AsyncIterator[Gateway]:
    """In this process, so that the stopwatch sees both ends."""
    running = Gateway(load_site(path), clock=SystemClock(), rng=random.Random(1))
    task = asyncio.create_task(running.run(), name="gateway")
    try:
        with settled_memory():
            yield running
    finally:
        running.close()
        await task


async def taps(watch: Stopwatch, client: aiomqtt.Client, first: int, many: int) -> list[Seen]:
    """One after the other, at one door after the other; the first one, which is flooded otherwise, is left out."""
    seen = []
    for place in range(first, first + many):
        reader = 1 + place % (DOORS - 1)
        payload = body(place % TAPPED)
        began = time.perf_counter()
        await client.publish(f"tele/r{reader}/SENSOR", payload)
        struck = await asyncio.wait_for(watch.struck.get(), 5)
        seen.append(Seen((struck - watch.came[payload]) * 1000, (struck - began) * 1000))
        await asyncio.sleep(PAUSE_S)
    return seen


def number_of(place: int) -> int:
    return 1_000_000 + 7 * place


def body(place: int) -> bytes:
    return json.dumps({"Wiegand": {"UID": number_of(place), "Size": 26}}).encode()


async def flood(client: aiomqtt.Client, sent: list[int]) -> None:
    """Strangers' cards at one reader."""
    while True:
        sent[0] += 1
        await client.publish("tele/r0/SENSOR", body(100_000 + sent[0]))
        await asyncio.sleep(1 / FLOOD_PER_S)


async def measure(folder: Path) -> list[Figure]:
    """Both states."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as patch:
        broker, module = patch.enter_context(mosquitto(folder)), patch.enter_context(relay())
        watch = Stopwatch(patch)
        patch.callback(setattr, IdentityFiles, "command_key", IdentityFiles.command_key)
        IdentityFiles.command_key = lambda _: public_of(SEED)  # type: ignore[method-assign]
        path = site(folder, broker.port, module)
        keys = open_card_keys(load_site(path).gateway.card_key_file)
        tapped = [keys.key(str(number_of(place)), "wiegand26") for place in range(TAPPED)]
        first, second = a_list(tapped, 1), a_list(tapped, 2)
        async with gateway(path) as running, aiomqtt.Client("127.0.0.1", broker.port) as client:
            lists = running._access.lists  # type: ignore[union-attr]
            await holding(lists, first, 1)
            while any(driver.report().state != "up" for driver in running._drivers):
                await asyncio.sleep(0.1)
            await taps(watch, client, 0, 20)
            watch.deciding.clear()
            quiet = await taps(watch, client, 20, TAPS)
            deciding, watch.deciding = watch.deciding, []
            sent = [0]
            flooding = asyncio.create_task(flood(client, sent), name="flood")
            taking = asyncio.create_task(later(lists, second), name="new-list")
            loud = await taps(watch, client, 20 + TAPS, TAPS)
            flooding.cancel()
            await taking
            left_out = running._access.left_out  # type: ignore[union-attr]
            module_ok = next(each for each in running.snapshot().report.devices if each.id == "relays")
    return [
        _figure("a card at a reader to the strike's write at the wire, p50 / p99 / worst", quiet, deciding, "quiet"),
        _figure(
            f"the same with {FLOOD_PER_S} reads/s at another reader and a new list, p50 / p99 / worst",
            loud,
            watch.deciding,
            f"{sent[0]} reads, {left_out} of them left out; the module polled every "
            f"{module_ok.achieved_s or 0:.2f} s of 1 s, {module_ok.failures} failures; list of {len(second):,} bytes",
        ),
    ]


async def holding(lists: Any, payload: bytes, number: int) -> None:
    await lists.hear(LinkMessage("t", payload, 1, True, False, 1))
    while lists.held is None or lists.held.grants.number != number:
        await asyncio.sleep(0.05)


async def later(lists: Any, payload: bytes) -> None:
    await asyncio.sleep(TAPS * PAUSE_S / 2)
    await holding(lists, payload, 2)


def _figure(name: str, seen: list[Seen], deciding: list[float], note: str) -> Figure:
    inside, outside = [each.inside for each in seen], [each.outside for each in seen]
    middle, late = percentile(inside, 0.5), percentile(inside, 0.99)
    return Figure(
        name,
        f"{middle:.1f} / {late:.1f} / {max(inside):.1f} ms",
        f"p99 <= {REACH_MS:g} ms",
        late <= REACH_MS,
        f"{len(seen)} taps, {CARDS_MAX:,} cards, Modbus TCP; from the publish {percentile(outside, 0.5):.1f} / "
        f"{percentile(outside, 0.99):.1f} ms; deciding alone {percentile(deciding, 0.5):.2f} / "
        f"{percentile(deciding, 0.99):.2f} ms; load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores; {note}",
    )
