"""A gateway on a clean Debian: installed, upgraded, rolled back, removed, erased; real processes throughout."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.deploy.bundles import make_bundle, seal, unpack, variant
from tests.deploy.clean_debian import CleanDebian, clean_debian
from tests.edge.mosquitto import Mosquitto, free_port
from tests.edge.scripted_collector import ScriptedCollector
from tests.waiting import until

SITE_FILE = """
[gateway]
site = "east-compound"
id = "b3"

[uplink]
url = "mqtt://127.0.0.1:{broker}"
username = "b3"
password_file = "/etc/dayuan/edge/secrets/broker"

[buffer]
path = "/var/lib/dayuan-edge/buffer.db"
flush_every = "0.2 s"

[[bus]]
name = "line-1"
kind = "modbus-tcp"
host = "127.0.0.1"
port = {modbus}
timeout = "0.5 s"

[[device]]
id = "b3-main"
profile = "eastron/sdm630"
bus = "line-1"
unit = 1
every = "0.5 s"
"""
SECRET = "Secret-of-the-broker-7781"
STATUS = ("dayuan-edge", "status", "/etc/dayuan/edge/site.toml", "--json")
BOARD_WATCHDOG = "/etc/systemd/system.conf.d/dayuan-watchdog.conf"
SERVICE = ("--service", "/usr/local/sbin/box-service")


@contextmanager
def kept_free(port: int) -> Iterator[None]:
    """Nobody else is given this port by the kernel, while a server that starts and stops may listen there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", port))
        yield


class Installer:
    """The box, its bundles, the meter and the broker beside it."""

    def __init__(self, box: CleanDebian, archive: Path, folder: Path, broker: Mosquitto, modbus: int) -> None:
        self.box, self.broker, self.archive = box, broker, archive
        self.bundle = unpack(archive, folder / "bundle")
        self._folder = folder
        self.site_file = folder / "site.toml"
        self.site_file.write_text(SITE_FILE.format(broker=broker.port, modbus=modbus), encoding="utf-8")

    def take(self, bundle: Path) -> str:
        """Copy a bundle onto the box; where it lies there."""
        inside = f"/srv/{bundle.name}"
        subprocess.run(["cp", "-a", str(bundle), f"{self.box.path('/srv')}/"], check=True)
        return inside

    def variant(self, version: str, **code: str) -> str:
        return self.take(variant(self.bundle, self._folder / version, version, code=code.get("code")))  # type: ignore[arg-type]

    def install(self, inside: str, *options: str, code: int = 0) -> str:
        return self.box.run(f"{inside}/install.sh", *SERVICE, *options, code=code)

    def status(self) -> dict:
        return json.loads(self.box.run(*STATUS))

    @contextmanager
    def telling(self) -> Iterator[None]:
        """With what the gateway said of itself, when a wait was in vain."""
        try:
            yield
        except AssertionError as error:
            said = self.box.run(
                "sh", "-c", "dayuan-edge status /etc/dayuan/edge/site.toml; tail /var/log/dayuan-edge.log", code=None
            )
            raise AssertionError(f"{error}\n{said}") from None

    def current(self) -> str:
        return self.box.path("/opt/dayuan/edge/current").readlink().name


