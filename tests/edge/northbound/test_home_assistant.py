"""Home Assistant's side on a real broker: what is declared, what it is told, what it never is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any

from edge.mqtt_link import MqttDialer
from edge.northbound import home_assistant
from edge.northbound.home_assistant import HomeAssistant
from protocols.mqtt.profile import MqttProfile
from protocols.mqtt.site_points import takes_site_points
from protocols.profile import load_profile, profile_ids
from protocols.reading import Quality
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.edge.northbound.home_assistant_rules import check, declaration_of
from tests.edge.northbound.house import POWER, House, running, table
from tests.edge.northbound.listener import Listener, listening
from tests.waiting import until

METER = "homeassistant/device/dayuan_east/meter/config"
VALUES = "dayuan-home/east"
GATEWAY = "gateway_b3"


class Scene:
    def __init__(self, house: House, home: HomeAssistant, hass: Listener, broker: Mosquitto) -> None:
        self.house, self.home, self.hass, self.broker = house, home, hass, broker

    def values(self, device: str, key: str) -> list[str]:
        topic = f"{VALUES}/{device}/{key}"
        return [message.payload.decode() for message in self.hass.heard if message.topic == topic]

    async def until_value(self, device: str, key: str, wanted: str) -> None:
        await until(lambda: self.values(device, key)[-1:] == [wanted], 15, f"{device}/{key} is {wanted}")

    async def config(self, device: str) -> dict[str, Any]:
        topic = f"homeassistant/device/dayuan_east/{device}/config"
        await until(lambda: self.hass.on(topic), 15, f"{device} declared")
        found: dict[str, Any] = json.loads(self.hass.on(topic)[-1].payload)
        return found

    def say(self, point: str, value: float | None, device: str = "meter", **more: Any) -> None:
        self.home.take([self.house.reading(device, point, value, **more)])


@asynccontextmanager
async def scene(folder: Path, monkeypatch: Any, more: str = 'language = "en"\nevery = "0.1 s"') -> AsyncIterator[Scene]:
    # What is short here is only waiting for Home Assistant, which nobody plays.
    monkeypatch.setattr(home_assistant, "SETTLE_S", 0.1)
    with mosquitto(folder) as broker:
        house = House(folder, table("home_assistant", broker.url, more))
        house.states |= {"meter": "ok", "car": "ok"}
        home = house.home()
        async with listening(broker.url, "homeassistant/#", f"{VALUES}/#") as hass, running(home):
            yield Scene(house, home, hass, broker)


async def retained(broker: Mosquitto, *filters: str) -> dict[str, bytes]:
    """What the broker keeps under these topics."""
    async with listening(broker.url, *filters, "test/end") as late:
        await late.say("test/end", "", qos=1)
        await until(lambda: late.on("test/end"), 15)
        return {message.topic: message.payload for message in late.heard if message.topic != "test/end"}


async def test_a_device_is_declared_with_its_entities(tmp_path: Path, monkeypatch: Any) -> None:
    async with scene(tmp_path, monkeypatch) as here:
        said = await here.config("meter")
        check(METER, here.hass.on(METER)[-1].payload)
        assert said["device"] == {
            "identifiers": ["dayuan_east_meter"],
            "name": "Main meter",
            "manufacturer": "Eastron",
            "model": "SDM630 v2",
            "via_device": "dayuan_east_gateway_b3",
        }
        assert said["origin"]["name"] == "Dayuan"
        assert said["availability"] == [
            {"topic": f"{VALUES}/{GATEWAY}/available"},
            {"topic": f"{VALUES}/meter/available"},
        ]
        assert said["availability_mode"] == "all"
        power = said["components"][POWER]
        assert power == {
            "platform": "sensor",
            "state_topic": f"{VALUES}/meter/{POWER}",
            "name": "Active power",
            "unit_of_measurement": "W",
            "device_class": "power",
            "state_class": "measurement",
            "expire_after": 30,
            "unique_id": f"dayuan_east_meter_{POWER}",
        }
        energy = said["components"]["active_energy_import_total"]
        assert (energy["device_class"], energy["state_class"]) == ("energy", "total_increasing")
        assert METER in await retained(here.broker, "homeassistant/#")


async def test_every_profile_there_is_makes_a_declaration_that_is_taken(tmp_path: Path) -> None:
    more = ""
    for number, profile_id in enumerate(profile_ids()):
        profile = load_profile(profile_id)
        if isinstance(profile, MqttProfile):
            line, place = "local", f'topic = "d/{number}"'
            if takes_site_points(profile) and not profile.places:
                place += '\npoints = { temperature_c = "a/b" }'
        else:
            line, place = f"n{number}", "unit = 1\nextended = true"
            more += f'\n[[bus]]\nname = "{line}"\nkind = "modbus-tcp"\nhost = "10.0.0.{number}"\n'
        more += f'\n[[device]]\nid = "d{number}"\nprofile = "{profile_id}"\nbus = "{line}"\n{place}\n'
    for language in ("zh", "en"):
        broker = Mosquitto(tmp_path)
        home = House(tmp_path, table("home_assistant", broker.url, f'language = "{language}"'), more=more).home()
        assert len(home._configs) > 50
        for object_id, config in home._configs.items():
            assert check(f"homeassistant/device/dayuan_east/{object_id}/config", config)["components"], object_id


async def test_a_gateway_is_declared_as_what_its_devices_are_reached_by(tmp_path: Path, monkeypatch: Any) -> None:
    async with scene(tmp_path, monkeypatch) as here:
        said = await here.config(GATEWAY)
        assert said["device"]["identifiers"] == ["dayuan_east_gateway_b3"]
        assert said["device"]["name"] == "Plant room"
        assert set(said["components"]) == {"uplink", "devices_lost"}
        await here.until_value(GATEWAY, "uplink", "1")
        here.house.states["meter"] = "lost"
        await here.until_value(GATEWAY, "devices_lost", "1")


async def test_names_are_in_the_language_of_the_site(tmp_path: Path, monkeypatch: Any) -> None:
    async with scene(tmp_path, monkeypatch, "") as here:
        said = await here.config("meter")
        assert said["components"][POWER]["name"] == "总有功功率"
        assert (await here.config("car"))["components"]["position"]["name"] == "位置"


async def test_only_good_values_are_shown_and_the_rest_is_unknown(tmp_path: Path, monkeypatch: Any) -> None:
    async with scene(tmp_path, monkeypatch) as here:
        here.say(POWER, 8123.5)
        await here.until_value("meter", POWER, "8123.5")
        here.say(POWER, None)
        await here.until_value("meter", POWER, "None")
        here.say(POWER, 1.0, quality=Quality.UNCERTAIN, reason="clock")
        await here.until_value("meter", POWER, "1")
        here.say(POWER, 2.0, quality=Quality.UNCERTAIN, reason="retained")
        await here.until_value("meter", POWER, "None")
        here.say(POWER, 3.0, at=here.house.now() - 3_600_000)
        here.say("voltage_l1_n", 230.0)
        await here.until_value("meter", "voltage_l1_n", "230")
        assert here.values("meter", POWER)[-1] == "None", "what was true an hour ago is not of now"
        assert here.home.report().dropped == {"late": 1}


async def test_a_value_that_nobody_renews_becomes_unknown(tmp_path: Path, monkeypatch: Any) -> None:
    async with scene(tmp_path, monkeypatch) as here:
        here.say(POWER, 5.0)
        await here.until_value("meter", POWER, "5")
        for held in here.home._values._current._held.values():
            held.limit_s = 0.05
        await here.until_value("meter", POWER, "None")


async def test_values_are_not_retained_and_a_home_assistant_that_starts_gets_those_of_now(
    tmp_path: Path, monkeypatch: Any
) -> None:
    async with scene(tmp_path, monkeypatch) as here:
        here.say(POWER, 5.0)
        await here.until_value("meter", POWER, "5")
        kept = await retained(here.broker, f"{VALUES}/#")
        assert set(kept) == {f"{VALUES}/{each}/available" for each in (GATEWAY, "meter", "relays", "car")}
        assert kept[f"{VALUES}/relays/available"] == b"offline", "it has never answered"
        declared = len(here.hass.on(METER))
        await here.hass.say("homeassistant/status", "online")
        await until(lambda: here.values("meter", POWER) == ["5", "5"], 15)
        assert len(here.hass.on(METER)) == declared + 1


async def test_a_lost_device_is_offline_and_the_gateway_says_goodbye(tmp_path: Path, monkeypatch: Any) -> None:
    async with scene(tmp_path, monkeypatch) as here:
        await here.until_value("meter", "available", "online")
        here.house.states["meter"] = "lost"
        await here.until_value("meter", "available", "offline")
        await here.until_value(GATEWAY, "available", "online")
        here.home.close()
        await here.until_value(GATEWAY, "available", "offline")
        assert (await retained(here.broker, f"{VALUES}/#"))[f"{VALUES}/{GATEWAY}/available"] == b"offline"


async def test_a_gateway_that_is_cut_off_is_offline_by_its_will_and_comes_back(
    tmp_path: Path, monkeypatch: Any
) -> None:
    links: list[Any] = []
    async with scene(tmp_path, monkeypatch) as here:
        dial = here.home._dial

        async def remember(**more: Any) -> Any:
            links.append(await dial(**more))
            return links[-1]

        here.home._dial = remember
        await here.until_value(GATEWAY, "available", "online")
        # The first link was made before we looked: end it by taking its client id.
        thief = await MqttDialer(url=here.broker.url)(client_id="dayuan-east-b3.home")
        await here.until_value(GATEWAY, "available", "offline")
        await thief.close()
        await until(lambda: links, 15)
        await here.until_value(GATEWAY, "available", "online")
        links[-1]._paho.socket().shutdown(SHUT_RDWR)
        await until(lambda: len(links) == 2, 15)
        await here.until_value(GATEWAY, "available", "online")


async def test_states_are_words_or_on_and_off(tmp_path: Path, monkeypatch: Any) -> None:
    async with scene(tmp_path, monkeypatch) as here:
        relay = (await here.config("relays"))["components"]["relay_1"]
        assert (relay["platform"], relay["payload_on"], relay["payload_off"]) == ("binary_sensor", "1", "0")
        for value, payload in ((1.0, "1"), (0.0, "0"), (7.0, "None")):
            here.say("relay_1", value, "relays")
            await here.until_value("relays", "relay_1", payload)


async def test_a_vehicle_is_a_tracker_and_half_a_position_is_none(tmp_path: Path, monkeypatch: Any) -> None:
    async with scene(tmp_path, monkeypatch) as here:
        components = (await here.config("car"))["components"]
        assert components["position"]["platform"] == "device_tracker"
        assert components["position"]["source_type"] == "gps"
        assert not {"latitude", "longitude", "accuracy_m"} & set(components)
        at = here.house.now()
        here.say("latitude", 30.5, "car", at=at)
        here.say("longitude", 114.3, "car", at=at)
        here.say("accuracy_m", 12.0, "car", at=at)
        await until(lambda: here.values("car", "position"), 15)
        assert json.loads(here.values("car", "position")[-1]) == {
            "latitude": 30.5,
            "longitude": 114.3,
            "gps_accuracy": 12.0,
        }
        at = here.house.now() + 1
        here.say("latitude", None, "car", at=at)
        here.say("longitude", 114.4, "car", at=at)
        await here.until_value("car", "position", "{}")


async def test_a_device_that_is_gone_from_the_site_file_is_removed(tmp_path: Path, monkeypatch: Any) -> None:
    old = declaration_of("old", gateway=GATEWAY)
    other = old.replace(GATEWAY, "gateway_other")
    (tmp_path / "mq").mkdir()
    with mosquitto(tmp_path / "mq") as broker:
        async with listening(broker.url, "none") as before:
            node = "homeassistant/device/dayuan_east"
            await before.say(f"{node}/old/config", old, qos=1, retain=True)
            await before.say(f"{node}/of-another/config", other, qos=1, retain=True)
            await before.say(f"{node}/broken/config", "{", qos=1, retain=True)
            await before.say(f"{VALUES}/old/available", "online", qos=1, retain=True)
        house = House(tmp_path, table("home_assistant", broker.url))
        async with running(house.home()):

            async def is_gone() -> bool:
                kept = await retained(broker, "homeassistant/#", f"{VALUES}/old/#")
                return f"{node}/old/config" not in kept and f"{VALUES}/old/available" not in kept

            await until(is_gone, 15)
            kept = await retained(broker, "homeassistant/#")
            assert f"{node}/of-another/config" in kept
            assert f"{node}/broken/config" in kept, "nobody knows whose it is"


async def test_an_entity_that_is_gone_is_removed_once(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "mq").mkdir()
    with mosquitto(tmp_path / "mq") as broker:
        house = House(tmp_path, table("home_assistant", broker.url))
        old = json.loads(house.home()._configs["meter"])
        old["components"]["frost"] = {"platform": "sensor", "state_topic": "x", "unique_id": "y"}
        async with listening(broker.url, "none") as before:
            await before.say(METER, json.dumps(old), qos=1, retain=True)

        async def kept() -> dict[str, Any]:
            found: dict[str, Any] = json.loads((await retained(broker, METER))[METER])
            return found["components"]

        async with running(house.home()):

            async def is_marked() -> bool:
                return (await kept()).get("frost") == {"platform": "sensor"}

            await until(is_marked, 15)
        async with running(house.home()):

            async def is_gone() -> bool:
                return "frost" not in await kept()

            await until(is_gone, 15)


async def test_values_come_no_more_often_than_wanted_and_often_enough(tmp_path: Path, monkeypatch: Any) -> None:
    async with scene(tmp_path, monkeypatch, 'language = "en"\nevery = "0.1 s"') as here:
        values = here.home._values
        here.say(POWER, 1.0)
        await here.until_value("meter", POWER, "1")
        values._every_s = 1000.0
        here.say(POWER, 2.0)
        said = next(each for each in values._said if each.entity.key == POWER)
        await until(lambda: said.wanted, 15)
        assert said.payload == "1"
        # limit 30 s: a third of it is soon enough, however long `every` is
        said.at -= 11.0
        await here.until_value("meter", POWER, "2")
        here.say(POWER, 2.0)
        await until(lambda: not said.wanted, 15)
        assert here.values("meter", POWER) == ["1", "2"]
        said.at -= 11.0
        here.say(POWER, 2.0)
        await until(lambda: here.values("meter", POWER) == ["1", "2", "2"], 15)


async def test_without_a_broker_it_waits_and_says_why(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    home = House(tmp_path, table("home_assistant", broker.url)).home()
    async with running(home, online=False):
        await until(lambda: "refused" in home.report().error, 15)
        assert home.report().state == "backing_off"
        assert home.report().online_s is None
