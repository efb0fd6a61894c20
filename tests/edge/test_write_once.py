"""`dayuan-edge write`: asks first, says what became of it, never sends a pulse twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import random
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.cli import main
from edge.gateway import Gateway
from edge.settings import load_site
from protocols.batch import open_batch
from protocols.clock import SystemClock
from tests.waiting import until


class Relays:
    """Eight relays by Modbus TCP, in a thread. ``silent``: what it does not answer, though it does it."""

    def __init__(self) -> None:
        self.coils = [False] * 8
        self.written: list[bytes] = []
        self.silent_for_writes = False

    @contextmanager
    def serving(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            yield listener.getsockname()[1]

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while True:
                try:
                    frame = connection.recv(260)
                except OSError:
                    return
                if not frame:
                    return
                answer = self._answer(frame[7:])
                if answer:
                    connection.sendall(frame[:4] + struct.pack(">HB", len(answer) + 1, frame[6]) + answer)

    def _answer(self, pdu: bytes) -> bytes:
        function, start, word = struct.unpack(">BHH", pdu[:5])
        if function in (1, 2):
            bits = sum(on << place for place, on in enumerate(self.coils[start : start + word]))
            return bytes((function, 1, bits))
        if function != 5:
            return bytes((function | 0x80, 1))
        self.written.append(pdu)
        if start < 8:
            self.coils[start] = word == 0xFF00
        return b"" if self.silent_for_writes else pdu


@pytest.fixture
def relays() -> Relays:
    return Relays()


def site(folder: Path, port: int) -> str:
    path = folder / "site.toml"
    path.write_text(
        f"""
