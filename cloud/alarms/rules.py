"""Which conditions of gateways and devices are alarms. Fed by the ingest path beside live state."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from cloud.alarms.board import AlarmBoard
from cloud.alarms.machine import take_machine
from cloud.alarms.settings import DEFAULTS, AlarmSettings
from cloud.ingest.contract import AlarmArgs, Committed, IngestView
from cloud.live.presence import Presence
from cloud.registry.inventory import Inventory
from cloud.store.contract import GatewayKey
from protocols.birth import Birth
from protocols.clock import Clock
from protocols.events import GATEWAY_DEVICE
from protocols.reading import Event
from protocols.status import Report, Status

ANNOUNCE_WITHIN_S = 20.0
CHECK_EVERY_S = 5.0
SETTLE_S = 60.0
"""A gateway that has just started knows of many devices only what the broker kept of before: they are not lost yet."""
FREE_MIN_BYTES = 512 * 1024 * 1024
"""Below this, and below 5 % of the disk, the disk counts as nearly full."""


NO_ANSWER = {"error": "no answer", "error_zh": "无应答"}


class BrokerLink(Protocol):
    """Whether the collector hears anything at all (``cloud.ingest``'s path)."""

    def view(self) -> IngestView: ...


class GatewayRules:
    """Raises and clears the alarms of gateways and devices. ``run`` looks after what is only noticed by silence."""

    def __init__(
        self,
        alarms: AlarmBoard,
        presence: Presence,
        inventory: Inventory,
        clock: Clock,
        *,
        data_dir: Path,
        free_min_bytes: int = FREE_MIN_BYTES,
    ) -> None:
        self.settings_of: Callable[[str], AlarmSettings] = lambda _: DEFAULTS
        """What a site decided (``cloud.alarms.site_alarms``)."""
        self._alarms, self._presence, self._inventory, self._clock = alarms, presence, inventory, clock
        self._data_dir, self._free_min_bytes = data_dir, free_min_bytes
        self._unannounced_since: dict[GatewayKey, float] = {}
        self._unset_since: dict[GatewayKey, float] = {}
        """Gateways whose clock is not set."""
        self._connected_at: float | None = None

    async def committed(self, committed: Committed) -> None:
        """Take what is durable now."""
        for batch in committed.batches:
            key = GatewayKey(batch.site, batch.gateway)
            if not self._inventory.note(key, batch.received_at).announced:
                self._unannounced_since.setdefault(key, self._clock.monotonic())
            for event in batch.events:
                self._take_event(key, event)

    async def birth(self, key: GatewayKey, birth: Birth, *, received_at: int, retained: bool) -> None:
        """An announced gateway is no longer unannounced."""
        del birth, received_at, retained
        self._unannounced_since.pop(key, None)
        self._alarms.clear_alarm("unannounced", _source(key))

    async def status(self, key: GatewayKey, status: Status, *, received_at: int, retained: bool) -> None:
        """Take a status; the late will of an older session changes nothing, as presence did not take it."""
        del received_at, retained
        if not self._presence.online(key):
            self._offline(key, self._presence.heard_at(key))
            return
        self._alarms.clear_alarm("gateway_offline", _source(key))
        if status.report is not None and status.state == "online":
            self._take_report(key, status.report)

    def look(self, *, connected: bool) -> None:
        """What silence says: gateways that stopped reporting, gateways that never announced themselves, the disk."""
        now = self._clock.monotonic()
        if not connected:
            self._connected_at = None
        elif self._connected_at is None:
            self._connected_at = now
        hearing_since = self._connected_at
        for gateway in self._inventory.gateways() if hearing_since is not None else ():
            silent_s = self.settings_of(gateway.key.site).gateway_silent_s
            heard_at = self._presence.heard_at(gateway.key)
            silent = heard_at is None or self._clock.now_ms() - heard_at > silent_s * 1000
            if gateway.announced and silent and now - (hearing_since or now) >= silent_s:
                self._offline(gateway.key, heard_at)
        for key, since in self._unannounced_since.items():
            if now - since >= ANNOUNCE_WITHIN_S:
                self._alarms.raise_alarm("unannounced", _source(key), {})
        self._look_at_disk()
        self._look_at_set_aside()

    async def run(self, link: BrokerLink) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            self.look(connected=link.view().connected)
            await self._inventory.keep_noted()
            await self._clock.sleep(CHECK_EVERY_S)

    def _offline(self, key: GatewayKey, heard_at: int | None) -> None:
        """Its broker says so, and later its silence: the instant of what was told first stays."""
        known = self._alarms.find("gateway_offline", _source(key))
        if known is None or "since" not in known.args:
            self._alarms.raise_alarm("gateway_offline", _source(key), self._since(key.site, heard_at))

    def _since(self, site: str, at: int | None) -> dict[str, str]:
        """``09-22 14:15`` by the site's clock."""
        if at is None:
            return {"since": "an unknown time", "since_zh": "未知"}
        zone = ZoneInfo(self._inventory.time_zone(site))
        return {"since": f"{datetime.fromtimestamp(at / 1000, zone):%m-%d %H:%M}"}

    def _take_event(self, key: GatewayKey, event: Event) -> None:
        source = _source(key) if event.device == GATEWAY_DEVICE else f"{key.site}/{event.device}"
        match event.kind:
            case "buffer_damaged" | "buffer_full":
                self._alarms.raise_alarm(event.kind, source, event.data)
            case _:
                pass

    def _take_report(self, key: GatewayKey, report: Report) -> None:
        source = _source(key)
        self._take_clock(key, is_set=report.clock.state != "unsynced")
        if report.disk_full_s is not None:
            args: AlarmArgs = {
                "waiting": _spell(report.disk_full_s),
                "in_memory": report.in_memory,
                "dropped": report.dropped_readings,
            }
            self._alarms.raise_alarm("gateway_disk_full", source, args)
        else:
            self._alarms.clear_alarm("gateway_disk_full", source)
        take_machine(self._alarms, source, report, hot_c=self.settings_of(key.site).gateway_hot_c)
        if report.oldest_unacked_s >= self.settings_of(key.site).backlog_age_s:
            args = {"waiting": _spell(report.oldest_unacked_s), "readings": report.backlog_readings}
            self._alarms.raise_alarm("backlog_age", source, args)
        else:
            self._alarms.clear_alarm("backlog_age", source)
        for device in report.devices:
            where = f"{key.site}/{device.id}"
            if device.state == "lost":
                if 0 < report.uptime_s < SETTLE_S:
                    continue
                known = {"error": device.last_error} if device.last_error else NO_ANSWER
                self._alarms.raise_alarm("device_lost", where, {**known, **self._since(key.site, device.last_ok_at)})
            elif device.state == "ok":
                self._alarms.clear_alarm("device_lost", where)

    def _take_clock(self, key: GatewayKey, *, is_set: bool) -> None:
        if is_set:
            self._unset_since.pop(key, None)
            self._alarms.clear_alarm("clock_unsynced", _source(key))
            return
        now = self._clock.monotonic()
        if now - self._unset_since.setdefault(key, now) >= self.settings_of(key.site).clock_unset_s:
            self._alarms.raise_alarm("clock_unsynced", _source(key), {})

    def _look_at_disk(self) -> None:
        try:
            usage = shutil.disk_usage(self._data_dir)
        except OSError:
            return
        if usage.free < min(self._free_min_bytes, usage.total // 20):
            args = {"free": f"{usage.free // 2**20} MiB", "path": str(self._data_dir)}
            self._alarms.raise_alarm("disk_full", "collector", args)
        else:
            self._alarms.clear_alarm("disk_full", "collector")

    def _look_at_set_aside(self) -> None:
        """A damaged file is somebody's to look at until it was taken away."""
        for kind in ("store_damaged", "store_log_damaged", "registry_damaged", "registry_log_damaged"):
            alarm = self._alarms.find(kind, "collector")
            if alarm is not None and not Path(str(alarm.args.get("path", ""))).exists():
                self._alarms.clear_alarm(kind, "collector")
        for alarm in self._alarms.active():
            if alarm.kind == "store_part_lost" and not Path(str(alarm.args.get("path", ""))).exists():
                self._alarms.clear_alarm(alarm.kind, alarm.source)


def _source(key: GatewayKey) -> str:
    return f"{key.site}/{key.gateway}"


def _spell(seconds: float) -> str:
    """``7 min``, ``3 h``, ``2 d``."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"
