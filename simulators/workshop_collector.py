"""Our real collector, ``dayuan-cloud run``, as a process of a test, asked over its HTTP API."""

from __future__ import annotations

import http.client
import os
import secrets
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from simulators.broker import write_private
from simulators.child import Child
from simulators.desk import add_token
from simulators.processes import WRONG_SETTINGS
from simulators.rules import KILLED, STOPPED
from simulators.site_files import cloud_file
from simulators.stored import (
    ApiRefused,
    CollectorApi,
    StoredEvent,
    StoredReading,
    first_login,
    read_events,
    read_series,
)
from simulators.workshop import NotInTime, Workshop
from simulators.workshop_broker import COLLECTOR, LocalBroker

READY_S = 90.0
STOP_S = 15.0
DAY_MS = 86_400_000
SITE = "test-site"
"""The site of gateways whose site file is made for a test."""

T = TypeVar("T")


class RunningCollector:
    """``url``, ``token``, ``data`` (its folder) and ``log``. Its store is empty at first."""

    def __init__(self, workshop: Workshop, broker: LocalBroker) -> None:
        self._workshop = workshop
        self.data = workshop.folder / COLLECTOR
        self.settings_file = workshop.folder / "cloud.toml"
        self.log = workshop.folder / "logs" / "collector.log"
        workshop.logs.append(self.log)
        listen = f"127.0.0.1:{workshop.new_port()}"
        self.url = f"http://{listen}"
        write_private(
            self.settings_file, cloud_file(data=self.data, account=broker.account_of(COLLECTOR), listen=listen)
        )
        self._child = Child(
            COLLECTOR,
            [sys.executable, "-m", "cloud.cli", "run", str(self.settings_file)],
            log=self.log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._since = workshop.clock.now_ms() - DAY_MS
        self.username, self.password = "admin", ""
        """Of an administrator, for a login on the page."""
        self._token = ""
        self._api = CollectorApi(self.url, "")

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def start(self) -> None:
        """Start it, or start it again with the same store and port; returns when it answers."""
        if self.running:
            return
        self._workshop.do(self._child.start)
        api = CollectorApi(self.url, "")
        try:
            self._workshop.until(
                lambda: self._healthy(api),
                READY_S,
                lambda: f"the collector answers at {self.url}; its log is {self.log}",
            )
        finally:
            api.close()
        if not self.password:
            once = (self.data / "one-time-password").read_text(encoding="utf-8").split()[-1]
            self.password = secrets.token_urlsafe(18)
            self._api.headers = {"Cookie": first_login(self.url, self.username, once, self.password)}

    @property
    def token(self) -> str:
        """Of a viewer, for requests of your own: ``Authorization: Bearer TOKEN``. Made when first asked for."""
        if not self._token:
            self._token = self._workshop.do(lambda: add_token(self.settings_file), READY_S)
        return self._token

    def _healthy(self, api: CollectorApi) -> bool:
        if not self.running:
            ending = "\n  ".join(self._child.last_lines(12))
            code = self._child.exit_code
            why = "its settings are refused" if code == WRONG_SETTINGS else f"exit code {code}"
            raise NotInTime(f"the collector ended by itself ({why}); its log ends:\n  {ending}")
        return api.healthy()

    def stop(self) -> None:
        """SIGTERM: it finishes what it has begun, and ends."""
        was_running = self.running
        clean = self._workshop.do(lambda: self._child.stop(STOP_S))
        if was_running:
            self._happened(STOPPED if clean else KILLED)

    def kill(self) -> None:
        """SIGKILL. What it acknowledged is stored; the rest comes again."""
        if self.running:
            self._workshop.do(self._child.kill)
            self._happened(KILLED)

    def _happened(self, what: str) -> None:
        now_ms = self._workshop.clock.now_ms()
        self._workshop.call(lambda: self._workshop.ledger.happened(now_ms, what, COLLECTOR))

    def get(self, path: str, **query: object) -> Any:
        """The JSON of a GET, such as ``get("/api/v1/state", kind="meter")``; docs/API.md lists what there is."""
        return self._asked(lambda: self._api.get(path, **query))

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except (OSError, http.client.HTTPException) as error:
            state = "runs" if self.running else "does not run"
            raise NotInTime(f"the collector {state} and cannot be asked ({error!r}); its log is {self.log}") from None

    def readings(
        self, device: str, point: str, *, at_least: int = 0, within_s: float = 15.0, site: str = SITE
    ) -> list[StoredReading]:
        """Every stored reading of a point, oldest first: ``at`` (ms), ``value``, ``quality``, ``reason``, and the batch
        that brought it. Waits until there are ``at_least`` so many."""
        __tracebackhide__ = True
        return self._waited(
            lambda: self._readings(site, device, point), at_least, within_s, f"readings of {device}/{point}"
        )

    def _readings(self, site: str, device: str, point: str) -> list[StoredReading]:
        try:
            return read_series(self._api, site, device, point, self._since, self._until())
        except ApiRefused as error:
            if error.status != 404:
                raise
            return []

    def events(
        self, device: str = "", kind: str = "", *, at_least: int = 0, within_s: float = 15.0, site: str = SITE
    ) -> list[StoredEvent]:
        """Stored events, oldest first: ``at``, ``device``, ``kind``, ``data``; of one device or kind, or all. Waits
        until there are ``at_least`` so many."""

        def look() -> list[StoredEvent]:
            found = read_events(self._api, site, self._since, self._until())
            return [event for event in found if device in ("", event.device) and kind in ("", event.kind)]

        __tracebackhide__ = True
        return self._waited(look, at_least, within_s, f"events {kind or 'of any kind'} of {device or 'any device'}")

    def alarms(self, *, at_least: int = 0, within_s: float = 15.0) -> list[dict[str, Any]]:
        """Active alarms, the most urgent first: ``kind``, ``source``, ``since``, ``text`` in "en" and "zh"."""
        __tracebackhide__ = True
        return self._waited(lambda: list(self.get("/api/v1/alarms")["alarms"]), at_least, within_s, "active alarms")

    def _waited(self, look: Callable[[], list[T]], at_least: int, within_s: float, what: str) -> list[T]:
        __tracebackhide__ = True
        found: list[T] = []

        def enough() -> bool:
            found[:] = self._asked(look)
            return len(found) >= at_least

        self._workshop.until(enough, within_s, lambda: f"{at_least} {what} are stored; there are {len(found)}")
        return found

    def _until(self) -> int:
        return self._workshop.clock.now_ms() + DAY_MS

    @property
    def api(self) -> CollectorApi:
        return self._api

    def close(self) -> None:
        self._api.close()
        self._workshop.do(lambda: self._child.stop(STOP_S))
