"""The broker as it runs on an installed machine: root starts it, it becomes its own user, and a collector that is
neither writes what it reads again."""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.identity.authority import Authority
from cloud.identity.broker_files import ACCESS, PID, refresh_access, refresh_revocations
from protocols.clock import SystemClock
from tests.cloud.identity.tls_broker import Client, TlsBroker, tls_broker
from tests.service_data import SERVICE, needs_root, run, service_folder
from tests.waiting import wait_until

pytestmark = needs_root

DESK = """
import sys
from pathlib import Path
from cloud.identity.broker_files import refresh_access
print(refresh_access(Path(sys.argv[1]), sys.argv[2:]))
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[TlsBroker]:
    try:
        pwd.getpwnam("mosquitto")
    except KeyError:
        pytest.skip("mosquitto has no user of its own here")
    with service_folder() as data:
        authority = Authority(tmp_path / "identity", SystemClock())
        with tls_broker(data.parent, authority, ("c1",), own_user=True) as running:
            # It takes connections before it can be told to read again; a signal in between would end it.
            Client(running, "collector").online().close()
            yield running


def is_closed_to_others(broker: TlsBroker) -> bool:
    """A gateway sends in its own name, and in no other's."""
    gateway = Client(broker, "east/b3").online()
    try:
        return gateway.publish("dayuan/1/east/b3/up") and not gateway.publish("dayuan/1/east/victim/up")
    finally:
        gateway.close()


def acks(broker: TlsBroker, name: str) -> bool:
    client = Client(broker, name).online()
    try:
        return client.publish("dayuan/1/east/b3/ack")
    finally:
        client.close()


def read_again(broker: TlsBroker, member: str) -> None:
    """As `systemctl reload` does; returns when it was read and the member is let through."""
    log = broker.folder / "mosquitto.log"
    before = log.read_text().count("Reloading config")
    os.kill(broker.pid, signal.SIGHUP)
    wait_until(lambda: log.read_text().count("Reloading config") > before, what="the broker reads again")
    wait_until(lambda: acks(broker, member), what=f"{member} is let through")


def test_the_broker_runs_as_its_own_user_and_is_told_to_read_again(broker: TlsBroker) -> None:
    own = pwd.getpwnam("mosquitto").pw_uid
    wait_until(lambda: Path(f"/proc/{broker.pid}").stat().st_uid == own, what="it is its own user")
    wait_until(lambda: (broker.files / PID).read_text().strip() == str(broker.pid), what="its number is written")
    assert refresh_revocations(broker.files, broker.authority.revocation_list([]))
    assert is_closed_to_others(broker)


def test_a_member_added_by_root_is_let_in_and_nobody_else(broker: TlsBroker) -> None:
    assert refresh_access(broker.files, ["c1", "c2"])
    wait_until(lambda: acks(broker, "collector-c2"), what="c2 is let through")
    assert is_closed_to_others(broker)


def test_a_member_added_by_the_collector_is_let_in_and_nobody_else(broker: TlsBroker) -> None:
    os.chown(broker.files, SERVICE, SERVICE)
    done = run("-c", DESK, str(broker.files), "c1", "c2", user=SERVICE)
    assert done.stdout.strip() == "False", done.stderr  # it may not signal the broker
    read_again(broker, "collector-c2")
    assert is_closed_to_others(broker)
    assert not acks(broker, "collector-c3")


def test_a_list_that_the_broker_could_not_read_is_written_again(broker: TlsBroker) -> None:
    path = broker.files / ACCESS
    os.chown(broker.files, SERVICE, SERVICE)
    os.chown(path, SERVICE, SERVICE)
    os.chmod(path, 0o600)
    run("-c", DESK, str(broker.files), "c1", user=SERVICE)
    read_again(broker, "collector-c1")
    assert is_closed_to_others(broker)


def test_a_list_that_says_so_already_is_left_alone(broker: TlsBroker) -> None:
    path = broker.files / ACCESS
    before = path.stat()
    assert refresh_access(broker.files, ["c1"])
    assert path.stat().st_ino == before.st_ino
