"""Who may do what at a real mosquitto: each client by each topic by publishing and listening."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud.identity.authority import Authority
from cloud.identity.broker_files import ACCESS, CONF, refresh_revocations
from protocols.certificates import read_certificate
from protocols.clock import SystemClock
from protocols.topics import CHANNELS, FROM_COLLECTOR, FROM_GATEWAYS
from tests.cloud.identity.tls_broker import WAIT_S, Client, TlsBroker, tls_broker

OWN, OTHER = "dayuan/1/east/b3", "dayuan/1/east/b4"
ODD = ("x", "dayuan", "dayuan/1", OWN, f"{OWN}/other", f"{OWN}/up/more", "dayuan/2/east/b3/up", f"/{OWN}/up", "$x/up")
WIDE = (
    *("#", "+/#", "/#", "dayuan/#", "dayuan/1/#", "dayuan/1/+/+/+", "dayuan/1/east/+/cmd", f"{OWN}/#", f"{OTHER}/#"),
    *("$SYS/#", "$SYS/broker/version", "$CONTROL/#", "$share/g/#", "$share/g/dayuan/1/+/+/cmd", f"$share/g/{OTHER}/up"),
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsBroker]:
    folder = tmp_path_factory.mktemp("broker")
    with tls_broker(folder, Authority(folder / "identity", SystemClock())) as running:
        yield running


@pytest.fixture
def clients(broker: TlsBroker) -> Iterator[dict[str, Client]]:
    found = {name: Client(broker, name).online() for name in ("east/b3", "east/b4", "collector")}
    yield found
    for each in found.values():
        each.close()


@pytest.mark.parametrize("retain", [False, True])
def test_a_gateway_publishes_on_its_own_topics_and_on_no_other(clients: dict[str, Client], retain: bool) -> None:
    gateway = clients["east/b3"]
    allowed = {f"{OWN}/{channel}" for channel in FROM_GATEWAYS}
    tried = [*ODD, *(f"{root}/{channel}" for root in (OWN, OTHER) for channel in CHANNELS)]
    tried += [f"dayuan/1/east/collector/{channel}" for channel in CHANNELS]
    assert {topic for topic in tried if gateway.publish(topic, retain=retain)} == allowed
    for topic in allowed:
        gateway.publish(topic, "", retain=True)


def test_the_collector_publishes_answers_and_nothing_in_a_gateways_name(clients: dict[str, Client]) -> None:
    collector = clients["collector"]
    allowed = {f"{root}/{channel}" for root in (OWN, OTHER) for channel in FROM_COLLECTOR}
    tried = [*ODD, *(f"{root}/{channel}" for root in (OWN, OTHER) for channel in CHANNELS)]
    assert {topic for topic in tried if collector.publish(topic)} == allowed


def test_a_gateway_that_listens_to_everything_hears_what_is_for_it(clients: dict[str, Client]) -> None:
    gateway, other, collector = clients["east/b3"], clients["east/b4"], clients["collector"]
    other.publish(f"{OTHER}/birth", "kept", retain=True)
    gateway.subscribe(*WIDE, *(f"{root}/{channel}" for root in (OWN, OTHER) for channel in CHANNELS))
    for channel in FROM_GATEWAYS:
        other.publish(f"{OTHER}/{channel}", "for nobody but the collector")
    for root in (OTHER, OWN):
        for channel in FROM_COLLECTOR:
            collector.publish(f"{root}/{channel}", "answer")
    _told(gateway, f"{OWN}/{FROM_COLLECTOR[-1]}")
    assert {topic for topic, _ in gateway.got} == {f"{OWN}/{channel}" for channel in FROM_COLLECTOR}
    other.publish(f"{OTHER}/birth", "", retain=True)


def test_the_collector_hears_all_gateways(clients: dict[str, Client]) -> None:
    collector = clients["collector"]
    collector.subscribe(*(f"dayuan/1/+/+/{channel}" for channel in FROM_GATEWAYS))
    for name, root in (("east/b3", OWN), ("east/b4", OTHER)):
        for channel in FROM_GATEWAYS:
            assert clients[name].publish(f"{root}/{channel}", channel)
            _told(collector, f"{root}/{channel}")


def test_a_will_on_a_foreign_topic_is_heard_by_nobody(broker: TlsBroker, clients: dict[str, Client]) -> None:
    collector = clients["collector"]
    collector.subscribe("dayuan/1/+/+/status")
    clients["east/b3"].close()
    forger = Client(broker, "east/b3")
    forger.paho.will_set(f"{OTHER}/status", "offline", 1, True)
    forger.connect()
    if forger.connected.wait(WAIT_S):  # mosquitto 2.0.11 takes the will and refuses it when it would be sent
        forger.vanish()
        assert forger.gone.wait(WAIT_S)
    forger.close()
    honest = Client(broker, "east/b3")
    honest.paho.will_set(f"{OWN}/status", "offline", 1, False)
    honest.online().vanish()
    _told(collector, f"{OWN}/status")
    assert [topic for topic, _ in collector.got] == [f"{OWN}/status"]
    honest.close()


def test_nobody_takes_the_place_of_another_by_its_client_id(broker: TlsBroker, clients: dict[str, Client]) -> None:
    thief = Client(broker, "east/b5", client_id="collector").online()
    thief.publish("dayuan/1/east/b5/up")
    assert clients["collector"].publish(f"{OWN}/ack"), "it is still there"
    assert not clients["collector"].gone.is_set()
    thief.close()


@pytest.mark.parametrize("name", ["east/+", "#", "+/+", "east/b3/up"])
def test_an_odd_name_in_a_certificate_gives_no_more_rights(broker: TlsBroker, name: str) -> None:
    client = Client(broker, name).connect()
    if client.connected.wait(1.0):
        assert not any(client.publish(f"{root}/{channel}") for root in (OWN, OTHER) for channel in CHANNELS)
    client.close()


def test_without_a_certificate_of_ours_nobody_comes_in(broker: TlsBroker, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger", SystemClock())
    stranger.open()
    made = stranger.issue_client("east/b3")
    client = Client(broker, "east/b3", pair=made.key + made.certificate.pem)
    try:
        client.connect()
    except OSError:
        return
    assert not client.connected.wait(1.5)
    client.close()


def test_a_revoked_certificate_is_refused_once_the_broker_has_read_its_list(broker: TlsBroker) -> None:
    made = broker.authority.issue_client("east/b9")
    pair = made.key + made.certificate.pem
    Client(broker, "east/b9", pair=pair).online().close()
    assert refresh_revocations(broker.files, broker.authority.revocation_list([(made.certificate.serial, 0)]))

    def refused() -> bool:
        client = Client(broker, "east/b9", pair=pair)
        try:
            client.connect()
        except OSError:
            return True
        try:
            return not client.connected.wait(1.5)
        finally:
            client.close()

    assert _within(refused), "the revoked one still comes in"
    Client(broker, "east/b8").online().close()


def test_an_empty_access_list_allows_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "identity", SystemClock())
    with tls_broker(tmp_path, authority) as running:
        running.stop()
        (running.files / ACCESS).write_text("")
        running.start()
        client = Client(running, "east/b3").online()
        client.subscribe("#", f"{OWN}/cmd")
        assert not any(client.publish(f"{OWN}/{channel}") for channel in CHANNELS)
        assert client.got == []
        client.close()


def test_the_brokers_certificate_is_of_our_authority(broker: TlsBroker) -> None:
    certificate = read_certificate((broker.files / "server.pem").read_bytes())
    assert certificate.name == "localhost"


def _told(client: Client, topic: str) -> None:
    assert _within(lambda: topic in {each for each, _ in client.got}), f"{topic} did not arrive: {client.got}"


def _within(condition: Callable[[], bool]) -> bool:
    pause = threading.Event()
    for _ in range(200):
        if condition():
            return True
        pause.wait(0.1)
    return False


def test_the_limits_of_the_broker_are_written_out(broker: TlsBroker) -> None:
    said = dict(
        line.split(" ", 1) for line in (broker.files / CONF).read_text().splitlines() if line and line[0] != "#"
    )
    assert said["allow_anonymous"] == "false"
    assert 0 < int(said["max_queued_messages"]) <= 10_000, "else messages of QoS 0 fill the memory"
    assert int(said["max_packet_size"]) <= 2 << 20
    assert int(said["max_queued_bytes"]) <= 256 << 20
    assert int(said["max_inflight_messages"]) <= 100
    assert int(said["max_keepalive"]) <= 300
    assert int(said["max_connections"]) == 100
    assert said["tls_version"] == "tlsv1.2"
    assert said["require_certificate"] == "true"
