"""A sink that keeps what it is given."""

from collections.abc import Sequence

from protocols.reading import Event, Reading


class CollectingSink:
    """Everything handed over, in order. Set ``refusal`` to make it refuse events."""

    def __init__(self) -> None:
        self.taken: list[Reading] = []
        self.events: list[Event] = []
        self.refusal: Exception | None = None

    async def readings(
        self, readings: Sequence[Reading], *, origin: bytes | None = None, redelivered: bool = False
    ) -> None:
        self.taken += readings

    async def event(self, event: Event, *, origin: bytes | None = None, redelivered: bool = False) -> bool:
        if self.refusal is not None:
            raise self.refusal
        self.events.append(event)
        return True

    async def committed(self) -> None:
        return

    def of(self, device: str, point: str = "") -> list[Reading]:
        return [each for each in self.taken if each.device == device and point in ("", each.point)]

    def kinds(self, device: str) -> list[str]:
        return [event.kind for event in self.events if event.device == device]
