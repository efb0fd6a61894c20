"""The files people write: profiles of both protocols, site files, scenarios, the collector's settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cloud.settings import load_cloud
from edge.settings import load_site
from edge.site_warnings import warnings
from protocols.errors import BadProfile, BadSettings
from protocols.modbus.decode import BlockDecoder
from protocols.modbus.plan import plan_reads
from protocols.modbus.profile import ModbusProfile
from protocols.mqtt.decoder import MqttDecoder
from protocols.profile import BUILT_IN, read_profile
from simulators.scenario import load_scenario
from tests.proof.fuzz_engine import SLOW_S, Target
from tests.proof.mutate import change_toml
from tests.protocols.mqtt.message_case import spelled

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"
DEEP = (b"a = " + b"[" * 20_000, b"a = " + b"{a=" * 20_000, b"[a" + b".a" * 20_000 + b"]", b"a = " + b"9" * 200_000)
WIDE = (b"a = 1\n" * 5000, b"\n".join(b"[t%d]" % n for n in range(20_000)), b"#" * 2_000_000, b"\xff\xfe", b"\0" * 1000)

SITE = """
[gateway]
site = "east"
id = "b3"
time_zone = "Asia/Shanghai"
[uplink]
url = "mqtt://127.0.0.1:1883"
[buffer]
path = "buffer.db"
max_size = "512 MiB"
flush_every = "1 s"
[defaults]
every = "10 s"
max_silence = "5 min"
[[bus]]
name = "rs485-1"
kind = "modbus-rtu"
port = "/dev/ttyUSB0"
baud = 9600
[[bus]]
name = "lan"
kind = "modbus-tcp"
host = "192.168.1.20"
[[bus]]
name = "radio"
kind = "mqtt"
url = "mqtt://127.0.0.1"
[[device]]
id = "m1"
profile = "eastron/sdm630"
bus = "rs485-1"
unit = 1
every = "1 s"
deadband = { active_power_total = "1 %", frequency = 0.01 }
[[device]]
id = "m2"
profile = "schneider/iem3155"
bus = "lan"
unit = 7
[[device]]
id = "door"
profile = "esp-rfid/reader"
bus = "radio"
topic = "doors/front"
card = "hex"
[[device]]
id = "car"
profile = "owntracks/phone"
bus = "radio"
topic = "owntracks/u/5t"
"""

SETTINGS = """
[collector]
data = "data"
[broker]
url = "mqtts://broker.example:8883"
username = "collector"
client_id = "dayuan"
[listen]
address = "127.0.0.1:8080"
hosts = ["collector.example"]
proxies = ["127.0.0.1"]
[users]
session_idle = "12 h"
session_length = "7 d"
[limits]
pages = 200
connections = 512
[retention]
raw_days = 400
h1_days = 0
[[site]]
id = "east"
name = "East"
time_zone = "Asia/Shanghai"
"""


def file_targets(folder: Path) -> list[Target]:
    """Each reads its input from a file in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    profiles = [path.read_bytes() for path in sorted(BUILT_IN.glob("*/*.toml"))]
    modbus = [text for text in profiles if b'protocol = "modbus"' in text]
    mqtt = [text for text in profiles if b'protocol = "mqtt"' in text]
    whole = [*DEEP, *WIDE]
    sites = [SITE.encode(), (SAMPLES / "site.toml").read_bytes(), *whole]
    scenarios = [(SAMPLES / "scenario.toml").read_bytes(), *whole]
    settings = [SETTINGS.encode(), b"", *whole]

    def from_file(use: Callable[[Path], str]) -> Callable[[bytes], str]:
        path = folder / "input.toml"

        def attempt(data: bytes) -> str:
            path.write_bytes(data)
            return use(path)

        return attempt

    made = (
        ("Modbus profile", [*modbus, *whole], from_file(use_profile), 0.1),
        ("MQTT profile", [*mqtt, *whole], from_file(use_profile), 0.1),
        ("site file", sites, from_file(use_site), 0.05),
        ("scenario file", scenarios, from_file(use_scenario), 0.1),
        ("collector settings", settings, from_file(use_settings), 0.1),
    )
    errors = (BadSettings, BadProfile)
    # A site file is read with the profiles it names, up to all there are.
    return [
        Target(name, seeds, change_toml, attempt, errors, share=share, slow_s=1.0 if name == "site file" else SLOW_S)
        for name, seeds, attempt, share in made
    ]


def use_profile(path: Path) -> str:
    """Read it and, when it is one, decode something with it."""
    profile = read_profile(path)
    if isinstance(profile, ModbusProfile):
        ratios = {ratio.name: 2.0 for ratio in profile.ratios}
        blocks = plan_reads(profile, profile.points)
        for block in blocks[:3]:
            decoder = BlockDecoder("m", block, ratios)
            for filler in (b"\0", b"\x5a", b"\xff"):
                decoder.readings(filler * block.answer_bytes, 1)
        return f"{min(len(blocks), 3)} {len(profile.writes) > 0} {len(profile.texts) > 0}"
    decoder = MqttDecoder(profile, device="d", topic="a/b", key_card=spelled)
    return f"{min(len(decoder.filters), 3)} {min(len(decoder.event_filters), 2)} {bool(profile.card)}"


def use_site(path: Path) -> str:
    """Read it and tell what would bite on site."""
    site = load_site(path)
    return f"{len(site.buses)} {len(site.devices)} {len(list(warnings(site)))}"


def use_scenario(path: Path) -> str:
    scenario = load_scenario(path)
    return f"{len(scenario.line)} {len(scenario.meter)} {scenario.speed > 1} {len(scenario.fault) > 0}"


def use_settings(path: Path) -> str:
    settings = load_cloud(path)
    return f"{settings.tls_key_file is None} {len(settings.sites)} {len(settings.hosts) > 0} {settings.broker.tls}"