[gateway]
site = "east"
id = "b3"
[uplink]
url = "mqtt://127.0.0.1:1"
[[bus]]
name = "net"
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
timeout = "200 ms"
[[device]]
id = "door"
profile = "waveshare/relay-8"
bus = "net"
unit = 1
[[device]]
id = "meter"
profile = "eastron/sdm630"
bus = "net"
unit = 2
""",
        encoding="utf-8",
    )
    return str(path)


def test_a_switch_is_read_back(tmp_path: Path, relays: Relays, capsys: pytest.CaptureFixture[str]) -> None:
    with relays.serving() as port:
        path = site(tmp_path, port)
        assert main(["write", path, "door", "relay_3", "on", "--yes"]) == 0
        assert relays.coils[2]
        assert capsys.readouterr().out.startswith("done: door: ")
        assert main(["write", path, "door", "relay_3", "off", "--yes", "--json"]) == 0
    assert not relays.coils[2]
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_a_pulse_is_one_write_that_the_module_ends(tmp_path: Path, relays: Relays) -> None:
    with relays.serving() as port:
        assert main(["write", site(tmp_path, port), "door", "relay_1", "pulse", "--for", "3s", "--yes"]) == 0
    assert relays.written == [bytes((5, 2, 0, 0, 30))]


def test_a_pulse_without_an_answer_is_not_repeated_and_not_called_a_failure(
    tmp_path: Path, relays: Relays, capsys: pytest.CaptureFixture[str]
) -> None:
    relays.silent_for_writes = True
    with relays.serving() as port:
        assert main(["write", site(tmp_path, port), "door", "relay_1", "pulse", "--for", "3s", "--yes"]) == 3
    assert len(relays.written) == 1
    assert "may have been executed; look at the door before you repeat" in capsys.readouterr().out


def test_nothing_is_sent_to_a_device_that_does_not_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["write", site(tmp_path, 1), "door", "relay_1", "pulse", "--for", "3s", "--yes"]) == 1
    assert "NOT done" in (told := capsys.readouterr().out)
    assert "nothing was sent" in told


def test_without_a_terminal_and_without_yes_nothing_is_sent(tmp_path: Path, relays: Relays) -> None:
    with relays.serving() as port:
        words = [sys.executable, "-m", "edge.cli", "write", site(tmp_path, port), "door", "relay_1", "on"]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "nothing was sent" in done.stderr
    assert not relays.written


@pytest.mark.parametrize(("typed", "sent"), [(b"y\n", 1), (b"\n", 0), (b"n\n", 0)])
def test_a_terminal_is_asked_first(tmp_path: Path, relays: Relays, typed: bytes, sent: int) -> None:
    ours, theirs = pty.openpty()
    with relays.serving() as port:
        words = [sys.executable, "-m", "edge.cli", "write", site(tmp_path, port), "door", "relay_1", "on"]
        with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs) as asking:
            seen = b""
            while b"Really?" not in seen:
                seen += os.read(ours, 4096)
            assert not relays.written
            os.write(ours, typed)
            assert asking.wait(timeout=20) == (0 if sent else 1)
    os.close(ours)
    os.close(theirs)
    assert len(relays.written) == sent
    assert b"relay_1 on" in seen


async def test_a_running_gateway_carries_it_out(tmp_path: Path, relays: Relays) -> None:
    with relays.serving() as port:
        path = site(tmp_path, port)
        loaded = load_site(path)
        gateway = Gateway(loaded, clock=SystemClock(), rng=random.Random(1))
        running = asyncio.create_task(gateway.run(), name="gateway")
        await until(lambda: (tmp_path / "buffer.db.command").exists(), within_s=10)
        code = await asyncio.to_thread(main, ["write", path, "door", "relay_2", "on", "--yes"])
        gateway.close()
        await running
    assert code == 0
    assert relays.coils[1]


AT_A_DOOR = """
[[bus]]
name = "readers"
kind = "mqtt"
url = "mqtt://127.0.0.1:1"
[[device]]
id = "r-in"
profile = "esp-rfid/reader"
bus = "readers"
topic = "r-in"
[[door]]
id = "north"
name = "North"
lock = "fail-secure"
reader_in = ["r-in"]
strike = { device = "door", point = "relay_1", pulse = "3 s" }
"""


async def test_a_door_that_a_running_gateway_opens_for_it_is_a_decision_and_not_forced(
    tmp_path: Path, relays: Relays
) -> None:
    with relays.serving() as port:
        path = site(tmp_path, port)
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(AT_A_DOOR)
        gateway = Gateway(load_site(path), clock=SystemClock(), rng=random.Random(1))
        running = asyncio.create_task(gateway.run(), name="gateway")
        await until(lambda: (tmp_path / "buffer.db.command").exists(), within_s=10)
        for words in (["relay_1", "pulse", "--for", "3s"], ["relay_2", "on"]):
            assert await asyncio.to_thread(main, ["write", path, "door", *words, "--yes"]) == 0
        gateway.close()
        await running
    with contextlib.closing(sqlite3.connect(tmp_path / "buffer.db")) as file:
        payloads = [payload for (payload,) in file.execute("SELECT payload FROM batch")]
    events = [event for payload in payloads for event in open_batch(payload).events]
    results = [event for event in events if event.kind == "command_result"]
    (decision,) = [event for event in events if event.kind.startswith("access_")]
    assert [event.data["command"] for event in results] == ["relay_1 pulse 3", "relay_2 on"]
    assert (decision.device, decision.kind) == ("r-in", "access_granted")
    assert decision.data == {"door": "north", "reason": "local", "strike": "done"}
    assert decision.at <= results[0].at


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["meter", "frequency", "on"], "nothing of 'meter' can be written"),
        (["gate", "relay_1", "on"], "allowed: door"),
        (["door", "relay_99", "on"], "allowed: relay_1"),
        (["door", "relay_1", "open"], "none of on, off, pulse"),
        (["door", "relay_1", "nan"], "no number"),
        (["door", "relay_1", "on", "--for", "3s"], "pulse --for 3s"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_sent(
    tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["write", site(tmp_path, 1), *words, "--yes"]) == 2
    assert said in capsys.readouterr().err


RULES = """
[device.remote]
relay_1 = { actions = ["pulse"], min = 1, max = 5, rate = "2 in 10 min" }
relay_2 = { actions = ["on", "off"], second_person = true }
"""


def ruled(folder: Path, port: int) -> str:
    path = Path(site(folder, port))
    door, meter = path.read_text(encoding="utf-8").split('[[device]]\nid = "meter"')
    path.write_text(f'{door}{RULES}[[device]]\nid = "meter"{meter}', encoding="utf-8")
    return str(path)


def test_a_hand_at_the_box_is_held_to_the_rule_of_the_point(
    tmp_path: Path, relays: Relays, capsys: pytest.CaptureFixture[str]
) -> None:
    with relays.serving() as port:
        path = ruled(tmp_path, port)

        def told(*words: str) -> str:
            assert main(["write", path, "door", *words, "--yes"]) == 1
            return capsys.readouterr().err

        assert "allows pulse of relay_1, not on" in told("relay_1", "on")
        assert "allows 1 to 5" in told("relay_1", "pulse", "--for", "9s")
        assert "two people" in told("relay_2", "on")
        assert relays.written == []
        for _ in range(2):
            assert main(["write", path, "door", "relay_1", "pulse", "--for", "3s", "--yes"]) == 0
        assert "2 in 600 s" in told("relay_1", "pulse", "--for", "3s")
        assert len(relays.written) == 2
        assert main(["write", path, "door", "relay_3", "on", "--yes"]) == 0, "no rule, so nothing to hold to"


FIXED = """
[device.remote]
relay_1 = { actions = ["pulse"], second_person = PEOPLE }
"""


@pytest.mark.parametrize("people", ["true", "false"])
def test_a_pulse_whose_length_the_module_holds_is_written_without_a_time(
    tmp_path: Path, relays: Relays, capsys: pytest.CaptureFixture[str], people: str
) -> None:
    with relays.serving() as port:
        path = Path(site(tmp_path, port))
        text = path.read_text(encoding="utf-8").replace("waveshare/relay-8", "moxa/iologik-e1214")
        door, meter = text.split('[[device]]\nid = "meter"')
        path.write_text(f'{door}{FIXED.replace("PEOPLE", people)}[[device]]\nid = "meter"{meter}', encoding="utf-8")
        words = ["write", str(path), "door", "relay_1", "pulse", "--yes"]
        assert main([*words, "--for", "3s"]) == 1
        assert "is set in the module; order it without a time" in capsys.readouterr().err
        assert relays.written == []
        past = ["--at-my-risk", "somebody is locked in"] if people == "true" else []
        assert main([*words, *past]) == 0
    assert relays.written == [bytes((5, 0, 0x10, 0xFF, 0))]


def test_past_the_rule_only_with_a_reason_and_that_is_on_disk(
    tmp_path: Path, relays: Relays, capsys: pytest.CaptureFixture[str]
) -> None:
    with relays.serving() as port:
        path = ruled(tmp_path, port)
        words = ["write", path, "door", "relay_2", "on", "--yes", "--at-my-risk"]
        assert main([*words, "x"]) == 1
        assert relays.written == []
        assert main([*words, "somebody is locked in"]) == 0
        assert len(relays.written) == 1
        journal = tmp_path / "buffer.db.at-risk"
        journal.unlink()
        journal.mkdir()
        assert main([*words, "nobody can write this down"]) == 1
        assert len(relays.written) == 1
    assert "cannot be written down" in capsys.readouterr().err


def test_what_is_written_down_says_who_what_why_and_which_rule(tmp_path: Path, relays: Relays) -> None:
    with relays.serving() as port:
        path = ruled(tmp_path, port)
        assert main(["write", path, "door", "relay_2", "on", "--yes", "--at-my-risk", "somebody is locked in"]) == 0
    journal = tmp_path / "buffer.db.at-risk"
    (line,) = journal.read_text(encoding="utf-8").splitlines()
    said = json.loads(line)
    assert (said["device"], said["command"], said["why"]) == ("door", "relay_2 on", "somebody is locked in")
    assert said["user"]
    assert "two people" in said["rule"]
    assert journal.stat().st_mode & 0o777 == 0o600
