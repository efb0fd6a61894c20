"""The demo's broker, both kinds, with the clients of the mosquitto project as foreign peers."""

import asyncio
import stat
import subprocess

import pytest

from protocols.clock import SystemClock
from simulators.broker import Account, Broker
from simulators.broker_embedded import allows
from simulators.free_port import free_port
from simulators.wires.mqtt import MqttWire
from tests.waiting import until

ACCOUNTS = (
    Account("sender", publish=("doors/+/send",), subscribe=()),
    Account("reader", publish=(), subscribe=("doors/+/send",)),
)


@pytest.fixture(params=["mosquitto", "embedded"])
async def broker(request, tmp_path):
    made = Broker(tmp_path / "broker", port=free_port(), accounts=ACCOUNTS, embedded=request.param == "embedded")
    assert made.embedded is (request.param == "embedded"), "mosquitto is not installed"
    made.prepare()
    await made.start(SystemClock())
    yield made
    await made.child.stop()


def foreign(program: str, broker: Broker, user: str, *arguments: str) -> list[str]:
    password = broker.account(user).password()
    return [program, "-h", "127.0.0.1", "-p", str(broker.port), "-u", user, "-P", password, "-V", "311", *arguments]


async def test_a_device_reaches_a_foreign_subscriber(broker):
    wire = MqttWire(broker.account("sender"), "door-1", SystemClock())
    running = asyncio.create_task(wire.run())
    await wire.publish("doors/gate/send", b'{"type":"boot"}', retain=True)
    listener = await asyncio.create_subprocess_exec(
        *foreign("mosquitto_sub", broker, "reader", "-t", "doors/+/send", "-C", "1", "-q", "1", "-W", "5"),
        stdout=subprocess.PIPE,
    )
    out, _ = await listener.communicate()
    assert out == b'{"type":"boot"}\n'
    running.cancel()


async def test_nobody_comes_in_without_a_password(broker):
    done = subprocess.run(
        ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", "doors/x/send", "-m", "x"],
        capture_output=True, timeout=10, check=False,
    )  # fmt: skip
    assert done.returncode != 0


async def test_an_account_cannot_read_what_is_not_its_own(broker):
    done = subprocess.run(
        foreign("mosquitto_sub", broker, "sender", "-t", "doors/+/send", "-C", "1", "-W", "2", "-q", "1"),
        capture_output=True, timeout=10, check=False,
    )  # fmt: skip
    assert b"denied" in done.stderr.lower() or done.returncode != 0


async def test_no_other_user_can_read_the_broker_s_files(broker):
    for path in broker.directory.rglob("*"):
        if path.is_file() and path.name not in {"broker.log", "mosquitto.db"}:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


async def test_a_message_waits_for_a_broker_that_was_killed(tmp_path):
    broker = Broker(tmp_path / "broker", port=free_port(), accounts=ACCOUNTS)
    broker.prepare()
    clock = SystemClock()
    await broker.start(clock)
    wire = MqttWire(broker.account("sender"), "door-1", clock)
    running = asyncio.create_task(wire.run())
    await wire.wait_connected()
    await broker.child.kill()
    sending = asyncio.create_task(wire.publish("doors/gate/send", b"later"))
    await until(lambda: not wire.connected)
    assert not sending.done()
    await broker.start(clock)
    await asyncio.wait_for(sending, 15)
    running.cancel()
    await broker.child.stop()


@pytest.mark.parametrize(
    ("rule", "topic", "inside"),
    [
        ("a/+/b", "a/x/b", True),
        ("a/+/b", "a/+/b", True),
        ("a/+/b", "a/#", False),
        ("a/#", "a/b/c", True),
        ("a/b", "a/b/c", False),
        ("a/b/c", "a/b", False),
        ("a/b", "#", False),
    ],
)
def test_a_filter_allows_only_what_lies_inside_it(rule, topic, inside):
    assert allows(rule, topic) is inside
