"""A device case of an MQTT dialect: a payload as captured or as documented, and what must come of it."""

import tomllib
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from protocols.mqtt.card_uid import canonical_card
from protocols.mqtt.decoder import MqttDecoder
from protocols.mqtt.message import Decoded
from protocols.mqtt.profile import MqttProfile
from protocols.mqtt.rows import SitePoint
from protocols.mqtt.site_points import with_site_points
from protocols.profile import load_profile

CASES = Path(__file__).parents[2] / "cases"

KNOWN_KEYS = {
    *("profile", "what", "source", "device_topic", "ident", "card", "zone", "topic", "payload", "payload_hex"),
    *("received_at", "retained", "refused", "notes", "online", "observed_at", "expected", "uncertain", "bad", "event"),
    *("other_device", "points"),
}


class MessageCase(NamedTuple):
    """``values`` is the file as it stands; see tests/cases/owntracks-phone for the keys."""

    path: Path
    profile: MqttProfile
    values: dict[str, Any]

    def decoder(self, device: str = "d") -> MqttDecoder:
        return MqttDecoder(
            self.profile,
            device=device,
            topic=self.values["device_topic"],
            ident=self.values.get("ident", ""),
            card=self.values.get("card", ""),
            zone=ZoneInfo(self.values["zone"]) if "zone" in self.values else UTC,
            key_card=spelled,
        )

    @property
    def payload(self) -> bytes:
        hexadecimal = self.values.get("payload_hex")
        return bytes.fromhex(hexadecimal) if hexadecimal else str(self.values["payload"]).encode()

    def decode(self) -> Decoded | None:
        retained = self.values.get("retained", False)
        received_at = self.values["received_at"]
        return self.decoder().decode(self.values["topic"], self.payload, retained=retained, received_at=received_at)


def spelled(number: str, form: str) -> str:
    """In place of a card key: the canonical form itself, so that a case shows it."""
    family, _, raw = canonical_card(number, form).partition(b":")
    return f"{family.decode()}:{raw.hex()}"


def read_case(path: Path) -> MessageCase:
    values = tomllib.loads(path.read_text("utf-8"))
    assert not set(values) - KNOWN_KEYS, f"{path}: {set(values) - KNOWN_KEYS}"
    profile = load_profile(values["profile"])
    assert isinstance(profile, MqttProfile)
    points = {name: SitePoint(**place) for name, place in values.get("points", {}).items()}
    return MessageCase(path, with_site_points(profile, points), values)


def case_files() -> Iterator[Path]:
    """Every case of an MQTT dialect."""
    for path in sorted(CASES.glob("*/*.toml")):
        if "\npayload" in path.read_text("utf-8"):
            yield path
