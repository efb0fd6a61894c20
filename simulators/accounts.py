"""Who may do what at the broker of a simulated compound: each part its own topics and no others."""

from __future__ import annotations

from collections.abc import Iterable

from simulators.broker import Account
from simulators.mqtt_hardware import DEVICES, DOORS, VEHICLES, topics_of
from simulators.plans_mqtt import DevicePlan
from simulators.scenario import Scenario


def accounts_of(scenario: Scenario) -> tuple[Account, ...]:
    """The collector, each gateway, the doors, the vehicles, and all others that publish."""
    accounts = [collector_account()]
    for gateway in scenario.gateway:
        topics = [f"{door.topic}/#" for door in scenario.door if door.gateway == gateway.id]
        topics += [f"{car.topic}/#" for car in scenario.vehicle if car.gateway == gateway.id]
        topics += _topics(device for device in scenario.device if device.gateway == gateway.id)
        accounts.append(gateway_account(scenario.site, gateway.id, tuple(topics)))
    return (*accounts, *talkers_accounts(scenario))


def talkers_accounts(scenario: Scenario) -> tuple[Account, ...]:
    """Of everything that publishes by itself."""
    return (
        devices_account(DOORS, tuple(f"{door.topic}/#" for door in scenario.door)),
        devices_account(VEHICLES, tuple(f"{car.topic}/#" for car in scenario.vehicle)),
        devices_account(DEVICES, _topics(scenario.device)),
    )


def _topics(plans: Iterable[DevicePlan]) -> tuple[str, ...]:
    """Every filter once: several devices may share a topic."""
    return tuple(dict.fromkeys(topic for plan in plans for topic in topics_of(plan)))


def collector_account() -> Account:
    root = "dayuan/1/+/+"
    return Account(
        "collector",
        publish=tuple(f"{root}/{channel}" for channel in ("ack", "cmd", "config", "cert", "grants")),
        subscribe=tuple(f"{root}/{channel}" for channel in ("up", "birth", "status", "renew")),
    )


def gateway_account(site: str, gateway: str, devices: tuple[str, ...] = ()) -> Account:
    """A gateway: its own channels to the collector, and to read what its local ``devices`` publish."""
    root = f"dayuan/1/{site}/{gateway}"
    return Account(
        f"gateway-{gateway}",
        publish=tuple(f"{root}/{channel}" for channel in ("up", "birth", "status", "renew")),
        subscribe=(*(f"{root}/{channel}" for channel in ("ack", "cmd", "config", "cert", "grants")), *devices),
    )


def devices_account(name: str, topics: tuple[str, ...]) -> Account:
    return Account(name, publish=topics, subscribe=())
