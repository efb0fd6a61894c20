"""The compose file and what it mounts: sound, without a default password, and its broker lets each account do its own.

No container engine runs here: shapes are checked, and what can run without one (broker, secrets, dashboards' queries).
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloud.app import openapi
from cloud.cli import main
from cloud.identity.authority import Authority
from cloud.identity.broker_files import CONF
from cloud.settings import load_cloud
from protocols.clock import SystemClock
from tests.architecture.source import ROOT
from tests.cloud.identity.tls_broker import Client, TlsBroker
from tests.edge.mosquitto import Mosquitto

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
TOP_KEYS = {"name", "services", "networks", "volumes", "secrets"}
SERVICE_KEYS = {
    *("image", "build", "user", "command", "ports", "networks", "volumes", "secrets", "depends_on", "healthcheck"),
    *("environment", "restart", "security_opt", "cap_drop", "read_only", "tmpfs", "logging", "mem_limit", "profiles"),
    *("stop_grace_period", "init", "pid"),
}
CONDITIONS = {"service_healthy", "service_completed_successfully"}
BOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))


def test_it_has_only_keys_of_the_compose_specification() -> None:
    assert {key for key in COMPOSE if not key.startswith("x-")} <= TOP_KEYS
    for name, service in SERVICES.items():
        assert set(service) <= SERVICE_KEYS, name
        assert "image" in service or "build" in service
        health = service.get("healthcheck")
        assert health is None or set(health) <= {"test", "interval", "timeout", "retries", "start_period"}


def test_what_it_names_is_there() -> None:
    for name, service in SERVICES.items():
        assert {each["source"] for each in service.get("secrets", [])} <= set(COMPOSE["secrets"]), name
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
                assert volume.endswith(":ro"), f"{volume}: what a container is given to read it cannot change"
            else:
                assert source in COMPOSE["volumes"], source
        for other, wanted in service.get("depends_on", {}).items():
            assert set(wanted) == {"condition"}
            assert wanted["condition"] in CONDITIONS
            assert wanted["condition"] != "service_healthy" or "healthcheck" in SERVICES[other]
            assert wanted["condition"] != "service_completed_successfully" or SERVICES[other]["restart"] == "no"
    assert (
        DEPLOY / SERVICES["broker-files"]["build"]["context"] / SERVICES["broker-files"]["build"]["dockerfile"]
    ).is_file()


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_little_and_is_reached_from_this_machine_only(name: str) -> None:
    service = SERVICES[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    # The broker may be opened by whoever starts it: it lets in nobody without a certificate.
    reached = ("127.0.0.1:", "${DAYUAN_BROKER_AT:-127.0.0.1}:8883:") if name == "broker" else ("127.0.0.1:",)
    assert all(port.startswith(reached) for port in service.get("ports", []))
    assert "privileged" not in service
    assert not re.search(r":latest$|^[^:]+$", service["image"]) or "build" in service, "a version is named"


def test_no_password_stands_in_any_file() -> None:
    settings = [*DEPLOY.glob("compose/*.toml"), *DEPLOY.glob("compose/*.conf"), *DEPLOY.glob("grafana/**/*.yaml")]
    for path in [DEPLOY / "compose.yaml", *settings]:
        for line in path.read_text("utf-8").splitlines():
            found = re.search(r"(?i)(?:password|token|secret)\w*\s*[:=]\s*[\"']?([^\s\"']+)", line)
            if found and not line.lstrip().startswith("#"):
                value = found[1]
                # only where it is: a file, a variable of the shell
                assert re.match(r"/run/secrets/|\$|file:|\./|\{$|bearerToken", value) or "/secrets" in line, (
                    f"{path}: {line}"
                )
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"].startswith("/run/secrets/")
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    ignored = subprocess.run(["git", "check-ignore", "-q", "deploy/compose/secrets/grafana_admin"], cwd=ROOT)
    assert ignored.returncode == 0, "git must not know the secrets"


def settings_in(folder: Path) -> Path:
    """The collector's settings as they are, with a folder for each volume."""
    text = (DEPLOY / "compose/cloud.toml").read_text("utf-8")
    for volume in SERVICES["broker-files"]["volumes"]:
        source, inside = volume.split(":")[:2]
        if not source.startswith("."):
            assert inside in text
            (folder / source).mkdir()
            text = text.replace(inside, str(folder / source))
    path = folder / "cloud.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_collectors_settings_are_good(tmp_path: Path) -> None:
    found = load_cloud(settings_in(tmp_path))
    assert SERVICES["collector"]["volumes"] == SERVICES["broker-files"]["volumes"]
    assert "collector" in found.hosts
    assert found.broker.tls
    assert found.own_certificate
    assert found.require_enrolment
    assert found.broker.host in SERVICES


