"""ThingsBoard's gateway in an environment of its own, thrown away afterwards, with the same devices as ours.

Its settings are those its documentation gives for throughput: records read 1,000 at a time, no delay between packs,
packs of 64 KiB, no rate limits, no report strategy, statistics off, one Modbus request for a whole range of registers.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.far_mqtt import DIALECTS
from tests.bench.programs import OURS, Program, running

PACKAGE = "thingsboard-gateway"
NEEDS = ("pymodbus==3.9.2", "pyserial", "pyserial-asyncio")
"""What its Modbus connector installs by itself at its first start, in the version it asks for."""
INSTALL_S = 600
NO_LIMIT = "0:0,"
PLATFORM_TOKEN = "bench"
"""Lets nobody in; the broker takes anybody."""

Json = dict[str, object]


class NotRun(Exception):
    """The comparison cannot be made here; the text says why."""


class Peer:
    """An installed thingsboard-gateway."""

    def __init__(self, python: Path, version: str) -> None:
        self._python, self.version = python, version

    @contextlib.contextmanager
    def running(self, folder: Path, platform_port: int, connectors: dict[str, Json], storage: str) -> Iterator[Program]:
        """It, with these connectors ("modbus", "mqtt") and its output in ``folder``."""
        config = folder / "config"
        config.mkdir(parents=True)
        (folder / "logs").mkdir()
        names = [
            {"name": kind, "type": kind, "configuration": f"{kind}.json", "logLevel": "ERROR"} for kind in connectors
        ]
        _write(config / "tb_gateway.json", _gateway(platform_port, storage, folder) | {"connectors": names})
        for kind, settings in connectors.items():
            _write(config / f"{kind}.json", settings | {"name": kind, "logLevel": "ERROR"})
        _write(config / "logs.json", LOGS)
        argv = [str(self._python), "-c", "from thingsboard_gateway.tb_gateway import main; main()"]
        env = {"TB_GW_CONFIG_DIR": f"{config}/"}
        with running(argv, folder / "thingsboard.log", core=OURS, env=env, cwd=folder) as program:
            yield program


def install(folder: Path) -> Peer:
    """A new environment with the newest version from the package index; raises NotRun with the reason."""
    try:
        _run([sys.executable, "-m", "venv", str(folder)])
        python = folder / "bin" / "python"
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *NEEDS])
        asked = "import importlib.metadata as m; print(m.version('thingsboard-gateway'))"
        return Peer(python, _run([str(python), "-c", asked]).strip())
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise NotRun(f"{PACKAGE} does not install here: {said.strip().splitlines()[-1][:200]}") from None


def _run(argv: Sequence[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=INSTALL_S, check=True)
    return done.stdout


def _write(path: Path, settings: Json) -> None:
    path.write_text(json.dumps(settings, indent=1), encoding="utf-8")


LOGS: Json = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(module)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stdout"}},
    "loggers": {
        name: {"handlers": ["console"], "level": "ERROR", "propagate": False}
        for name in ("database", "service", "connector", "converter", "tb_connection", "storage", "extension")
    },
    "root": {"level": "ERROR", "handlers": ["console"]},
}


def _gateway(port: int, storage: str, folder: Path) -> Json:
    limits = [f"{name}RateLimits" for name in ("dp", "messages", "deviceMessages", "device", "deviceDp")]
    stores: dict[str, Json] = {
        "memory": {"type": "memory", "read_records_count": 1000, "max_records_count": 1_000_000},
        "sqlite": {
            "type": "sqlite",
            "data_file_path": f"{folder}/data/data.db",
            "messages_ttl_check_in_hours": 1,
            "messages_ttl_in_days": 7,
            "max_read_records_count": 1000,
        },
    }
    (folder / "data").mkdir()
    return {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": port,
            "remoteShell": False,
            "remoteConfiguration": False,
            "statistics": {"enable": False, "statsSendPeriodInSeconds": 3600},
            "deviceFiltering": {"enable": False},
            "maxPayloadSizeBytes": 65536,
            "minPackSendDelayMS": 0,
            "minPackSizeToSend": 500,
            "checkConnectorsConfigurationInSeconds": 3600,
            "handleDeviceRenaming": False,
            "security": {"type": "accessToken", "accessToken": PLATFORM_TOKEN},
            "qos": 1,
            **dict.fromkeys(["rateLimits", *limits], NO_LIMIT),
        },
        "storage": stores[storage],
        "grpc": {"enabled": False},
    }


def _values(points: int) -> list[Json]:
    """``points`` float32 from register 0, in one request."""
    return [
        {
            "tag": "p_${unitId}_${functionCode}_${address}",
            "type": "32float",
            "functionCode": 3,
            "objectsCount": 2,
            "address": f"0-{2 * points - 1}",
            "maxRegistersPerRequest": 125,
        }
    ]


def _slave(name: str, unit: int, points: int, every_s: float, wire: Json) -> Json:
    return {
        "unitId": unit,
        "deviceName": name,
        "deviceType": "default",
        "byteOrder": "BIG",
        "wordOrder": "BIG",
        "timeout": 5,
        "retries": 3,
        "pollPeriod": round(every_s * 1000),
        "connectAttemptTimeMs": 500,
        "connectAttemptCount": 5,
        "waitAfterFailedAttemptsMs": 30000,
        "attributes": [],
        "timeseries": _values(points),
        "attributeUpdates": [],
        "rpc": [],
        **wire,
    }


def tcp_devices(ports: Sequence[int], points: int, every_s: float) -> Json:
    """A Modbus connector with a device on each port."""
    wires: list[Json] = [{"type": "tcp", "method": "socket", "host": "127.0.0.1", "port": port} for port in ports]
    return {"master": {"slaves": [_slave(f"m{n:03d}", 1, points, every_s, wire) for n, wire in enumerate(wires)]}}


def rtu_devices(port: Path, units: int, points: int, every_s: float) -> Json:
    """A Modbus connector with that many units on one line."""
    wire: Json = {
        "type": "serial", "method": "rtu", "port": str(port), "baudrate": 9600, "parity": "N", "stopbits": 1,
        "bytesize": 8,
    }  # fmt: skip
    return {"master": {"slaves": [_slave(f"m{n}", n, points, every_s, wire) for n in range(1, units + 1)]}}


PATHS: dict[str, tuple[str, str, dict[str, str]]] = {
    "zigbee2mqtt/plug": (
        "zigbee2mqtt/+",
        "(?<=zigbee2mqtt/)(.*)",
        {name: f"${{{name}}}" for name in ("power", "voltage", "current", "energy", "state")},
    ),
    "tasmota/energy": (
        "tele/+/SENSOR",
        "(?<=tele/)(.*?)(?=/SENSOR)",
        {
            name: f"${{ENERGY.{name}}}"
            for name in ("Total", "Power", "ApparentPower", "ReactivePower", "Factor", "Voltage", "Current")
        },
    ),
    "shelly/pro-3em": (
        "+/events/rpc",
        "(.*?)(?=/events/rpc)",
        {
            name: f"${{params['em:0'].{name}}}"
            for name in (
                *(f"{p}_{what}" for p in "abc" for what in ("current", "voltage", "act_power", "aprt_power", "pf")),
                *("total_current", "total_act_power", "total_aprt_power"),
            )
        },
    ),
    "owntracks/phone": (
        "owntracks/fleet/+",
        "(?<=owntracks/fleet/)(.*)",
        {name: f"${{{name}}}" for name in ("lat", "lon", "acc", "alt", "vel", "cog", "batt", "bs")},
    ),
}
"""Per dialect: topic filter, device name in the topic, the values that our profile gives."""


def mqtt_devices(port: int) -> Json:
    """An MQTT connector that takes the same values of the same devices as our profiles."""
    mappings = []
    for dialect in DIALECTS:
        topic_filter, name, values = PATHS[dialect.profile]
        assert len(values) == dialect.points, dialect.profile
        mappings.append(
            {
                "topicFilter": topic_filter,
                "subscriptionQos": 1,
                "converter": {
                    "type": "json",
                    "deviceInfo": {
                        "deviceNameExpressionSource": "topic",
                        "deviceNameExpression": name,
                        "deviceProfileExpressionSource": "constant",
                        "deviceProfileExpression": "default",
                    },
                    "timeout": 60000,
                    "attributes": [],
                    "timeseries": [
                        {"type": "string" if key == "state" else "double", "key": key, "value": path}
                        for key, path in values.items()
                    ],
                },
            }
        )
    broker: Json = {
        "host": "127.0.0.1", "port": port, "clientId": "thingsboard-bench", "version": 5,
        "maxMessageNumberPerWorker": 10, "maxNumberOfWorkers": 100, "security": {"type": "anonymous"},
    }  # fmt: skip
    return {"broker": broker, "mapping": mappings, "requestsMapping": {}}
