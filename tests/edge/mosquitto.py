"""A real mosquitto on a free port, for tests of the MQTT wire."""

from __future__ import annotations

import getpass
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from protocols.mqtt_url import MqttUrl


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Mosquitto:
    """One broker process. `kill` is SIGKILL; `start` may be called again and keeps the port and the database."""

    def __init__(self, folder: Path, *extra: str, anonymous: bool = True) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = MqttUrl("127.0.0.1", self.port, False)
        self._process: subprocess.Popen[bytes] | None = None
        # Started by root, mosquitto becomes the user mosquitto and cannot read files in our folder.
        lines = [
            f"user {getpass.getuser()}",
            f"allow_anonymous {str(anonymous).lower()}",
            *extra,
            f"listener {self.port} 127.0.0.1",
        ]
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def add_listener(self, *lines: str) -> int:
        """One more listener with these settings; returns its port. Call before `start`."""
        port = free_port()
        with self._conf.open("a", encoding="utf-8") as conf:
            conf.write("\n".join([f"listener {port} 127.0.0.1", *lines]) + "\n")
        return port

    def start(self) -> Mosquitto:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(self._conf)], stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
                return self
            assert self._process.poll() is None, (self.folder / "mosquitto.log").read_text()
            threading.Event().wait(0.01)
        raise AssertionError("mosquitto did not start")

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def freeze(self) -> None:
        """It keeps its connections and answers nothing; until it is killed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """SIGKILL: no goodbye, nothing saved."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """SIGTERM: sessions and retained messages are saved when persistence is on."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(5)
            self._process = None


@contextmanager
def mosquitto(folder: Path, *extra: str, anonymous: bool = True) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder, *extra, anonymous=anonymous)
    try:
        yield broker.start()
    finally:
        broker.stop()
