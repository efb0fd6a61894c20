"""Every dialect that is simulated, by the id of the profile that reads it."""

from __future__ import annotations

from simulators.devices.mqtt.dialect import Dialect
from simulators.devices.mqtt.esp_rfid import EspRfid, EspRfidV1
from simulators.devices.mqtt.gpsd import GpsdReports, NmeaReceiver, RutRouter
from simulators.devices.mqtt.homie import Homie4, Homie5
from simulators.devices.mqtt.lorawan import (
    ChirpStackDoor,
    ChirpStackRoom,
    ChirpStackSeat,
    ThingsStackDoor,
    ThingsStackRoom,
    ThingsStackSeat,
)
from simulators.devices.mqtt.mbmd import MbmdMeter
from simulators.devices.mqtt.meshtastic import MeshtasticNode
from simulators.devices.mqtt.nuki import NukiLock
from simulators.devices.mqtt.owntracks import OwnTracksPhone, Queclink
from simulators.devices.mqtt.shelly_gen1 import Shelly1Pm, Shelly3Em, ShellyDoorWindow, ShellyEm, ShellyI3
from simulators.devices.mqtt.shelly_gen2 import ShellyPlusSwitch, ShellyPro3Em
from simulators.devices.mqtt.shelly_gen2_more import ShellyBluDoor, ShellyPlusI4, ShellyPmMini, ShellyProEm
from simulators.devices.mqtt.tag_readers import EspHomeDoor, EspHomeNode, EspHomeTag, HomeAssistantTag
from simulators.devices.mqtt.tasmota import TasmotaEnergy, TasmotaPn532, TasmotaRdm6300, TasmotaSwitch, TasmotaWiegand
from simulators.devices.mqtt.teltonika import TeltonikaTracker
from simulators.devices.mqtt.traccar import TraccarVehicle
from simulators.devices.mqtt.wirenboard import WirenBoardMap3e, WirenBoardMeter, WirenBoardRelays
from simulators.devices.mqtt.zigbee2mqtt import ZigbeeContact, ZigbeeLock, ZigbeePlug

DIALECTS: dict[str, type[Dialect]] = {
    "chirpstack/elsys-eye": ChirpStackRoom,
    "chirpstack/lds02": ChirpStackDoor,
    "chirpstack/vs34x": ChirpStackSeat,
    "esp-rfid/reader": EspRfid,
    "esp-rfid/reader-v1": EspRfidV1,
    "esphome/door": EspHomeDoor,
    "esphome/node": EspHomeNode,
    "esphome/tag": EspHomeTag,
    "gpsd/nmea": NmeaReceiver,
    "gpsd/tpv": GpsdReports,
    "homeassistant/tag": HomeAssistantTag,
    "homie/4": Homie4,
    "homie/5": Homie5,
    "mbmd/meter": MbmdMeter,
    "meshtastic/position": MeshtasticNode,
    "nuki/smart-lock": NukiLock,
    "owntracks/phone": OwnTracksPhone,
    "owntracks/queclink": Queclink,
    "shelly/1pm": Shelly1Pm,
    "shelly/3em": Shelly3Em,
    "shelly/blu-door": ShellyBluDoor,
    "shelly/dw2": ShellyDoorWindow,
    "shelly/em": ShellyEm,
    "shelly/i3": ShellyI3,
    "shelly/plus-i4": ShellyPlusI4,
    "shelly/plus-switch": ShellyPlusSwitch,
    "shelly/pm-mini": ShellyPmMini,
    "shelly/pro-3em": ShellyPro3Em,
    "shelly/pro-em": ShellyProEm,
    "tasmota/energy": TasmotaEnergy,
    "tasmota/pn532": TasmotaPn532,
    "tasmota/rdm6300": TasmotaRdm6300,
    "tasmota/switch": TasmotaSwitch,
    "tasmota/wiegand": TasmotaWiegand,
    "teltonika/codec-json": TeltonikaTracker,
    "teltonika/rut-router": RutRouter,
    "traccar/position": TraccarVehicle,
    "tts/elsys-eye": ThingsStackRoom,
    "tts/lds02": ThingsStackDoor,
    "tts/vs34x": ThingsStackSeat,
    "wirenboard/device": WirenBoardMeter,
    "wirenboard/map3e": WirenBoardMap3e,
    "wirenboard/mr6c": WirenBoardRelays,
    "zigbee2mqtt/contact": ZigbeeContact,
    "zigbee2mqtt/lock": ZigbeeLock,
    "zigbee2mqtt/plug": ZigbeePlug,
}
