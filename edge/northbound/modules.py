"""Which modules pass readings on to somebody else: one for each table of the site file that switches one on."""

from __future__ import annotations

import random
from collections.abc import Callable

from edge.contract import Dial
from edge.mqtt_link import MqttDialer
from edge.northbound.contract import DeviceReports, Northbound
from edge.northbound.home_assistant import HomeAssistant
from edge.northbound.sparkplug_node import SparkplugNode
from edge.settings import HomeSettings, Site, SparkplugSettings
from protocols.birth import Birth
from protocols.clock import Clock
from protocols.mqtt_url import MqttUrl


def northbound(
    site: Site,
    birth: Birth,
    *,
    clock: Clock,
    rng: random.Random,
    devices: DeviceReports,
    time_is_known: Callable[[], bool],
    uplink_is_online: Callable[[], bool],
) -> list[Northbound]:
    """The modules that the site file switches on; opens nothing."""
    found: list[Northbound] = []
    if (node := site.sparkplug) is not None:
        found.append(
            SparkplugNode(
                site,
                node,
                birth,
                clock=clock,
                rng=random.Random(rng.random()),
                dial=dial_to(node),
                devices=devices,
                time_is_known=time_is_known,
            )
        )
    if (home := site.home_assistant) is not None:
        found.append(
            HomeAssistant(
                site,
                home,
                birth,
                clock=clock,
                rng=random.Random(rng.random()),
                dial=dial_to(home)(home.url),
                devices=devices,
                uplink_is_online=uplink_is_online,
            )
        )
    return found


def dial_to(settings: SparkplugSettings | HomeSettings) -> Callable[[MqttUrl], Dial]:
    """How a module reaches its broker: every one gets a connection of its own."""
    return lambda url: MqttDialer(
        url=url,
        username=settings.username,
        password_file=settings.password_file,
        ca_file=settings.ca_file,
        certificate_file=settings.certificate_file,
        key_file=settings.key_file,
    )
