"""The broker as it runs on an installed machine: root starts it, it becomes its own user, and a collector that is
neither writes what it reads again."""

from __future__ import annotations

import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.identity.authority import Authority
from cloud.identity.broker_files import PID, refresh_revocations
from protocols.clock import SystemClock
from tests.cloud.identity.tls_broker import Client, TlsBroker, tls_broker
from tests.service_data import needs_root, service_folder
from tests.waiting import wait_until

pytestmark = needs_root


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[TlsBroker]:
    try:
        pwd.getpwnam("mosquitto")
    except KeyError:
        pytest.skip("mosquitto has no user of its own here")
    with service_folder() as data:
        authority = Authority(tmp_path / "identity", SystemClock())
        with tls_broker(data.parent, authority, ("c1",), own_user=True) as running:
            yield running


def is_closed_to_others(broker: TlsBroker) -> bool:
    """A gateway sends in its own name, and in no other's."""
    gateway = Client(broker, "east/b3").online()
    try:
        return gateway.publish("dayuan/1/east/b3/up") and not gateway.publish("dayuan/1/east/victim/up")
    finally:
        gateway.close()


def test_the_broker_runs_as_its_own_user_and_is_told_to_read_again(broker: TlsBroker) -> None:
    own = pwd.getpwnam("mosquitto").pw_uid
    wait_until(lambda: Path(f"/proc/{broker.pid}").stat().st_uid == own, what="it is its own user")
    wait_until(lambda: (broker.files / PID).read_text().strip() == str(broker.pid), what="its number is written")
    assert refresh_revocations(broker.files, broker.authority.revocation_list([]))
    assert is_closed_to_others(broker)
