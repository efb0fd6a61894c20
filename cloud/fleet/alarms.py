"""Findings as alarms: raised when they begin, returned to normal when they end, also when a day was worked out anew."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from cloud.assets.contract import AssetKey
from cloud.fleet.day import DayResult, Found
from cloud.fleet.rules import FINDINGS, HOLIDAY, Finding, Turn
from cloud.fleet.step import VehicleState

ArgValue = str | int | float | bool | None
STILL_NEWS_MS = 86_400_000
"""What was found late, and is over, is told when it began within so long."""


class Board(Protocol):
    """Where alarms go (``cloud.alarms.board.AlarmBoard``)."""

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, ArgValue]) -> None: ...

    def clear_alarm(self, kind: str, source: str) -> None: ...


class FleetAlarms:
    """Says findings of vehicles to the board."""

    def __init__(self, board: Board, zone: Callable[[str], str]) -> None:
        self._board, self._zone = board, zone

    def turned(self, key: AssetKey, turn: Turn, state: VehicleState) -> None:
        """A finding began or ended, live."""
        if turn.ended:
            self._board.clear_alarm(turn.finding.kind, key.entity)
        else:
            self._raise(key, turn.finding, state)

    def agree(self, key: AssetKey, state: VehicleState) -> None:
        """What holds now, holds; nothing else does."""
        for kind in FINDINGS:
            finding = state.watch.open.get(kind)
            if finding is None:
                self._board.clear_alarm(kind, key.entity)
            else:
                self._raise(key, finding, state)

    def found_late(self, key: AssetKey, day: DayResult, known: Iterable[Found], now: int) -> None:
        """Somebody should know of what was found late, although it is over: it comes and goes at once."""
        before = {(found.kind, found.since) for found in known}
        for found in day.findings:
            if found.until is None or (found.kind, found.since) in before or now - found.since > STILL_NEWS_MS:
                continue
            self._raise(key, Finding(found.kind, found.since, found.facts), None)
            self._board.clear_alarm(found.kind, key.entity)

    def _raise(self, key: AssetKey, finding: Finding, state: VehicleState | None) -> None:
        driver = state.driver.name if state is not None and state.driver is not None else "-"
        args = {"driver": driver, **finding.facts, "since": finding.since}
        if args.get("seal") == HOLIDAY:
            args["seal_zh"] = "节假日"
        if "request" in args:
            args["request"] = str(args["request"]).rpartition(":")[2]  # its number is what people call it
        self._board.raise_alarm(finding.kind, key.entity, {**args, "since_local": self._local(key.site, finding.since)})

    def _local(self, site: str, at: int) -> str:
        return f"{datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(self._zone(site))):%m-%d %H:%M}"
