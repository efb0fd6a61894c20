"""Ends the session of a gateway at the broker: whoever connects in its name takes its place, by MQTT's own rule."""

import asyncio
import ssl
import tempfile
from pathlib import Path

import aiomqtt

from protocols.alive import stop_if_cancelled
from protocols.errors import WireLost
from protocols.mqtt_url import MqttUrl

WITHIN_S = 10.0


async def take_over(url: MqttUrl, *, ca_file: Path, pair: bytes, client_id: str) -> None:
    """Connect as ``client_id`` with a key and certificate of that name, and leave. Raises WireLost."""
    context = ssl.create_default_context(cafile=str(ca_file))
    with tempfile.TemporaryDirectory() as folder:  # mode 0700, and gone at once: ssl reads keys from files only
        path = Path(folder) / "pair.pem"
        path.touch(mode=0o600)
        path.write_bytes(pair)
        context.load_cert_chain(str(path))
    client = aiomqtt.Client(
        url.host, url.port, identifier=client_id, clean_session=True, tls_context=context, timeout=WITHIN_S
    )
    try:
        async with asyncio.timeout(WITHIN_S), client:
            pass
    except (aiomqtt.MqttError, OSError, ssl.SSLError, TimeoutError) as error:
        stop_if_cancelled()
        raise WireLost(f"{url}: {error}") from error
