"""What members of a group may do at a real mosquitto, each topic tried; and what a shared subscription is judged by."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud.identity.authority import Authority
from cloud.identity.broker_files import refresh_access
from protocols.clock import SystemClock
from protocols.topics import ALL_UP, CHANNELS, FROM_COLLECTOR, FROM_GATEWAYS, parse
from tests.cloud.identity.test_broker_rules import ODD, OTHER, OWN, WIDE
from tests.cloud.identity.tls_broker import Client, TlsBroker, tls_broker

SHARED = f"$share/office-7d1/{ALL_UP}"
GATEWAYS = {"east/b3": OWN, "east/b4": OTHER}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[TlsBroker]:
    with tls_broker(tmp_path, Authority(tmp_path / "identity", SystemClock()), ("c1", "c2")) as running:
        yield running


@pytest.fixture
def clients(broker: TlsBroker) -> Iterator[dict[str, Client]]:
    names = (*GATEWAYS, "collector", "collector-c1", "collector-c2")
    found = {name: Client(broker, name).online() for name in names}
    yield found
    for each in found.values():
        each.close()


def test_a_member_publishes_acks_and_nothing_else(clients: dict[str, Client]) -> None:
    tried = [*ODD, *(f"{root}/{channel}" for root in (OWN, OTHER) for channel in CHANNELS)]
    # What the patterns for gateways give to its own name is no topic: it has one level less.
    assert all(parse(f"dayuan/1/collector-c1/{channel}") is None for channel in CHANNELS)
    assert {topic for topic in tried if clients["collector-c1"].publish(topic)} == {f"{OWN}/ack", f"{OTHER}/ack"}


def test_a_member_hears_batches_and_nothing_else_whatever_it_subscribes(clients: dict[str, Client]) -> None:
    member = clients["collector-c1"]
    member.subscribe(*WIDE, *(f"dayuan/1/+/+/{channel}" for channel in CHANNELS), "$share/g/dayuan/1/+/+/birth")
    for name, root in GATEWAYS.items():
        for channel in FROM_GATEWAYS[::-1]:
            assert clients[name].publish(f"{root}/{channel}")
        for channel in FROM_COLLECTOR:
            assert clients["collector"].publish(f"{root}/{channel}")
        assert _within(lambda root=root: f"{root}/up" in {topic for topic, _ in member.got})
    assert clients["collector-c2"].publish(f"{OWN}/ack")
    assert {topic for topic, _ in member.got} == {f"{OWN}/up", f"{OTHER}/up"}


def test_members_of_one_share_each_get_a_part_and_together_all(clients: dict[str, Client]) -> None:
    members = [clients["collector-c1"], clients["collector-c2"]]
    for each in members:
        each.subscribe(SHARED)
    for number in range(20):
        assert clients["east/b3"].publish(f"{OWN}/up", str(number))
    assert _within(lambda: sum(len(each.got) for each in members) == 20)
    assert sorted(int(payload) for each in members for _, payload in each.got) == list(range(20))
    assert all(len(each.got) == 10 for each in members)


def test_who_knows_the_name_of_a_share_takes_its_turn_and_hears_nothing(clients: dict[str, Client]) -> None:
    """Why that name is a secret: mosquitto lets anybody subscribe, and drops what it then may not hand over."""
    member, thief = clients["collector-c1"], clients["east/b4"]
    member.subscribe(SHARED)
    thief.subscribe(SHARED)
    for number in range(20):
        assert clients["east/b3"].publish(f"{OWN}/up", str(number))
    assert member.publish(f"{OWN}/ack"), "what the broker handed over before is there"
    assert len(member.got) == 10
    assert thief.got == []


def test_whoever_does_not_know_that_name_takes_nothing(clients: dict[str, Client]) -> None:
    member, thief = clients["collector-c1"], clients["east/b4"]
    member.subscribe(SHARED)
    thief.subscribe(*(f"$share/{guess}/{ALL_UP}" for guess in ("office", "7d1", "office-7d", "OFFICE-7D1", "*")), "#")
    for number in range(20):
        assert clients["east/b3"].publish(f"{OWN}/up", str(number))
    assert _within(lambda: len(member.got) == 20)


def test_one_that_is_of_the_group_no_more_may_nothing_and_the_others_go_on(
    broker: TlsBroker, clients: dict[str, Client]
) -> None:
    member, other = clients["collector-c1"], clients["collector-c2"]
    for each in (member, other):
        each.subscribe(SHARED)
    assert refresh_access(broker.files, ["c2"])
    assert _within(lambda: not member.publish(f"{OWN}/ack"))
    member.close()
    sent = 0
    for number in range(20):
        sent += clients["east/b3"].publish(f"{OWN}/up", str(number))
    assert sent == 20
    assert _within(lambda: len(other.got) == 20)
    assert not other.gone.is_set()


def _within(condition: Callable[[], bool]) -> bool:
    pause = threading.Event()
    for _ in range(200):
        if condition():
            return True
        pause.wait(0.1)
    return False
