"""Sites' own limits and priorities of what is watched without a rule, in force."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from cloud.alarms.board import AlarmBoard
from cloud.alarms.settings import AS_BUILT_IN, DEFAULTS, AlarmSettings, KindChoice, settable
from cloud.registry.alarm_settings_book import StoredAlarmSettings
from protocols.clock import Clock
from protocols.errors import Permanent


class Book(Protocol):
    """Where they rest (``cloud.registry.alarm_settings_book``)."""

    async def all(self) -> list[StoredAlarmSettings]: ...

    async def put(self, settings: StoredAlarmSettings) -> None: ...


class SettingsChanged(Permanent):
    """They are not at the expected revision any more; ``rev`` is the one they have."""

    def __init__(self, rev: int) -> None:
        self.rev = rev
        super().__init__(f"the alarm settings are at revision {rev} now")


class Decided(NamedTuple):
    """What a site decided. ``rev`` 0: nothing yet."""

    settings: AlarmSettings = DEFAULTS
    rev: int = 0
    changed_at: int | None = None
    changed_by: str = ""


class SiteAlarms:
    """Answers what holds at a site; the board asks it about every alarm that begins."""

    def __init__(self, board: AlarmBoard, book: Book, clock: Clock) -> None:
        self.watchers: list[Callable[[str], None]] = []
        """Told of the site whose settings changed."""
        self._board, self._book, self._clock = board, book, clock
        self._of: dict[str, Decided] = {}

    async def open(self) -> None:
        """Read what sites decided, and bring the alarms there are into line with it."""
        for stored in await self._book.all():
            self._of[stored.site] = Decided(_readable(stored.body), stored.rev, stored.changed_at, stored.changed_by)
        self._board.choice_of = self._choice
        self._board.choose_anew()

    def decided(self, site: str) -> Decided:
        """What a site decided, and since when."""
        return self._of.get(site, Decided())

    def settings_of(self, site: str) -> AlarmSettings:
        """What holds at a site."""
        return self.decided(site).settings

    async def put(self, site: str, settings: AlarmSettings, *, by: str, rev: int | None) -> Decided:
        """Decide anew; ``rev`` is what the change was made from (None: whatever there is). Raises SettingsChanged."""
        before = self.decided(site).rev
        if rev not in (None, before):
            raise SettingsChanged(before)
        now = Decided(settings, before + 1, self._clock.now_ms(), by)
        body = msgspec.json.encode(settings).decode()
        await self._book.put(StoredAlarmSettings(site, now.rev, self._clock.now_ms(), by, body))
        self._of[site] = now
        self._board.choose_anew()
        for watcher in self.watchers:
            watcher(site)
        return now

    def _choice(self, kind: str, source: str) -> KindChoice:
        decided = self._of.get(source.partition("/")[0])
        return decided.settings.kinds.get(kind, AS_BUILT_IN) if decided is not None else AS_BUILT_IN


def _readable(body: str) -> AlarmSettings:
    """An older or newer version's settings: what cannot be read, and kinds that are none any more, are left out."""
    said = msgspec.json.decode(body, type=dict[str, object])
    kinds = said.pop("kinds", {})
    known = {field.name for field in msgspec.structs.fields(AlarmSettings)}
    found = {name: value for name, value in said.items() if name in known and _fits({name: value})}
    if isinstance(kinds, dict):
        here = set(settable())
        found["kinds"] = {kind: each for kind, each in kinds.items() if kind in here and _fits({"kinds": {kind: each}})}
    return msgspec.convert(found, AlarmSettings)


def _fits(values: dict[str, object]) -> bool:
    try:
        msgspec.convert(values, AlarmSettings)
    except msgspec.ValidationError:
        return False
    return True