@pytest.fixture(scope="module")
def installer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installer]:
    folder = tmp_path_factory.mktemp("box")
    archive = make_bundle("edge", folder / "dist")
    modbus, broker = free_port(), Mosquitto(folder)
    meter = subprocess.Popen(
        [sys.executable, "-m", "simulators.cli", "meter", "eastron/sdm630", "--tcp", f"127.0.0.1:{modbus}", "--quiet"],
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        with clean_debian(folder / "debian") as box:
            with kept_free(broker.port):
                yield Installer(box, archive, folder, broker, modbus)
    finally:
        broker.stop()
        meter.kill()
        meter.communicate()


def test_a_first_install_without_a_site_file_says_what_to_do_and_starts_nothing(installer: Installer) -> None:
    inside = installer.take(installer.bundle)
    said = installer.box.run(f"{inside}/install.sh", *SERVICE)
    assert "every file is as it was made" in said
    assert "change-me" in said
    assert "dayuan-edge scan" in said
    assert "dayuan 0.1.0" in installer.box.run("dayuan-edge", "--version")
    assert not installer.box.path("/run/dayuan-edge.pid").exists()
    again = installer.box.run(f"{inside}/install.sh", *SERVICE)
    assert "there already" in again
    assert "written" not in again
    assert not installer.box.path(BOARD_WATCHDOG).exists(), "this is no Raspberry Pi"
    assert not installer.box.path("/run/dayuan-edge.pid").exists()


def test_the_board_s_watchdog_is_fed_when_it_is_said_and_not_longer(installer: Installer) -> None:
    inside = installer.take(installer.bundle)
    box = installer.box
    box.run(f"{inside}/install.sh", *SERVICE, "--board-watchdog", "yes")
    assert "RuntimeWatchdogSec=14s" in box.path(BOARD_WATCHDOG).read_text("utf-8")
    box.run(f"{inside}/install.sh", *SERVICE)
    assert box.path(BOARD_WATCHDOG).exists(), "what a person chose stays"
    assert "removed" in box.run(f"{inside}/install.sh", *SERVICE, "--board-watchdog", "no")
    assert not box.path(BOARD_WATCHDOG).exists()
    assert "yes or no" in box.run(f"{inside}/install.sh", *SERVICE, "--board-watchdog", "maybe", code=2)


def test_what_it_makes_belongs_to_a_user_who_can_do_nothing_else(installer: Installer) -> None:
    entry = installer.box.run("getent", "passwd", "dayuan-edge")
    assert entry.strip().endswith("/usr/sbin/nologin")
    found = installer.box.run("stat", "-c", "%U:%G %a %n", "/etc/dayuan/edge", "/etc/dayuan/edge/site.toml",
                              "/etc/dayuan/edge/secrets", "/var/lib/dayuan-edge")  # fmt: skip
    assert found.splitlines() == [
        "root:dayuan-edge 750 /etc/dayuan/edge",
        "root:dayuan-edge 640 /etc/dayuan/edge/site.toml",
        "dayuan-edge:dayuan-edge 700 /etc/dayuan/edge/secrets",
        "dayuan-edge:dayuan-edge 700 /var/lib/dayuan-edge",
    ]
    assert installer.box.run("find", "/opt/dayuan", "-not", "-type", "l", "-perm", "/022") == ""


async def test_with_its_site_file_it_runs_and_is_healthy_though_the_broker_is_away(installer: Installer) -> None:
    box = installer.box
    box.path("/etc/dayuan/edge/site.toml").write_text(installer.site_file.read_text("utf-8"), encoding="utf-8")
    box.run("sh", "-c", f"umask 077; echo {SECRET} >/etc/dayuan/edge/secrets/broker; "
                        "chown dayuan-edge: /etc/dayuan/edge/secrets/broker")  # fmt: skip
    said = installer.install(f"/srv/{installer.bundle.name}")
    assert "service: runs and is healthy" in said
    with installer.telling():
        await until(lambda: installer.status()["report"]["backlog_batches"] >= 5, 60, "a backlog")
    assert "runs this release already" in installer.install(f"/srv/{installer.bundle.name}")
    assert SECRET not in box.run("sh", "-c", "cat /proc/[0-9]*/cmdline /var/log/dayuan-edge*.log | tr '\\0' ' '")


def test_an_upgrade_keeps_the_backlog(installer: Installer) -> None:
    before = installer.status()
    said = installer.install(installer.variant("0.2.0"))
    assert "service: runs and is healthy" in said
    after = installer.status()
    assert after["pid"] != before["pid"]
    assert after["report"]["epoch"] == before["report"]["epoch"]
    assert after["report"]["backlog_batches"] >= before["report"]["backlog_batches"]
    assert after["report"]["dropped_readings"] == 0
    assert installer.current().startswith("0.2.0-")


@pytest.mark.parametrize(
    ("version", "module", "text"),
    [
        ("0.3.0", "edge/gateway.py", "raise SystemExit(1)"),
        ("0.3.1", "edge/status_socket.py", "import asyncio; asyncio.start_unix_server = None  # the socket is silent"),
    ],
)
def test_a_new_version_that_is_not_healthy_gives_way_to_the_old_one(
    installer: Installer, version: str, module: str, text: str
) -> None:
    before = installer.status()
    said = installer.install(installer.variant(version, code={module: text}), "--within", "7s", code=1)
    assert "not healthy: going back to 0.2.0-" in said
    assert "runs again, with all that it had" in said
    after = installer.status()
    assert after["report"]["epoch"] == before["report"]["epoch"]
    assert after["report"]["backlog_batches"] >= before["report"]["backlog_batches"]
    assert installer.current().startswith("0.2.0-")


CUT = ("dayuan-edge", "dayuan-edge-page")
UNJUDGED = "/opt/dayuan/edge/unjudged"


def cut_off(installer: Installer, inside: str) -> None:
    """The power fails when the new version was started and nobody knows whether it is healthy; and is back."""
    box = installer.box
    cut = box.interrupted("KILL", CUT[-1])
    box.run("setsid", "--wait", f"{inside}/install.sh", "--service", cut, code=None)
    assert box.path(UNJUDGED).exists()
    assert installer.current().startswith(Path(inside).name)
    box.lose_power()
    box.start_again(*CUT)


def test_a_power_cut_before_the_verdict_and_a_version_that_is_not_healthy_gives_way(installer: Installer) -> None:
    before = installer.status()
    cut_off(installer, installer.variant("0.3.2", code={"edge/gateway.py": "raise SystemExit(1)"}))
    said = installer.box.verdict("edge", "--within", "7s", code=1)
    assert "ended before it was known to be healthy" in said
    assert "going back to 0.2.0-" in said
    assert "runs again, with all that it had" in said
    after = installer.status()
    assert after["report"]["epoch"] == before["report"]["epoch"]
    assert after["report"]["backlog_batches"] >= before["report"]["backlog_batches"]
    assert installer.current().startswith("0.2.0-")
    assert not installer.box.path(UNJUDGED).exists()


def test_a_power_cut_before_the_verdict_and_a_healthy_version_stays(installer: Installer) -> None:
    before = installer.status()
    cut_off(installer, installer.variant("0.2.1"))
    assert "runs and is healthy" in installer.box.verdict("edge")
    assert installer.current().startswith("0.2.1-")
    assert installer.box.path("/opt/dayuan/edge/previous").readlink().name.startswith("0.2.0-")
    assert not installer.box.path(UNJUDGED).exists()
    assert installer.status()["report"]["epoch"] == before["report"]["epoch"]
    assert "going back" not in installer.install("/srv/0.2.0", "--allow-downgrade")
    assert installer.current().startswith("0.2.0-")


def test_an_installation_first_gives_the_verdict_that_is_missing(installer: Installer) -> None:
    cut_off(installer, "/srv/0.2.1")
    said = installer.install("/srv/0.2.0", "--allow-downgrade")
    assert said.index("ended before it was known") < said.index("every file is as it was made")
    assert said.count("runs and is healthy") == 2
    assert installer.current().startswith("0.2.0-")
    assert not installer.box.path(UNJUDGED).exists()


def test_a_power_cut_before_the_switch_leaves_the_old_version_which_goes_on(installer: Installer) -> None:
    box = installer.box
    box.run("sh", "-c", f"printf '%s\n\n' /opt/dayuan/edge/releases/{installer.current()} >{UNJUDGED}")
    before = installer.status()
    assert "the one from before that upgrade, and goes on" in box.verdict("edge")
    assert installer.status()["pid"] == before["pid"]
    assert not box.path(UNJUDGED).exists()


def test_the_verdict_is_given_though_the_session_that_installed_is_gone(installer: Installer) -> None:
    hung_up = installer.box.interrupted("HUP", CUT[-1])
    said = installer.box.run("setsid", "--wait", "/srv/0.2.1/install.sh", "--service", hung_up)
    assert "runs and is healthy" in said
    assert not installer.box.path(UNJUDGED).exists()
    installer.install("/srv/0.2.0", "--allow-downgrade")


def test_two_installations_at_a_time_are_refused(installer: Installer) -> None:
    said = installer.box.run("flock", "/opt/dayuan/edge/.turn", "/srv/0.2.0/install.sh", *SERVICE, code=2)
    assert "another installation is at work" in said
    assert "Nothing was changed" in said


def test_a_version_that_does_not_take_the_site_file_is_not_started_at_all(installer: Installer) -> None:
    before = installer.status()
    text = "import sys; sys.argv[1:2] == ['check'] and sys.exit('site.toml:7: key: no longer')"
    said = installer.install(installer.variant("0.4.0", code={"edge/cli.py": text}), code=1)
    assert "site.toml:7: key: no longer" in said
    assert "goes on running" in said
    assert installer.status()["pid"] == before["pid"]


def test_a_damaged_bundle_changes_nothing(installer: Installer) -> None:
    before = installer.status()
    inside = installer.variant("0.5.0")
    wheel = next(installer.box.path(inside).glob("wheels/dayuan-*.whl"))
    content = bytearray(wheel.read_bytes())
    content[len(content) // 2] ^= 1
    wheel.write_bytes(content)
    assert "damaged" in installer.install(inside, code=2)
    seal(installer.box.path(inside))  # whoever alters the list too is told by the lock, which has its own sums
    assert "does not fit" in installer.install(inside, code=2)
    assert installer.status()["pid"] == before["pid"]
    assert installer.current().startswith("0.2.0-")


async def test_all_that_waited_through_it_arrives_once_and_whole(installer: Installer) -> None:
    broker = installer.broker
    broker.start()
    collector = ScriptedCollector(broker.url, "east-compound", "b3")
    await collector.start()

    async def drained() -> bool:
        report = installer.status()["report"]
        return bool(collector.stored) and report["backlog_batches"] <= 1

    await until(drained, 60, "the backlog is acked")
    numbers = sorted(identity.seq for identity in collector.stored)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len({identity.epoch for identity in collector.stored}) == 1
    assert collector.altered == []
    started = [event for event in collector.events() if event.kind == "gateway_started"]
    assert len(started) >= 3
    await collector.stop()


def test_uninstalling_keeps_what_a_next_install_needs(installer: Installer) -> None:
    box, epoch = installer.box, installer.status()["report"]["epoch"]
    said = box.run("/srv/0.2.0/uninstall.sh", *SERVICE)
    assert "kept: /etc/dayuan/edge" in said
    assert not box.path("/opt/dayuan").exists()
    assert not list(box.path("/etc/systemd/system").glob("dayuan*"))
    assert (
        box.run("sh", "-c", "ls /usr/local/bin /etc/udev/rules.d /etc/systemd/journald.conf.d | grep dayuan", code=1)
        == ""
    )
    installer.install("/srv/0.2.0")
    assert installer.status()["report"]["epoch"] == epoch


def test_decommissioning_asks_and_erases_keys_and_data(installer: Installer) -> None:
    box = installer.box
    assert "say --yes east-compound/b3" in box.run("/srv/0.2.0/decommission.sh", code=2)
    assert "Nothing was erased" in box.run("/srv/0.2.0/decommission.sh", "--yes", "east-compound/b4", code=2)
    assert installer.status()["gateway"] == "b3"
    epoch = installer.status()["report"]["epoch"]
    said = box.run("/srv/0.2.0/decommission.sh", "--yes", "east-compound/b3", "--record", "/srv/record.txt", *SERVICE)
    assert re.search(r"Erased \d+ files", said)
    record = box.path("/srv/record.txt").read_text("utf-8")
    assert "decommissioned: east-compound/b3" in record
    assert "erased: /etc/dayuan/edge/secrets/broker" in record
    assert "erased: /var/lib/dayuan-edge/buffer.db" in record
    assert box.run("getent", "passwd", "dayuan-edge", code=2) == ""
    left = box.run("grep", "-rlE", f"{SECRET}|{epoch}", "/etc", "/var", "/opt", "/home", "/run", "/tmp", code=None)
    assert left == ""


def test_the_debian_package_installs_upgrades_and_is_purged(installer: Installer, tmp_path: Path) -> None:
    box = installer.box
    made = subprocess.run([str(ROOT / "deploy/deb.sh"), str(installer.archive), "--out", str(tmp_path)], text=True,
                          capture_output=True)  # fmt: skip
    assert made.returncode == 0, made.stderr
    package = next(tmp_path.glob("*.deb"))
    subprocess.run(["cp", str(package), str(box.path("/srv"))], check=True)
    said = box.run("dpkg", "-i", f"/srv/{package.name}")
    assert "change-me" in said
    assert "dayuan 0.1.0" in box.run("dayuan-edge", "--version")
    assert "install ok installed" in box.run("dpkg-query", "-W", "-f", "${Status}", "dayuan-edge")
    box.run("dpkg", "-i", f"/srv/{package.name}")
    box.run("dpkg", "--remove", "dayuan-edge")
    assert not box.path("/opt/dayuan").exists()
    assert box.path("/etc/dayuan/edge/site.toml").exists()
    box.run("dpkg", "--purge", "dayuan-edge")
    assert not box.path("/etc/dayuan/edge").exists()
    assert not box.path("/var/lib/dayuan-edge").exists()
