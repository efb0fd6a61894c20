"""The sample configuration of mosquitto: nobody gets in unnamed, and a burst waits for a gateway that is away."""

from __future__ import annotations

import getpass
import subprocess
from pathlib import Path

import pytest

from tests.edge.mosquitto import Mosquitto, free_port

SAMPLE = Path(__file__).parents[2] / "deploy" / "samples" / "mosquitto.conf"
BURST = 1500


@pytest.fixture
def broker(tmp_path: Path) -> Mosquitto:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "tester", "known"], check=True, capture_output=True)
    rules = tmp_path / "access"
    rules.write_text("user tester\ntopic readwrite site/#\n")
    made = Mosquitto(tmp_path)
    made.port = free_port()
    text = SAMPLE.read_text(encoding="utf-8")
    for old, new in (
        ("listener 1883 127.0.0.1", f"user {getpass.getuser()}\nlistener {made.port} 127.0.0.1"),
        ("/etc/mosquitto/dayuan.passwords", str(passwords)),
        ("/etc/mosquitto/dayuan.access", str(rules)),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "mosquitto.conf").write_text(text + f"persistence_location {tmp_path}/\n", encoding="utf-8")
    return made


def client(program: str, broker: Mosquitto, *more: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    where = ["-h", "127.0.0.1", "-p", str(broker.port), "-V", "mqttv311", "-q", "1"]
    return subprocess.run([program, *where, *more], input=stdin, capture_output=True, text=True, timeout=30)


def test_it_starts_and_refuses_whoever_has_no_name(broker: Mosquitto) -> None:
    broker.start()
    try:
        refused = client("mosquitto_pub", broker, "-t", "site/x", "-m", "1")
        assert refused.returncode != 0
        assert "not authorised" in refused.stderr.lower()
    finally:
        broker.stop()


def test_a_burst_for_somebody_who_is_away_waits_whole_also_over_a_restart_of_the_broker(broker: Mosquitto) -> None:
    named = ("-u", "tester", "-P", "known")
    broker.start()
    try:
        client("mosquitto_sub", broker, *named, "-i", "gateway", "-c", "-t", "site/#", "-E")
        sent = "".join(f"{number}\n" for number in range(BURST))
        assert client("mosquitto_pub", broker, *named, "-t", "site/x", "-l", stdin=sent).returncode == 0
        broker.stop()
        broker.start()
        got = client(
            "mosquitto_sub", broker, *named, "-i", "gateway", "-c", "-t", "site/#", "-C", str(BURST), "-W", "20"
        )
        assert [int(line) for line in got.stdout.split()] == list(range(BURST))
    finally:
        broker.stop()
