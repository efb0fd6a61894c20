"""Every dialect that is simulated, by the id of the profile that reads it."""

from __future__ import annotations

from simulators.devices.mqtt.dialect import Dialect
from simulators.devices.mqtt.esp_rfid import EspRfid, EspRfidV1
from simulators.devices.mqtt.lorawan import ChirpStackDoor, ThingsStackDoor
from simulators.devices.mqtt.mbmd import MbmdMeter
from simulators.devices.mqtt.meshtastic import MeshtasticNode
from simulators.devices.mqtt.nuki import NukiLock
from simulators.devices.mqtt.owntracks import OwnTracksPhone, Queclink
from simulators.devices.mqtt.shelly_gen1 import Shelly3Em, ShellyDoorWindow
from simulators.devices.mqtt.shelly_gen2 import ShellyPlusSwitch, ShellyPro3Em
from simulators.devices.mqtt.tag_readers import EspHomeDoor, EspHomeTag, HomeAssistantTag
from simulators.devices.mqtt.tasmota import TasmotaEnergy, TasmotaPn532, TasmotaRdm6300, TasmotaSwitch, TasmotaWiegand
from simulators.devices.mqtt.teltonika import TeltonikaTracker
from simulators.devices.mqtt.traccar import TraccarVehicle
from simulators.devices.mqtt.zigbee2mqtt import ZigbeeContact, ZigbeeLock, ZigbeePlug

DIALECTS: dict[str, type[Dialect]] = {
    "chirpstack/lds02": ChirpStackDoor,
    "esp-rfid/reader": EspRfid,
    "esp-rfid/reader-v1": EspRfidV1,
    "esphome/door": EspHomeDoor,
    "esphome/tag": EspHomeTag,
    "homeassistant/tag": HomeAssistantTag,
    "mbmd/meter": MbmdMeter,
    "meshtastic/position": MeshtasticNode,
    "nuki/smart-lock": NukiLock,
    "owntracks/phone": OwnTracksPhone,
    "owntracks/queclink": Queclink,
    "shelly/3em": Shelly3Em,
    "shelly/dw2": ShellyDoorWindow,
    "shelly/plus-switch": ShellyPlusSwitch,
    "shelly/pro-3em": ShellyPro3Em,
    "tasmota/energy": TasmotaEnergy,
    "tasmota/pn532": TasmotaPn532,
    "tasmota/rdm6300": TasmotaRdm6300,
    "tasmota/switch": TasmotaSwitch,
    "tasmota/wiegand": TasmotaWiegand,
    "teltonika/codec-json": TeltonikaTracker,
    "traccar/position": TraccarVehicle,
    "tts/lds02": ThingsStackDoor,
    "zigbee2mqtt/contact": ZigbeeContact,
    "zigbee2mqtt/lock": ZigbeeLock,
    "zigbee2mqtt/plug": ZigbeePlug,
}
