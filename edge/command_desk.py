"""Commands of people to devices of a running gateway: who carries them out, and that each is on record."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from edge.commands import Command, CommandOutcome, DeviceWriter, run_command
from edge.contract import Sink
from protocols.clock import Clock
from protocols.errors import StoreUnavailable
from protocols.reading import Event

DETAIL_MAX = 400

log = logging.getLogger(__name__)


class CommandDesk:
    """Hands commands to the writers of the devices they name."""

    def __init__(self, writers: Mapping[str, DeviceWriter], sink: Sink, clock: Clock) -> None:
        self._writers, self._sink, self._clock = dict(writers), sink, clock

    async def obey(self, command: Command) -> CommandOutcome:
        """Carry ``command`` out. What was sent to a device becomes an event, and what was read back a reading."""
        outcome = await self.carry_out(command)
        if outcome.sent:
            await self._record(command, outcome)
        return outcome

    async def carry_out(self, command: Command) -> CommandOutcome:
        """The same without the event, for whoever makes one of its own."""
        writer = self._writers.get(command.device)
        if writer is None:
            known = ", ".join(sorted(self._writers)) or "none"
            return CommandOutcome(
                False, f"no device {command.device[:40]!r} that takes commands; those that do: {known}", sent=False
            )
        outcome = await run_command(writer, command)
        said = "unknown" if outcome.ok is None else "done" if outcome.ok else "not done"
        log.info("%s: %s: %s: %s", command.device, command.text, said, outcome.detail)
        if outcome.reading is not None and outcome.reading.point in writer.told:
            await self._sink.readings([outcome.reading])
        return outcome

    async def _record(self, command: Command, outcome: CommandOutcome) -> None:
        detail = outcome.detail[:DETAIL_MAX]
        data = {"command": command.text, "ok": outcome.ok, "detail": detail}
        try:
            await self._sink.event(Event(command.device, "command_result", self._clock.now_ms(), dict(data)))
        except StoreUnavailable as error:
            log.warning("%s: %s is not on record: %s", command.device, command.text, error)
