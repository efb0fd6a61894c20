"""Addresses of MQTT brokers in settings files."""

from typing import NamedTuple
from urllib.parse import urlsplit

PORT_PLAIN, PORT_TLS = 1883, 8883


class MqttUrl(NamedTuple):
    """Where a broker listens. ``tls`` means the server's certificate is verified, always."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_mqtt_url(text: str) -> MqttUrl:
    """Read ``mqtt://host[:port]`` or ``mqtts://host[:port]``; raises ValueError that says what would be right."""
    if "@" in text:  # before anything else: what stands before it may be a password, and no message quotes it
        raise ValueError("a broker address holds no credentials; use username and password_file beside it")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not a broker address ({error}); write mqtt://host:1883") from None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError(f"{text!r} is not a broker address; write mqtt://host:1883 or mqtts://host:8883")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{text!r} has something after the port; write only mqtt://host:1883")
    tls = parts.scheme == "mqtts"
    return MqttUrl(parts.hostname, port or (PORT_TLS if tls else PORT_PLAIN), tls)
