"""The door watcher against simulated card readers."""

import pytest
from building.door_watcher import DoorWatcher


@pytest.fixture
def watcher(broker):
    watcher = DoorWatcher(broker.host, broker.port, broker.username, broker.password())
    yield watcher
    watcher.close()


def test_a_tap_is_seen(watcher, card_reader):
    reader = card_reader("esp-rfid", "doors/lobby")
    reader.tap("04A1B2C3D4E5F6")
    seen = watcher.next_pass()
    assert (seen.door, seen.card, seen.granted) == ("lobby", "04A1B2C3D4E5F6", True)


def test_a_card_that_is_expired_is_not_granted(watcher, card_reader):
    card_reader("esp-rfid", "doors/lobby").tap("04A1B2C3D4E5F6", access="Expired")
    assert watcher.next_pass().granted is False


def test_a_tap_that_is_told_twice_is_one_pass(watcher, card_reader):
    reader = card_reader("esp-rfid", "doors/lobby")
    reader.breaks("duplicate")
    before = reader.published()
    reader.tap("04A1B2C3D4E5F6")
    assert reader.published() == before + 2
    reader.mends()
    reader.tap("A1B2C3D4")
    assert [watcher.next_pass().card, watcher.next_pass().card] == ["04A1B2C3D4E5F6", "A1B2C3D4"]
