"""The gateways' site files and the collector's settings, written for a simulated compound."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from simulators.devices.mqtt.dialects import DIALECTS
from simulators.hardware import LineAddress
from simulators.plans_modbus import MeterPlan, ModulePlan
from simulators.scenario import GatewayPlan, Scenario
from simulators.site_doors import doors_of, remote_of
from simulators.wires.mqtt import BrokerAccount

DEADBANDS: dict[str, dict[str, float | str]] = {
    "eastron/sdm630": {
        "voltage_l1_n": 1.5,
        "voltage_l2_n": 1.5,
        "voltage_l3_n": 1.5,
        "frequency": 0.02,
        "power_factor_total": "1 %",
    },
    "eastron/sdm120": {"voltage_l1_n": 1.5, "frequency": 0.02},
    "abb/b23": {"voltage_l1_n": 1.5, "voltage_l2_n": 1.5, "voltage_l3_n": 1.5},
}
"""Where small changes say nothing: by model, so that the demo shows both ways."""

DEVICE_BUS = "local-mqtt"


def toml_value(value: object) -> str:
    """A value as TOML writes it; JSON's texts, numbers and lists are TOML's."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml_value(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _table(head: str, rows: Iterable[tuple[str, object]]) -> str:
    lines = [head]
    for key, value in rows:
        if value not in ("", None, {}, []):
            lines.append(f"{key} = {toml_value(value)}")
    return "\n".join(lines) + "\n"


def gateway_site_file(
    scenario: Scenario,
    gateway: GatewayPlan,
    *,
    lines: Mapping[str, LineAddress],
    account: BrokerAccount,
    folder: Path,
    card_key_file: Path,
    flush_every: str = "1 s",
) -> str:
    """The site file of one gateway: its lines, its doors and vehicles, its broker account."""
    url = f"mqtt://{account.host}:{account.port}"
    parts = [
        "# Written by dayuan-sim at every start; changes are lost.\n",
        _table(
            "[gateway]",
            (
                ("site", scenario.site),
                ("id", gateway.id),
                ("name", gateway.name),
                ("site_name", scenario.site_name),
                ("card_key_file", str(card_key_file)),
            ),
        ),
        _table(
            "[uplink]",
            (("url", url), ("username", account.username), ("password_file", str(account.password_file))),
        ),
        _table(
            "[buffer]",
            (("path", str(folder / "buffer.db")), ("max_size", "256 MiB"), ("flush_every", flush_every)),
        ),
        _table("[defaults]", (("every", gateway.every), ("max_silence", gateway.max_silence))),
        _table("[remote_config]", (("enabled", True),)),
    ]
    own = [line for line in scenario.line if line.gateway == gateway.id]
    for line in own:
        where = lines[line.name]
        if where.port:
            rows: tuple[tuple[str, object], ...] = (("host", where.host), ("port", where.port))
        else:
            rows = (("port", where.path), ("baud", where.baud))
        parts.append(_table("[[bus]]", (("name", line.name), ("kind", where.kind), ("timeout", "2 s"), *rows)))
    doors = [door for door in scenario.door if door.gateway == gateway.id]
    vehicles = [car for car in scenario.vehicle if car.gateway == gateway.id]
    others = [device for device in scenario.device if device.gateway == gateway.id]
    if doors or vehicles or others:
        parts.append(
            _table(
                "[[bus]]",
                (
                    ("name", DEVICE_BUS),
                    ("kind", "mqtt"),
                    ("url", url),
                    ("username", account.username),
                    ("password_file", str(account.password_file)),
                ),
            )
        )
    names = {line.name for line in own}
    parts += _units(scenario, names)
    parts += [_talker(door.id, door.name, "esp-rfid/reader", door.topic) for door in doors]
    parts += [_talker(car.id, car.name, "owntracks/phone", car.topic) for car in vehicles]
    parts += [_talker(one.id, one.name, one.dialect, one.topic, one.ident) for one in others]
    parts += [_table("[[door]]", rows) for rows in doors_of(scenario, gateway.id)]
    return "\n".join(parts)


def _units(scenario: Scenario, lines: set[str]) -> list[str]:
    """Meters and modules on these lines."""
    units: list[MeterPlan | ModulePlan] = [*scenario.meter, *scenario.module]
    return [
        _table(
            "[[device]]",
            (
                ("id", meter.id),
                ("name", meter.name),
                ("profile", meter.model),
                ("bus", meter.line),
                ("unit", meter.unit),
                ("every", meter.every),
                ("deadband", DEADBANDS.get(meter.model, {})),
                ("remote", remote_of(scenario, meter.id)),
            ),
        )
        for meter in units
        if meter.line in lines
    ]


def _talker(device: str, name: str, profile: str, topic: str, ident: str = "") -> str:
    return _table(
        "[[device]]",
        (
            ("id", device),
            ("name", name),
            ("profile", profile),
            ("bus", DEVICE_BUS),
            ("topic", topic),
            ("ident", ident),
            ("points", DIALECTS[profile].places),
        ),
    )


def cloud_file(*, data: Path, account: BrokerAccount, listen: str) -> str:
    """The collector's settings."""
    return "\n".join(
        (
            "# Written by dayuan-sim at every start; changes are lost.\n",
            _table("[collector]", (("data", str(data)),)),
            _table(
                "[broker]",
                (
                    ("url", f"mqtt://{account.host}:{account.port}"),
                    ("username", account.username),
                    ("password_file", str(account.password_file)),
                ),
            ),
            _table("[listen]", (("address", listen),)),
        )
    )