def test_broker_and_collector_are_one_user_and_see_each_other() -> None:
    users = {SERVICES[name]["user"] for name in ("broker-files", "broker", "collector")}
    assert users == {"10001:10001"}
    assert SERVICES["collector"]["pid"] == "service:broker"
    assert SERVICES["broker"]["init"] is True, "else its number is 1, which is never signalled"
    dockerfile = (DEPLOY / "collector/Dockerfile").read_text("utf-8")
    assert "--uid 10001" in dockerfile
    assert re.search(r"install -d .*-o dayuan-collector .*/var/lib/dayuan-broker", dockerfile)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_dashboard_asks_routes_that_there_are_for_fields_that_they_have(path: Path) -> None:
    board = json.loads(path.read_text("utf-8"))
    described = openapi()["paths"]
    queries = [target for panel in board["panels"] for target in panel["targets"]]
    queries += [variable["query"]["infinityQuery"] for variable in board["templating"]["list"]]
    names = {variable["name"] for variable in board["templating"]["list"]} | {"__from", "__to"}
    assert queries
    for query in queries:
        assert query["datasource"] == {"type": "yesoreyeram-infinity-datasource", "uid": "dayuan"}
        route = described[query["url"]]["get"]
        allowed = {each["name"]: each["schema"] for each in route.get("parameters", [])}
        given = {each["key"]: each["value"] for each in query["url_options"]["params"]}
        assert set(given) <= set(allowed), query["url"]
        for value in given.values():
            assert set(re.findall(r"\$\{(\w+)\}", value)) <= names
        example = route["responses"]["200"]["content"]["application/json"]["example"]
        rows = example[query["root_selector"]]
        for column in query["columns"]:
            at: Any = rows[0]
            if isinstance(at, list):
                # of a roll-up: at, min, max, mean, last, count, coverage
                assert int(column["selector"]) < 7
                continue
            for part in column["selector"].split("."):
                at = at[part]


def test_grafana_is_given_its_source_by_a_secret() -> None:
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/dayuan.yaml").read_text("utf-8"))[
        "datasources"
    ][0]
    assert source["uid"] == "dayuan"
    assert source["secureJsonData"]["bearerToken"] == "$__file{/run/secrets/grafana_token}"
    assert source["jsonData"]["allowedHosts"] == [source["url"]]


def made_secrets(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(folder / "secrets.sh"), *more], capture_output=True, text=True)


def test_secrets_are_made_once_and_differ(tmp_path: Path) -> None:
    compose = tmp_path / "compose"
    shutil.copytree(DEPLOY / "compose", compose, ignore=shutil.ignore_patterns("secrets"))
    first = made_secrets(compose)
    assert first.returncode == 0, first.stderr
    secrets = compose / "secrets"
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    drawn = [before[name] for name in ("grafana_admin", "victoria")]
    assert len(set(drawn)) == 2
    assert all(len(each.strip()) == 32 for each in drawn)
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert made_secrets(compose).returncode == 0
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before
    assert made_secrets(compose, "east/b3").returncode == 2
    assert {each["file"].rpartition("/")[2] for each in COMPOSE["secrets"].values()} <= set(before)


class ComposedBroker(TlsBroker):
    """mosquitto on what the container ``broker-files`` writes, on a port of the test's."""

    def __init__(self, folder: Path) -> None:
        Mosquitto.__init__(self, folder)
        self.files = folder / "broker-files"
        settings = settings_in(folder)
        arguments = [each.replace("/var/lib/dayuan-broker", str(self.files)) for each in COMMAND]
        arguments = [each.replace("/etc/dayuan/cloud.toml", str(settings)) for each in arguments]
        assert main([re.sub(r"\$\{\w+:-(\w+)\}", r"\1", each) for each in arguments]) == 0
        self.authority = Authority(load_cloud(settings).identity_path, SystemClock())
        self.authority.open()
        self._conf = self.files / CONF
        conf = self._conf.read_text().replace("listener 8883 0.0.0.0", f"listener {self.port} 127.0.0.1")
        self._conf.write_text("user root\n" + conf)


COMMAND: list[str] = SERVICES["broker-files"]["command"]


def test_its_broker_lets_in_who_is_enrolled_and_each_does_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = ComposedBroker(tmp_path)
    assert "certificate_until" in capsys.readouterr().out
    broker.start()
    try:
        collector, b3 = Client(broker, "collector").online(), Client(broker, "east/b3").online()
        collector.subscribe("dayuan/1/+/+/up")
        assert b3.publish("dayuan/1/east/b3/up")
        assert not b3.publish("dayuan/1/east/b4/up")
        assert not b3.publish("dayuan/1/east/b3/cmd")
        with socket.create_connection(("127.0.0.1", broker.port), 5) as wire:
            wire.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")
            with contextlib.suppress(ConnectionError):
                assert wire.recv(4) != b"\x20\x02\x00\x00", "somebody without a certificate is in"
        for each in (collector, b3):
            each.close()
        assert [topic for topic, _ in collector.got] == ["dayuan/1/east/b3/up"]
    finally:
        broker.stop()
