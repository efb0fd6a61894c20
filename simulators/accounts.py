"""Who may do what at the broker of a simulated compound: each part its own topics and no others."""

from __future__ import annotations

from simulators.broker import Account
from simulators.scenario import Scenario


def accounts_of(scenario: Scenario) -> tuple[Account, ...]:
    """The collector, each gateway, the doors and the vehicles."""
    accounts = [collector_account()]
    for gateway in scenario.gateway:
        topics = [f"{door.topic}/#" for door in scenario.door if door.gateway == gateway.id]
        topics += [f"{car.topic}/#" for car in scenario.vehicle if car.gateway == gateway.id]
        accounts.append(gateway_account(scenario.site, gateway.id, tuple(topics)))
    accounts.append(devices_account("doors", tuple(f"{door.topic}/#" for door in scenario.door)))
    accounts.append(devices_account("vehicles", tuple(f"{car.topic}/#" for car in scenario.vehicle)))
    return tuple(accounts)


def collector_account() -> Account:
    root = "dayuan/1/+/+"
    return Account(
        "collector",
        publish=tuple(f"{root}/{channel}" for channel in ("ack", "cmd", "config")),
        subscribe=tuple(f"{root}/{channel}" for channel in ("up", "birth", "status")),
    )


def gateway_account(site: str, gateway: str, devices: tuple[str, ...] = ()) -> Account:
    """A gateway: its own channels to the collector, and to read what its local ``devices`` publish."""
    root = f"dayuan/1/{site}/{gateway}"
    return Account(
        f"gateway-{gateway}",
        publish=tuple(f"{root}/{channel}" for channel in ("up", "birth", "status")),
        subscribe=(*(f"{root}/{channel}" for channel in ("ack", "cmd", "config")), *devices),
    )


def devices_account(name: str, topics: tuple[str, ...]) -> Account:
    return Account(name, publish=topics, subscribe=())
