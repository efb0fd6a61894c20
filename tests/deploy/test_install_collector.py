"""A collector on a clean Debian: installed from a bundle without a network, healthy, upgraded, gone back."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.bundles import make_bundle, unpack, variant
from tests.deploy.clean_debian import CleanDebian, clean_debian
from tests.edge.mosquitto import free_port

SERVICE = ("--service", "/usr/local/sbin/box-service")
SETTINGS = "/etc/dayuan/collector/cloud.toml"


class Installer:
    """The machine and its bundle, which lies there as /srv/NAME."""

    def __init__(self, box: CleanDebian, bundle: Path, port: int) -> None:
        self.box, self.bundle, self.port = box, bundle, port

    def install(self, name: str, *options: str, code: int = 0) -> str:
        return self.box.run(f"/srv/{name}/install.sh", *SERVICE, *options, code=code)

    def current(self) -> str:
        return self.box.path("/opt/dayuan/collector/current").readlink().name

    def answers(self) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=10) as answer:
            return bool(answer.read() == b"ok\n")


@pytest.fixture(scope="module")
def installer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installer]:
    folder = tmp_path_factory.mktemp("collector")
    archive = make_bundle("collector", folder / "dist")
    with clean_debian(folder / "debian") as box:
        bundle = unpack(archive, box.path("/srv/first"))
        port = free_port()
        settings = box.path("/srv/cloud.toml")
        text = (bundle / "cloud.toml").read_text("utf-8").replace("127.0.0.1:8080", f"127.0.0.1:{port}")
        settings.write_text(text.replace("127.0.0.1:1883", f"127.0.0.1:{free_port()}"), encoding="utf-8")
        yield Installer(box, bundle, port)


def test_it_is_installed_and_answers_though_the_broker_is_away(installer: Installer) -> None:
    said = installer.install(f"first/{installer.bundle.name}", "--settings", "/srv/cloud.toml")
    assert "service: runs and is healthy" in said
    assert "one-time password: /var/lib/dayuan-collector/one-time-password" in said
    assert installer.answers()
    modes = installer.box.run("stat", "-c", "%U %a", "/var/lib/dayuan-collector", SETTINGS)
    assert modes.split() == ["dayuan-collector", "700", "root", "640"]
    assert "runs this release already" in installer.install(f"first/{installer.bundle.name}")


def test_a_backup_is_made_by_root_beside_the_running_collector(installer: Installer) -> None:
    told = json.loads(installer.box.run("dayuan-cloud", "backup", "/srv/b.tar", "--settings", SETTINGS, "--json"))
    assert told["migration"]
    assert "every sum is right" in installer.box.run("dayuan-cloud", "restore", "/srv/b.tar", "--check")


def test_what_commands_of_root_leave_is_the_collectors(installer: Installer) -> None:
    box = installer.box
    box.run("dayuan-cloud", "user", "list", "--settings", SETTINGS)
    box.run("dayuan-cloud", "gateway", "add", "east/b3", "--settings", SETTINGS)
    box.run("dayuan-cloud", "broker", "files", "/etc/dayuan/broker", "--name", "b.example", "--settings", SETTINGS)
    assert box.path("/var/lib/dayuan-collector/identity/ca.key").exists()
    assert box.run("find", "/var/lib/dayuan-collector", "!", "-user", "dayuan-collector") == ""


def test_a_new_version_that_fails_gives_way_and_the_registry_of_before_is_put_back(installer: Installer) -> None:
    """It brings the registry to a form that the old one does not know, and dies."""
    code = {
        "cloud/cli_backup.py": "",
        "cloud/backup_socket.py": (
            "import sqlite3 as _s; _c = _s.connect('/var/lib/dayuan-collector/registry.sqlite'); "
            "_c.execute(\"UPDATE alembic_version SET version_num = '9999'\"); _c.commit(); raise SystemExit(1)"
        ),
    }
    old = installer.current()
    bad = variant(installer.bundle, installer.box.path("/srv/0.2.0"), "0.2.0", code=code)
    # `backup` of the old version keeps the data; only `run` of the new one touches it.
    assert bad.exists()
    said = installer.install("0.2.0", "--within", "10", code=1)
    assert "not healthy: going back" in said
    assert "putting back the one of before" in said
    assert installer.current() == old
    assert installer.answers()


def test_a_power_cut_in_the_middle_of_that_ends_the_same(installer: Installer) -> None:
    old, box = installer.current(), installer.box
    cut = box.interrupted("KILL", "dayuan-collector")
    box.run("setsid", "--wait", "/srv/0.2.0/install.sh", "--service", cut, code=None)
    assert installer.current().startswith("0.2.0-")
    box.lose_power()
    box.start_again("dayuan-collector")
    said = box.verdict("collector", "--within", "10", code=1)
    assert "ended before it was known to be healthy" in said
    assert "putting back the one of before" in said
    assert installer.current() == old
    assert installer.answers()
    assert not box.path("/opt/dayuan/collector/unjudged").exists()


def test_it_is_removed_and_its_data_stays(installer: Installer) -> None:
    said = installer.box.run(f"/srv/first/{installer.bundle.name}/uninstall.sh", *SERVICE)
    assert "kept: /etc/dayuan/collector" in said
    assert not installer.box.path("/opt/dayuan").exists()
    assert installer.box.path("/var/lib/dayuan-collector/registry.sqlite").exists()
