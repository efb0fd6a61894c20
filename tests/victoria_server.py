"""A VictoriaMetrics of the tests' own: Debian's program, a folder, a free port, gone at the end."""

import os
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from cloud.store.victoria_engine import VictoriaEngine
from cloud.store.victoria_http import VictoriaHttp
from simulators.free_port import free_port
from tests.waiting import wait_until

PROGRAM = "victoria-metrics"


class VictoriaServer:
    """``start`` and ``stop`` as often as wanted, at the end ``remove``."""

    def __init__(self, *flags: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dayuan-victoria-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.flags = flags or ("-retentionPeriod=100y",)
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert shutil.which(PROGRAM), "VictoriaMetrics is not installed; deploy/debian.sh test"
        command = [
            PROGRAM, f"-storageDataPath={self.folder / 'data'}", f"-httpListenAddr=127.0.0.1:{self.port}",
            "-loggerLevel=WARN", "-memory.allowedBytes=128MB", *self.flags,
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "GOMAXPROCS": "1"})
        wait_until(self._answers, within_s=120, what="VictoriaMetrics started")

    def kill(self) -> None:
        """At once, as in a power cut of the process: what was only in its memory is gone."""
        self._end(kill=True)

    def stop(self) -> None:
        self._end(kill=False)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def engine(self, *, hold_s: float = 60.0, settle_s: float = 0.0) -> VictoriaEngine:
        http = VictoriaHttp(self.url, username=None, password=None, ca_file=None)
        return VictoriaEngine(http, hold_s=hold_s, settle_s=settle_s)

    def forget_all(self) -> None:
        """Take all readings out of it, for the next test."""
        self._post("/internal/force_flush")
        self._post("/api/v1/admin/tsdb/delete_series?match[]={__name__!=%22%22}")
        self._post("/internal/resetRollupResultCache")

    def settle(self) -> None:
        """Until no merge that was asked for goes on: Debian's version ends in a panic, as if killed, when it is stopped
        in the middle of one. A store holds what a killed server may have lost, and forgets again what came back."""
        self._post("/internal/force_flush")
        wait_until(self._merges_no_more, within_s=60, what="merges that were asked for are over")

    def _merges_no_more(self) -> bool:
        with urllib.request.urlopen(self.url + "/metrics", timeout=30) as answer:
            return "\nvm_active_force_merges 0\n" in answer.read().decode()

    def _post(self, path: str) -> None:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, method="POST"), timeout=30):
            pass

    def _answers(self) -> bool:
        assert self._server is not None and self._server.poll() is None, (self.folder / "log").read_text()
        try:
            with urllib.request.urlopen(self.url + "/health", timeout=5):
                return True
        except OSError:
            return False

    def _end(self, *, kill: bool) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.kill() if kill else server.terminate()
            server.wait(60)
