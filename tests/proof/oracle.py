"""What was produced, promised and done: the record of the one process that no fault ever touches.

A reading's value is a function of which reading it is (device, point, n), and so is the card of a tap (device, n): what
is stored later names the reading it was. Promises are gathered from what can be seen from outside: a batch that was
published or lay in the buffer of a killed gateway was committed there; a batch that an ack names is in the store.
"""

from __future__ import annotations

import zlib
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from protocols.ack import parse_ack
from protocols.batch import digest, peek
from protocols.errors import BadAck, BadBatch
from simulators.told_matching import card_key

SALT = 256
"""A value is n * SALT + salt: n up to 65,535 fits a float32 to the last bit."""
N_MAX = 65_535

BatchName = tuple[str, str, int]
"""gateway, epoch, seq."""


def salt(device: str, point: str) -> int:
    """What tells the values of one series from those of the next."""
    return zlib.crc32(f"{device}/{point}".encode()) % SALT


def card(place: int, n: int) -> str:
    """The number on the card of tap ``n`` at the tag with this place."""
    return f"{place + 1:02X}{n:06X}"


class Life(NamedTuple):
    """One run of a process, as it ended. ``clean``: it was asked to stop and did."""

    started_at: int
    ended_at: int
    code: int
    clean: bool
    fail_point: str = ""


@dataclass
class Meter:
    """The answers of one meter: when the n-th (from 1) was given, and to which life of its gateway."""

    gateway: str
    points: tuple[str, ...]
    at: array[int] = field(default_factory=lambda: array("q"))
    life: array[int] = field(default_factory=lambda: array("l"))

    @property
    def answers(self) -> int:
        return len(self.at)


@dataclass
class Tap:
    """One card at one tag. ``faulty_broker``: the broker between may be killed, and loses what it just confirmed."""

    device: str
    gateway: str
    n: int
    faulty_broker: bool
    attempts: int = 0
    confirmed_at: int | None = None


@dataclass
class Promise:
    """A batch that must be in the store, byte for byte this one. ``seen``: how often it was published."""

    digest: str
    payload: bytes
    seen: int = 0


class Oracle:
    """Everything is told to it as it happens; nothing here waits or fails."""

    def __init__(self, secret: bytes) -> None:
        self.meters: dict[str, Meter] = {}
        self.taps: dict[str, Tap] = {}
        self.lives: dict[str, list[Life]] = {}
        self.promises: dict[BatchName, Promise] = {}
        self.acked: set[BatchName] = set()
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.broker_emptied_at: list[int] = []
        """When the broker that is killed came back without anything: its own file was damaged by the kill."""
        self._secret = secret
        self._salts: dict[str, npt.NDArray[np.float64]] = {}

    # What devices give away

    def add_meter(self, device: str, gateway: str, points: tuple[str, ...]) -> None:
        self.meters[device] = Meter(gateway, points)
        self._salts[device] = np.array([salt(device, point) for point in points], np.float64)

    def answer(self, device: str, at: int, life: int) -> bytes:
        """The registers of the next answer; it counts as given."""
        meter = self.meters[device]
        meter.at.append(at)
        meter.life.append(life)
        if meter.answers > N_MAX:
            raise OverflowError(f"{device} has no more numbers")
        values = self._salts[device] + float(meter.answers * SALT)
        return values.astype(">f4").tobytes()

    def tap(self, device: str, gateway: str, place: int, n: int, *, faulty_broker: bool) -> tuple[str, Tap]:
        """The next card, before it is held to the tag."""
        number = card(place, n)
        tap = Tap(device, gateway, n, faulty_broker)
        self.taps[card_key(self._secret, number.lower())] = tap
        return number, tap

    # What processes do

    def life_of(self, name: str) -> int:
        """The place of the current life in ``lives``."""
        return len(self.lives.setdefault(name, []))

    def ended(self, name: str, life: Life) -> None:
        self.lives.setdefault(name, []).append(life)

    def killed_at(self, name: str) -> list[int]:
        return [life.ended_at for life in self.lives.get(name, []) if not life.clean]

    def may_be_lost(self, device: str, at: int) -> bool:
        """Whether what this device said then may have got lost before its gateway had it: only where a way is bad."""
        del device, at
        return False

    # What is promised

    def published(self, gateway: str, payload: bytes) -> None:
        """A batch was seen on its way up: it must lie on the gateway's disk already."""
        name = self._promised(gateway, payload, "on the wire")
        if name is None:
            return
        promise = self.promises[name]
        promise.seen += 1
        self.counts["batches seen"] += promise.seen == 1
        self.counts["seen again"] += promise.seen > 1
        self.counts["seen again after their ack"] += name in self.acked

    def buffered(self, gateway: str, payloads: Iterable[bytes]) -> None:
        """What lay in the buffer of a gateway that was killed."""
        for payload in payloads:
            self._promised(gateway, payload, "in the buffer")
            self.counts["found in buffers of killed gateways"] += 1

    def acknowledged(self, gateway: str, payload: bytes) -> None:
        """The collector says what it has stored."""
        try:
            ack = parse_ack(payload)
        except BadAck as error:
            self.wrong.append(f"{gateway}: an ack that is none: {error}")
            return
        self.wrong += [f"{gateway}: batch {each.seq} rejected: {each.reason} {each.detail}" for each in ack.rejected]
        self.counts["acks"] += 1
        for first, last in ack.stored:
            self.acked.update((gateway, ack.epoch, seq) for seq in range(first, last + 1))

    def _promised(self, gateway: str, payload: bytes, where: str) -> BatchName | None:
        try:
            epoch, seq = peek(payload)
        except BadBatch as error:
            self.wrong.append(f"{gateway}: a batch {where} that is none: {error}")
            return None
        known = self.promises.get((gateway, epoch, seq))
        if known is None:  # a kill shows a whole buffer again, most of it known
            self.promises[gateway, epoch, seq] = Promise(digest(payload), payload)
        elif known.payload != payload:
            self.wrong.append(f"{gateway}: batch {epoch}/{seq} {where} has other bytes than before")
        return gateway, epoch, seq
