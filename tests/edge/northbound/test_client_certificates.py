"""Certificates shown to the brokers of Sparkplug hosts and of Home Assistant, on a mosquitto that demands them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.northbound.modules import dial_to
from protocols.errors import BadSettings, WireLost
from tests.edge.mosquitto import Mosquitto
from tests.edge.northbound.test_northbound_settings import site
from tests.edge.test_mqtt_link import make_certificates


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def demanding(tmp_path: Path) -> Iterator[int]:
    make_certificates(tmp_path, "localhost")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    openssl(tmp_path, "req", *key, "-nodes", "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=gateway-b3")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "own.pem", "-days", "2")
    openssl(tmp_path, "x509", "-req", "-in", "own.csr", *signed)
    openssl(tmp_path, "ec", "-in", "own.key", "-aes256", "-passout", "pass:x", "-out", "locked.key")
    (tmp_path / "both.pem").write_bytes((tmp_path / "own.key").read_bytes() + (tmp_path / "own.pem").read_bytes())
    broker = Mosquitto(tmp_path, "per_listener_settings false")
    files = (f"certfile {tmp_path}/server.pem", f"keyfile {tmp_path}/server.key", f"cafile {tmp_path}/ca.pem")
    port = broker.add_listener(*files, "require_certificate true", "use_identity_as_username true")
    broker.start()
    try:
        yield port
    finally:
        broker.stop()


def lines(table: str, port: int, *more: str) -> list[str]:
    return [f"[{table}]", f'url = "mqtts://localhost:{port}"', 'ca_file = "ca.pem"', *more]


@pytest.mark.parametrize("table", ["sparkplug", "home_assistant"])
async def test_a_broker_that_demands_a_certificate_lets_in_who_shows_one(
    tmp_path: Path, demanding: int, table: str
) -> None:
    async def connect(*more: str) -> None:
        found = site(tmp_path, *lines(table, demanding, *more))
        settings = found.sparkplug or found.home_assistant
        assert settings is not None
        url = found.sparkplug.urls[0] if found.sparkplug else found.home_assistant.url  # type: ignore[union-attr]
        async with await dial_to(settings)(url)(client_id="b3") as link:
            await link.publish("t", b"x")

    await connect('certificate_file = "own.pem"', 'key_file = "own.key"')
    await connect('certificate_file = "both.pem"')
    with pytest.raises(WireLost):
        await connect()
    with pytest.raises(WireLost):
        await connect('certificate_file = "alien.pem"', 'key_file = "alien.key"')
    with pytest.raises(WireLost, match=r"own\.pem and .*alien\.key"):
        await connect('certificate_file = "own.pem"', 'key_file = "alien.key"')
    with pytest.raises(WireLost, match="passphrase"):
        await connect('certificate_file = "own.pem"', 'key_file = "locked.key"')
    with pytest.raises(WireLost, match="nothing"):
        await connect('certificate_file = "nothing.pem"')


@pytest.mark.parametrize(
    ("more", "key", "said"),
    [
        (['url = "mqtts://x"', 'key_file = "k"'], "sparkplug.key_file", "key without a certificate"),
        (['url = "mqtt://x"', 'certificate_file = "c"'], "sparkplug.url", "only shown over TLS"),
        (
            ['url = "mqtts://x"', 'other_urls = ["mqtt://y"]', 'certificate_file = "c"'],
            "sparkplug.other_urls",
            "only shown over TLS",
        ),
    ],
)
def test_a_certificate_that_would_not_be_shown_is_named(tmp_path: Path, more: list[str], key: str, said: str) -> None:
    with pytest.raises(BadSettings) as found:
        site(tmp_path, "[sparkplug]", *more)
    assert found.value.key == key
    assert said in found.value.message
