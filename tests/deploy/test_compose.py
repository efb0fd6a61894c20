"""The compose file and what it mounts: sound, without a default password, and its broker lets each account do its own.

No container engine runs here: shapes are checked, and what can run without one (broker, secrets, dashboards' queries).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import yaml

from cloud.app import openapi
from cloud.settings import load_cloud
from tests.architecture.source import ROOT
from tests.edge.mosquitto import Mosquitto

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
TOP_KEYS = {"name", "services", "networks", "volumes", "secrets"}
SERVICE_KEYS = {
    *("image", "build", "user", "command", "ports", "networks", "volumes", "secrets", "depends_on", "healthcheck"),
    *("environment", "restart", "security_opt", "cap_drop", "read_only", "tmpfs", "logging", "mem_limit", "profiles"),
    "stop_grace_period",
}
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
            assert wanted != {"condition": "service_healthy"} or "healthcheck" in SERVICES[other]
    assert (DEPLOY / SERVICES["collector"]["build"]["context"] / SERVICES["collector"]["build"]["dockerfile"]).is_file()


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_little_and_is_reached_from_this_machine_only(name: str) -> None:
    service = SERVICES[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
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


def test_the_collectors_settings_are_good(tmp_path: Path) -> None:
    text = (DEPLOY / "compose/cloud.toml").read_text("utf-8")
    secret = tmp_path / "broker_collector"
    secret.write_text("x\n", encoding="ascii")
    file = tmp_path / "cloud.toml"
    file.write_text(text.replace("/run/secrets/broker_collector", str(secret)), encoding="utf-8")
    found = load_cloud(file)
    assert f"{found.data}" in {volume.split(":")[1] for volume in SERVICES["collector"]["volumes"]}
    assert "collector" in found.hosts


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


def made_secrets(folder: Path, *gateways: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(folder / "secrets.sh"), *gateways], capture_output=True, text=True)


@pytest.fixture
def compose(tmp_path: Path) -> Path:
    folder = tmp_path / "compose"
    shutil.copytree(DEPLOY / "compose", folder, ignore=shutil.ignore_patterns("secrets"))
    return folder


def test_secrets_are_made_once_and_differ(compose: Path) -> None:
    first = made_secrets(compose, "east/b3", "east/b4")
    assert first.returncode == 0, first.stderr
    secrets = compose / "secrets"
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    drawn = [
        before[name] for name in ("broker_collector", "grafana_admin", "victoria", "gateway-east.b3", "gateway-east.b4")
    ]
    assert len(set(drawn)) == 5
    assert all(len(each.strip()) == 32 for each in drawn)
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert not any(each.strip() in before["broker_passwords"] for each in drawn), "the broker has them hashed"
    assert made_secrets(compose, "east/b3").returncode == 0
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before
    assert made_secrets(compose, "east/#").returncode == 2
    assert {each["file"].rpartition("/")[2] for each in COMPOSE["secrets"].values()} <= set(before)


async def test_its_broker_lets_each_account_do_its_own_and_nothing_else(compose: Path, tmp_path: Path) -> None:
    assert made_secrets(compose, "east/b3", "east/b4").returncode == 0
    secrets = compose / "secrets"
    lines = (compose / "mosquitto.conf").read_text("utf-8").replace("/run/secrets", str(secrets))
    kept = [
        line for line in lines.splitlines() if not line.startswith(("listener", "allow_", "persist", "autosave", "#"))
    ]
    broker = Mosquitto(tmp_path, *kept, anonymous=False).start()
    try:

        def client(name: str, secret: str) -> aiomqtt.Client:
            password = (secrets / secret).read_text("ascii").strip()
            return aiomqtt.Client("127.0.0.1", broker.port, username=name, password=password)

        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client("127.0.0.1", broker.port):
                pass
        heard: list[str] = []
        async with (
            client("collector", "broker_collector") as collector,
            client("east.b3", "gateway-east.b3") as b3,
            client("east.b4", "gateway-east.b4") as b4,
        ):
            await collector.subscribe("dayuan/1/+/+/up", qos=1)
            await b4.subscribe("dayuan/1/#", qos=1)

            async def listen(who: str, on: aiomqtt.Client) -> None:
                async for message in on.messages:
                    heard.append(f"{who} {message.topic}")
                    if message.payload == b"end":
                        return

            listening = [asyncio.create_task(listen("collector", collector)), asyncio.create_task(listen("b4", b4))]
            await b3.publish("dayuan/1/east/b3/up", b"good", qos=1)
            for denied in (
                "dayuan/1/east/b4/up",
                "dayuan/1/east/b4/ack",
                "dayuan/1/east/b4/cmd",
                "dayuan/1/east/b3/ack",
            ):
                with contextlib.suppress(aiomqtt.MqttError):  # some versions end whoever tries
                    async with client("east.b3", "gateway-east.b3") as other:
                        await other.publish(denied, b"not its own", qos=1)
            await b4.publish("dayuan/1/east/b4/up", b"end", qos=1)
            await collector.publish("dayuan/1/east/b4/ack", b"end", qos=1)
            await asyncio.wait_for(asyncio.gather(*listening), 20)
        assert heard.count("collector dayuan/1/east/b3/up") == 1
        assert heard.count("collector dayuan/1/east/b4/up") == 1
        assert [each for each in heard if each.startswith("b4")] == ["b4 dayuan/1/east/b4/ack"]
    finally:
        broker.stop()
