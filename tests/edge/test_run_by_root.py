"""`sudo dayuan-edge`: what it leaves, the gateway's own user can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.clock import SystemClock
from protocols.enrolment import spell_code
from tests.edge.mosquitto import free_port
from tests.edge.test_enrol import Collector
from tests.edge.test_write_once import Relays
from tests.service_data import SERVICE, give, needs_root, not_of_the_service, run, service_folder

pytestmark = needs_root

SITE = """
[gateway]
site = "east"
id = "b3"
card_key_file = "{data}/secrets/cards"
[uplink]
url = "mqtts://127.0.0.1:{closed}"
[buffer]
path = "{data}/buffer.db"
[[bus]]
name = "net"
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
timeout = "200 ms"
[[device]]
id = "door"
profile = "waveshare/relay-8"
bus = "net"
unit = 1
[device.remote]
relay_3 = {{ actions = ["on"], rate = "3 in 10 min" }}
"""
GATEWAY = """
import json, random, sys
from edge.gateway import Gateway
from edge.identity import Identity
from edge.identity_files import IdentityFiles
from edge.settings import load_site
from protocols.clock import SystemClock
site = load_site(sys.argv[1])
Gateway(site, clock=SystemClock(), rng=random.Random(), boot="b")
identity = Identity(IdentityFiles(site.gateway.identity_dir), SystemClock())
print(json.dumps([identity.files.enrolled, identity.next_shown() is not None, identity.state().trouble]))
"""
READS_TOKEN = """
import sys
from pathlib import Path
from edge.status_page_token import read_token
read_token(Path(sys.argv[1]))
"""


@pytest.fixture
def data() -> Iterator[Path]:
    with service_folder() as made:
        yield made


def site(data: Path, port: int) -> str:
    path = data.parent / "site.toml"
    path.write_text(SITE.format(data=data, port=port, closed=free_port()), encoding="utf-8")
    return str(path)


def edge(*words: str) -> tuple[int, str]:
    done = run("-m", "edge.cli", *words)
    return done.returncode, done.stdout + done.stderr


def test_enrolled_by_root_the_gateway_reads_its_certificate(data: Path, tmp_path: Path) -> None:
    collector = Collector(tmp_path)
    collector.clock = SystemClock()  # type: ignore[assignment]  # a command asks the machine for the time
    path = site(data, 1)
    with collector.served() as url:
        code, said = edge("enrol", url, spell_code(collector.code), path)
    assert (code, not_of_the_service(data)) == (0, []), said
    done = run("-c", GATEWAY, path, user=SERVICE)
    assert json.loads(done.stdout) == [True, True, ""], done.stderr


def test_an_order_at_the_box_counted_by_root_leaves_the_list_of_orders_to_the_gateway(data: Path) -> None:
    relays = Relays()
    with relays.serving() as port:
        code, said = edge("write", site(data, port), "door", "relay_3", "on", "--yes")
    assert code == 0, said
    assert (data / "buffer.db.orders").exists()
    assert not_of_the_service(data) == []


def test_a_secret_added_by_root_stays_the_gateways(data: Path) -> None:
    (data / "secrets").mkdir(mode=0o700)
    give(data / "secrets")
    code, said = edge("card-key", "--add", site(data, 1))
    assert (code, not_of_the_service(data)) == (0, []), said


def test_a_token_of_the_page_made_by_root_is_of_who_has_the_folder(data: Path) -> None:
    path = data / "page"
    done = run("-c", READS_TOKEN, str(path))
    assert (done.returncode, path.stat().st_size > 16, not_of_the_service(data)) == (0, True, []), done.stderr


def test_an_identity_that_cannot_be_read_is_told_with_what_mends_it_and_the_gateway_is_built(data: Path) -> None:
    folder = data / "identity"
    folder.mkdir(mode=0o700)
    (folder / "gateway.pem").touch(mode=0o600)
    done = run("-c", GATEWAY, site(data, 1), user=SERVICE)
    assert done.returncode == 0, done.stderr
    enrolled, shown, trouble = json.loads(done.stdout)
    assert (enrolled, shown) == (True, True)
    assert "cannot be read" in trouble
    assert f"chown -R --reference={data} {folder}" in trouble
