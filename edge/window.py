"""The batches on their way: from the first publish until the collector's answer, over any number of links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from edge.buffer import EpochPlaces, KeptBatch
from edge.lanes import Lane
from edge.ranges import Ranges
from protocols.ack import Rejection
from protocols.batch import digest

RESEND_S_MAX = 60.0
OPENING = 4
"""Batches that may be unanswered at first on a new link, and after a silence. Each ack allows one more."""


@dataclass(slots=True)
class Flight:
    """One batch on its way. The instants are monotonic and belong to the present link."""

    batch: KeptBatch
    lane: Lane
    due_at: float = 0.0
    first_sent_at: float = 0.0
    sends: int = 0
    was_sent: bool = False
    publishing: bool = False
    digest: str = ""


class Released(NamedTuple):
    """Sums over batches that were acked and are still on the disk."""

    batches: int = 0
    readings: int = 0
    payload_bytes: int = 0


class Window:
    """At most `size` batches at a time, of which `allowed` may be unanswered on the present link.

    A broker keeps what it was given for a collector that is down: sending the whole window again at every reconnect
    would fill its queue with copies, until it is too slow to take any. `acked` and `resent` count since the start.
    """

    def __init__(self, size: int, ack_timeout_s: float) -> None:
        self.size = size
        self.allowed = min(OPENING, size)
        self._ack_timeout_s = ack_timeout_s
        self.flights: dict[int, Flight] = {}
        self._sent = Ranges()
        self.released = Ranges()
        self.released_sums = Released()
        self.acked = 0
        self.resent = 0
        self.again = 0
        """Acked a second time, because the collector asked for them."""
        self._answered_at = 0.0

    def begin(self, now: float) -> None:
        """A new link: everything on its way is due again, as fast as answers come."""
        self._answered_at = now
        self.narrow()
        for flight in self.flights.values():
            flight.due_at, flight.first_sent_at, flight.sends, flight.publishing = now, 0.0, 0, False

    def launch(self, batch: KeptBatch, lane: Lane) -> Flight:
        """Take a batch into the window; it is to be published now."""
        flight = self.flights[batch.place] = Flight(batch, lane)
        self._sent.add(batch.place)
        return flight

    def note_publish(self, flight: Flight, now: float) -> None:
        """A publish of this batch begins; without an answer it is due again later and later."""
        flight.sends += 1
        if flight.sends == 1:
            flight.first_sent_at = now
        self.resent += flight.was_sent
        flight.was_sent = flight.publishing = True
        flight.due_at = now + min(self._ack_timeout_s * 2 ** (flight.sends - 1), RESEND_S_MAX)

    def narrow(self) -> None:
        """Nobody answers, or nobody has answered yet: begin carefully again."""
        self.allowed = min(OPENING, self.size)

    def free(self) -> int:
        """How many batches may be sent for the first time on this link now."""
        return self.allowed - sum(flight.sends > 0 or flight.publishing for flight in self.flights.values())

    def overdue(self, now: float) -> list[Flight]:
        """Batches to be sent again, oldest first."""
        due = [flight for flight in self.flights.values() if flight.due_at <= now and not flight.publishing]
        return sorted(due, key=lambda flight: flight.batch.place)

    def hurry(self, now: float) -> None:
        """Whatever is unanswered is due now: the collector is back."""
        for flight in self.flights.values():
            flight.due_at = now

    def release(self, first: int, last: int) -> list[tuple[int, int]]:
        """The collector has stored these places. Returns those that were sent; what was never sent cannot be stored."""
        spans = self._sent.meet(first, last)
        for start, end in spans:
            self._sent.remove(start, end)
            self.released.add(start, end)
            self.acked += end - start + 1
            self.allowed = min(self.allowed + end - start + 1, self.size)
            for place in [place for place in self.flights if start <= place <= end]:
                flight = self.flights.pop(place)
                if flight.lane is Lane.AGAIN:  # it counts as waiting nowhere
                    self.again += 1
                    continue
                batch, sums = flight.batch, self.released_sums
                self.released_sums = Released(
                    sums.batches + 1, sums.readings + batch.readings, sums.payload_bytes + len(batch.payload)
                )
        return spans

    def take_released(self) -> list[tuple[int, int]]:
        """What may be deleted from the disk; it counts as deleted from now on."""
        released, self.released, self.released_sums = list(self.released), Ranges(), Released()
        return released

    def drop(self, place: int, *, was_sent: bool) -> bool:
        """Take a batch out of the window; True when it was in it. `was_sent`: a late ack for it shall still count."""
        if not was_sent:
            self._sent.remove(place)
        return self.flights.pop(place, None) is not None

    def find(self, rejection: Rejection, places: EpochPlaces | None) -> int | None:
        """The place whose payload a rejection names. Its seq says only where to look first."""
        told = places.of(rejection.seq, rejection.seq) if rejection.seq is not None and places is not None else None
        likely = self.flights.get(told[0]) if told is not None else None
        for flight in (*filter(None, (likely,)), *self.flights.values()):
            flight.digest = flight.digest or digest(flight.batch.payload)
            if flight.digest == rejection.digest:
                return flight.batch.place
        return None

    def note_answer(self, now: float) -> None:
        """The collector answered something."""
        self._answered_at = now

    def was_answered_since(self, flight: Flight) -> bool:
        """True when any answer came after the first send of this batch."""
        return self._answered_at > flight.first_sent_at

    def silent_s(self, now: float) -> float:
        """How long the oldest unanswered batch of this link has waited without any answer coming."""
        sent = [flight.first_sent_at for flight in self.flights.values() if flight.sends]
        return now - max(min(sent), self._answered_at) if sent else 0.0

    def payload_bytes(self) -> int:
        """In memory for the window."""
        return sum(len(flight.batch.payload) for flight in self.flights.values())

    def count(self, lane: Lane) -> int:
        """Batches of one lane on their way."""
        return sum(flight.lane is lane for flight in self.flights.values())
