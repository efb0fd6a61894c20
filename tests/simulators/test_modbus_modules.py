"""Simulated relay modules: each maker's own way to pulse, to read back and to fail safe; every write in the ledger."""

import pytest

from protocols.clock import ManualClock
from protocols.modbus.profile import ModbusProfile
from protocols.modbus.writes import pulse, switch
from protocols.profile import load_profile
from simulators.devices.io_module import IoModule
from simulators.devices.models import MODULES
from simulators.faults import Fault
from simulators.ledger import Ledger
from simulators.wires.modbus_frames import parse_pdu, serial_frame, take_serial_request
from simulators.wires.unit_rack import UnitRack

START_MS = 1_790_000_000_000
AREAS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}


def module(name: str, **more) -> IoModule:
    return IoModule("m", MODULES[name], unit=1, **more)


def relays(box: IoModule, at_ms: int) -> list[bool]:
    return [box.relay_on(number, at_ms) for number in box.relays]


@pytest.mark.parametrize("name", MODULES)
def test_each_output_of_a_profile_switches_that_relay_and_reads_back(name):
    profile, box = load_profile(name), module(name)
    assert isinstance(profile, ModbusProfile)
    now = START_MS
    for number in box.relays:
        now += 1000
        write = profile.writes[f"relay_{number}"]
        for on in (True, False):
            made = switch(write, on)
            request = parse_pdu(1, made.pdu)
            assert box.write(request.function, request.first, request.values, now) is None
            assert box.relay_on(number, now) is on
            point = profile.point(f"relay_{number}")
            answer = box.read(AREAS[point.area], point.at, 1, now)
            assert dict(zip(answer.points, answer.values, strict=True))[f"relay_{number}"] == on


@pytest.mark.parametrize("name", MODULES)
def test_every_point_of_a_profile_is_in_the_module_under_its_own_name(name):
    profile, box = load_profile(name), module(name)
    for point in profile.points:
        answer = box.read(AREAS[point.area], point.at, point.words, START_MS)
        assert point.name in answer.points


@pytest.mark.parametrize("name", ["waveshare/relay-8", "lctech/8r-d7", "moxa/iologik-e1214"])
def test_a_pulse_ends_by_the_modules_own_clock(name):
    box = module(name)
    write = load_profile(name).writes["relay_2"]
    made = pulse(write, None if name.startswith("moxa") else 3.0)
    request = parse_pdu(1, made.pdu)
    assert box.write(request.function, request.first, request.values, START_MS) is None
    assert relays(box, START_MS + 2_900)[:3] == [False, True, False]
    assert not any(relays(box, START_MS + 3_000))


def test_a_flash_off_interrupts_and_a_toggle_turns_over():
    box = module("waveshare/relay-8")
    assert box.write(5, 0x00FF, (0xFF00,), START_MS) is None
    assert box.write(5, 0x0400, (7,), START_MS + 10) is None
    assert relays(box, START_MS + 700) == [False] + [True] * 7
    assert all(relays(box, START_MS + 710))
    assert box.write(5, 1, (0x5500,), START_MS + 800) is None
    assert not box.relay_on(2, START_MS + 800)


def test_what_is_no_value_for_a_coil_is_refused_where_it_means_nothing():
    box = module("kmtronic/relay-8")
    assert box.write(5, 0, (0x5500,), START_MS).code == 3
    assert box.write(5, 0x0200, (7,), START_MS).code == 2
    assert box.write(15, 0, (1, 1), START_MS).code == 1


def test_several_coils_are_written_wholly_or_not_at_all():
    box = module("icpdas/tm-r5")
    assert box.write(15, 3, (1, 1, 1), START_MS).code == 2
    assert not any(relays(box, START_MS))
    assert box.write(15, 3, (1, 1), START_MS) is None
    assert relays(box, START_MS) == [False, False, False, True, True]


def test_a_host_watchdog_puts_outputs_to_their_safe_values_and_locks_them():
    box = module("icpdas/tm-r5")
    for function, first, values in (
        (15, 0, (1, 1, 0, 0, 0)),
        (15, 128, (0, 1, 1, 0, 0)),
        (6, 488, (20,)),
        (5, 260, (0xFF00,)),
    ):
        assert box.write(function, first, values, START_MS) is None
    assert relays(box, START_MS + 1_900) == [True, True, False, False, False]
    assert relays(box, START_MS + 2_000) == [False, True, True, False, False]
    assert box.read(1, 269, 1, START_MS + 2_100).words == (1,)
    assert box.write(5, 0, (0xFF00,), START_MS + 2_200).code == 4
    assert box.write(5, 269, (0xFF00,), START_MS + 2_300) is None
    assert box.write(5, 0, (0xFF00,), START_MS + 2_400) is None


def test_a_coupler_with_a_running_watchdog_says_when_it_expired():
    box = module("wago/750-352")
    for function, first, values in ((6, 0x1000, (10,)), (6, 0x1003, (1,)), (5, 0, (0xFF00,))):
        assert box.write(function, first, values, START_MS) is None
    assert box.write(6, 0x1000, (50,), START_MS).code == 4
    assert box.read(3, 0x1006, 1, START_MS + 500).words == (1,)
    assert box.read(3, 0x1006, 1, START_MS + 1_600).words == (2,)
    assert box.read(1, 512, 1, START_MS + 1_700).words == (0,)


def test_a_door_contact_follows_the_relay_a_moment_later_and_is_counted():
    box = module("brainboxes/ed-588", follows={1: 2})
    box.write(5, 1, (0xFF00,), START_MS)
    assert box.read(2, 0, 1, START_MS + 100).words == (0,)
    assert box.read(2, 0, 1, START_MS + 300).words == (1,)
    assert box.read(4, 0, 1, START_MS + 300).words == (1,)
    box.write(5, 0x0200, (0xFF00,), START_MS + 400)
    assert box.read(4, 0, 1, START_MS + 500).words == (0,)


def test_every_write_is_in_the_ledger_also_when_its_answer_never_came():
    clock, ledger = ManualClock(), Ledger(None)
    box = module("waveshare/relay-8")
    rack = UnitRack([box], ledger, clock, knows_absent=False)
    flash = bytes.fromhex("0502010007")
    assert rack.answer(1, flash).pdu == flash
    box.misbehave(Fault("wrong"), clock.now_ms())
    assert rack.answer(1, bytes.fromhex("0500000000ff")).pdu == bytes.fromhex("8501")
    assert rack.answer(1, bytes.fromhex("050000ff00")).garbled
    box.misbehave(Fault("silent"), clock.now_ms())
    assert rack.answer(1, bytes.fromhex("0500000000")).pdu is None
    assert rack.answer(0, bytes.fromhex("050001ff00")).pdu is None
    box.misbehave(Fault(""), clock.now_ms())
    assert rack.answer(1, bytes.fromhex("060000ff00")).pdu == bytes.fromhex("8602")
    written = [(row.function, row.address, row.values, row.refused) for row in ledger.writes("m")]
    assert written == [
        (5, 0x0201, (7,), 0),
        (5, 0, (0xFF00,), 0),
        (5, 1, (0xFF00,), 0),
        (6, 0, (0xFF00,), 2),
    ]
    ledger.close()


def test_a_request_that_writes_several_is_cut_out_of_the_stream_by_its_length():
    request = serial_frame(3, bytes.fromhex("100003000204" + "00020014"))
    buffer = bytearray(b"\x10\x00") + request + request[:6]
    assert take_serial_request(buffer) == (3, request[1:-2])
    assert take_serial_request(buffer) is None
    buffer += request[6:]
    assert take_serial_request(buffer) == (3, request[1:-2])
