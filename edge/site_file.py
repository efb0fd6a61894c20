"""The site file as it is written: one struct per table, every value as text or number; `site_reader.py` reads them.

The comments are what `docs/SETTINGS.md` says of each key.
"""

from __future__ import annotations

from typing import Literal

import msgspec

BusKind = Literal["modbus-tcp", "modbus-rtu", "modbus-rtu-tcp", "mqtt"]
WordOrder = Literal["big", "little"]
Language = Literal["zh", "en"]


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the site file; an unknown key in it is an error."""


class GatewayRow(Row, frozen=True, kw_only=True):
    """[gateway]"""

    site: str  # id of the site
    id: str  # id of this gateway, unique within the site
    name: str = ""  # for people; default: the id
    site_name: str = ""  # for people; default: the site's id
    time_zone: str = "Asia/Shanghai"  # of the site, a name of the IANA database
    # secret that turns card numbers into card keys; one per site; default: card.key beside the buffer, made when absent
    card_key_file: str = ""
    # folder of the gateway's key and certificate, made by dayuan-edge enrol; default: identity beside the buffer
    identity_dir: str = ""
    profile_dirs: tuple[str, ...] = ("profiles",)  # folders with profiles of your own, before the built-in ones


class UplinkRow(Row, frozen=True, kw_only=True):
    """[uplink]"""

    url: str  # mqtt://host:port of the broker to the collector; mqtts:// always verifies the server
    username: str = ""  # of the broker
    password_file: str = ""  # file that holds the password, and nothing else
    ca_file: str = ""  # certificates to verify the server by; default: those of the system
    window: int = 64  # batches on their way without an ack, 1 to 1000
    ack_timeout: str = "10 s"  # after this long without an ack a batch is sent again
    dead_after: str = "60 s"  # age of the oldest batch without an ack that forces a new connection


class BufferRow(Row, frozen=True, kw_only=True):
    """[buffer]"""

    path: str = "buffer.db"  # where batches wait; on a disk that survives a restart
    max_size: str = "512 MiB"  # when it is full the oldest readings go first, each drop with a gap record
    # readings are on disk this long after the read at the latest, 0.05 s to 300 s; events at once
    flush_every: str = "1 s"
    # acked batches stay this long, 0 s to 30 d, for a collector that loses them; they go first when room is needed
    keep_acked: str = "48 h"


class SparkplugRow(Row, frozen=True, kw_only=True):
    """[sparkplug]: this gateway as an edge node for host applications, when the table is there"""

    url: str  # mqtt://host:port of the server; mqtts:// always verifies it
    other_urls: tuple[str, ...] = ()  # more servers, tried in turn; one is used at a time
    username: str = ""  # of the server
    password_file: str = ""  # file that holds the password, and nothing else
    ca_file: str = ""  # certificates to verify the server by; default: those of the system
    certificate_file: str = ""  # certificate to show to a server that asks for one; mqtts:// only
    key_file: str = ""  # private key of that certificate; default: in certificate_file too
    group: str = ""  # Sparkplug group id; default: the site's id
    node: str = ""  # edge node id, unique within the group; default: the gateway's id
    primary_host: str = ""  # host application to wait for; while it is offline readings are held; default: none
    hold: int = 50000  # readings kept in memory while nobody can get them, 0 to 1000000; then the oldest go, counted


class HomeAssistantRow(Row, frozen=True, kw_only=True):
    """[home_assistant]: the devices declared by discovery, when the table is there"""

    url: str  # mqtt://host:port of the broker that Home Assistant uses; mqtts:// always verifies it
    username: str = ""  # of the broker
    password_file: str = ""  # file that holds the password, and nothing else
    ca_file: str = ""  # certificates to verify the broker by; default: those of the system
    certificate_file: str = ""  # certificate to show to a broker that asks for one; mqtts:// only
    key_file: str = ""  # private key of that certificate; default: in certificate_file too
    prefix: str = "homeassistant"  # discovery prefix, as set in Home Assistant
    topic: str = "dayuan-home"  # where the values are published
    language: Language = "zh"  # of the names of the points
    every: str = "5 s"  # the shortest time between two values of one point, 0.1 s to 10 min


class DefaultsRow(Row, frozen=True, kw_only=True):
    """[defaults]"""

    every: str = "10 s"  # poll interval of Modbus devices that have none of their own
    max_silence: str = "5 min"  # a series is sent at least this often, deadband or not


class BusRow(Row, frozen=True, kw_only=True):
    """[[bus]]"""

    name: str  # for devices to name it
    kind: BusKind  # which wire
    timeout: str = "1 s"  # how long to wait for an answer
    host: str = ""  # modbus-tcp, modbus-rtu-tcp: name or address
    # modbus-rtu: serial port, like /dev/ttyUSB0; modbus-tcp, modbus-rtu-tcp: TCP port, default 502
    port: int | str | None = None
    baud: int = 9600  # modbus-rtu
    parity: Literal["N", "E", "O"] = "N"  # modbus-rtu
    stop_bits: Literal[1, 2] = 1  # modbus-rtu
    url: str = ""  # mqtt: mqtt://host:port of the local broker
    username: str = ""  # mqtt
    password_file: str = ""  # mqtt: file that holds the password
    ca_file: str = ""  # mqtt: certificates to verify the server by


class PlaceRow(Row, frozen=True, kw_only=True):
    """A point in [device.points], in full"""

    at: str  # where its values come, as levels of the device's topic
    scale: float = 1.0  # times the value, when it comes in another unit
    offset: float = 0.0  # added after that
    map: dict[str, float] = {}  # word = number, for states written in other words than on and off, open and closed


class RemoteRow(Row, frozen=True, kw_only=True):
    """A point in [device.remote]"""

    actions: tuple[Literal["on", "off", "pulse", "set"], ...]  # what may be ordered
    min: float | None = None  # of set, in the unit of the point, and of pulse, in seconds; both need min and max
    max: float | None = None  # as min
    rate: str = ""  # at most so many orders in any such time, also over a restart: "3 in 10 min"; default: no limit
    second_person: bool = False  # true: only what a second person approved at the collector is carried out


class DeviceRow(Row, frozen=True, kw_only=True):
    """[[device]]"""

    id: str  # unique within the site; keeps the history when the device moves to another gateway
    profile: str  # what it is, as vendor/model
    bus: str  # name of its bus
    name: str = ""  # for people; default: the id
    kind: str = ""  # meter, door, vehicle ...; default: as its profile says
    unit: int | None = None  # Modbus: unit id, 1 to 247; some leave the factory with 254
    topic: str = ""  # MQTT: topic of the device, without wildcards
    ident: str = ""  # MQTT: its name inside a topic that several devices share
    card: str = ""  # MQTT: how its reader writes card numbers; default: as its profile says
    # MQTT: point = place in the device's topic, for Homie and Wiren Board: temperature_c = "sensors/temperature"
    points: dict[str, str | PlaceRow] = {}
    every: str = ""  # poll interval; MQTT: how often it reports, when that is known
    max_silence: str = ""  # as in [defaults], for this device
    # point = change that need not be sent: a number in the unit of the point, or a text like "1 %"
    deadband: dict[str, float | str] = {}
    word_order: WordOrder | None = None  # Modbus: when this one differs from its profile
    ct: float | None = None  # Modbus: ratio of current transformers the meter does not know, like 40 for 200/5 A
    pt: float | None = None  # Modbus: the same for voltage
    # Modbus: point = what the collector may order of it; what does not stand here is refused
    remote: dict[str, RemoteRow] = {}
    extended: bool = False  # Modbus: also read points known from one source only


class RemoteConfigRow(Row, frozen=True, kw_only=True):
    """[remote_config]: site files from the collector; what stands in this file on the box decides, never what comes"""

    enabled: bool = False  # take site files that the collector signed, try them, and take them back by itself
    may_allow_commands: bool = False  # such a file may also widen [device.remote], and move devices that stand there


class StrikeRow(Row, frozen=True, kw_only=True):
    """The strike of a [[door]]"""

    device: str  # id of the Modbus device whose relay opens the door
    point: str  # its point; the module must be able to make a pulse on it by itself
    pulse: str = ""  # how long it stays open for somebody to go through, like "3 s"; none where the module sets it


class DoorRow(Row, frozen=True, kw_only=True):
    """[[door]]: a door that this gateway opens by itself, for cards of the collector's list"""

    id: str  # unique within the gateway; the collector names it in its lists
    name: str = ""  # for people; default: the id
    # without power: fail-secure stays locked, fail-safe stands open; has to be said, see docs/DOORS.md
    lock: Literal["fail-secure", "fail-safe"]
    strike: StrikeRow  # what opens it
    reader_in: tuple[str, ...] = ()  # ids of the devices that read cards of those who go in
    reader_out: tuple[str, ...] = ()  # the same for those who go out
    # how sure its readers can be: number (a serial number, which can be copied), proven (the card proved a secret), two
    # (that, and a PIN or a finger)
    level: Literal["number", "proven", "two"] = "number"
    contact: str = ""  # id of the device that tells whether the door stands open
    zone_in: str = ""  # anti-passback: where one is after going in
    zone_out: str = ""  # anti-passback: where one is after going out
    # while the clock is not set: deny, or ignore-times: cards of the list open at any hour
    clock_unknown: Literal["deny", "ignore-times"] = "deny"


class SiteFile(Row, frozen=True, kw_only=True):
    """The whole file."""

    gateway: GatewayRow
    uplink: UplinkRow
    buffer: BufferRow = msgspec.field(default_factory=BufferRow)
    defaults: DefaultsRow = msgspec.field(default_factory=DefaultsRow)
    bus: list[BusRow] = []
    device: list[DeviceRow] = []
    door: list[DoorRow] = []
    sparkplug: SparkplugRow | None = None
    home_assistant: HomeAssistantRow | None = None
    remote_config: RemoteConfigRow = msgspec.field(default_factory=RemoteConfigRow)
