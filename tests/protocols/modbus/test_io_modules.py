"""The input/output modules that are shipped: what each command sends, byte for byte as its manual has it."""

import re

import pytest

from protocols.errors import BadCommand
from protocols.modbus.writes import pulse, switch
from tests.protocols.modbus.shipped import shipped

MODULES = [each for each, profile in shipped().items() if profile.kind == "io"]

FROM_MANUALS = [
    ("waveshare/relay-8", "relay_1", "on", "05 0000 FF00"),
    ("waveshare/relay-8", "relay_8", "off", "05 0007 0000"),
    ("waveshare/relay-8", "relay_1", 0.7, "05 0200 0007"),
    ("waveshare/relay-8", "relay_8", 3, "05 0207 001E"),
    ("waveshare/relay-d", "relay_2", 0.5, "05 0201 0005"),
    ("waveshare/poe-eth-relay-b", "relay_3", 60, "05 0202 0258"),
    ("moxa/iologik-e1214", "relay_6", "on", "05 0005 FF00"),
    ("moxa/iologik-e1214", "relay_6", None, "05 0015 FF00"),
    ("advantech/adam-6060", "relay_1", "on", "05 0010 FF00"),
    ("advantech/adam-6060", "relay_6", "off", "05 0015 0000"),
    ("advantech/adam-4150", "relay_8", "on", "05 0017 FF00"),
    ("wago/750-352", "relay_1", "on", "05 0000 FF00"),
    ("wago/750-352", "relay_8", "off", "05 0007 0000"),
    ("icpdas/tm-r5", "relay_5", "on", "05 0004 FF00"),
    ("brainboxes/ed-588", "relay_8", "on", "05 0007 FF00"),
    ("kmtronic/relay-8", "relay_4", "on", "05 0003 FF00"),
    ("lctech/8r-d7", "relay_1", "on", "05 0000 FF00"),
    ("lctech/8r-d7", "relay_1", 1, "10 0003 0002 04 0002 000A"),
    ("lctech/8r-d7", "relay_8", 2.5, "10 0026 0002 04 0002 0019"),
    ("stm8/relay-4", "relay_1", "on", "06 0001 0100"),
    ("stm8/relay-4", "relay_4", "off", "06 0004 0200"),
]


@pytest.mark.parametrize(("profile_id", "point", "action", "sent"), FROM_MANUALS)
def test_a_command_is_what_the_manual_says(profile_id: str, point: str, action: str | float | None, sent: str) -> None:
    write = shipped()[profile_id].writes[point]
    made = switch(write, action == "on") if isinstance(action, str) else pulse(write, action)
    assert made.pdu == bytes.fromhex(sent)
    assert made.echo == (made.pdu[:5])
    assert made.repeatable is isinstance(action, str)


def test_every_module_is_in_the_list_above() -> None:
    assert {row[0] for row in FROM_MANUALS} == set(MODULES)


@pytest.mark.parametrize("profile_id", MODULES)
def test_every_relay_of_a_module_can_be_switched_and_nothing_else(profile_id: str) -> None:
    profile = shipped()[profile_id]
    relays = {point.name for point in profile.points if re.fullmatch(r"relay_\d", point.name)}
    assert set(profile.writes) == relays
    sent = {switch(write, on).pdu for write in profile.writes.values() for on in (True, False)}
    assert len(sent) == 2 * len(relays), "two relays are switched by the same command"
    pulsed = [write.pulse.at for write in profile.writes.values() if write.pulse]
    assert len(pulsed) == len(set(pulsed))
    assert len(pulsed) in (0, len(relays))


@pytest.mark.parametrize("profile_id", MODULES)
def test_a_module_without_a_pulse_of_its_own_says_so(profile_id: str) -> None:
    write = next(iter(shipped()[profile_id].writes.values()))
    if write.pulse is None:
        with pytest.raises(BadCommand, match="cannot make a pulse"):
            pulse(write, 3)


@pytest.mark.parametrize("profile_id", MODULES)
def test_a_module_says_what_its_outputs_do_alone(profile_id: str) -> None:
    profile = shipped()[profile_id]
    assert profile.failsafe is not None
    assert profile.failsafe.note
    if all(point.extended for point in profile.points):
        assert any("Bench:" in note for note in profile.head.notes), "known from one source: say what to try"


def test_no_meter_can_be_written() -> None:
    assert [each for each, profile in shipped().items() if profile.writes] == MODULES
