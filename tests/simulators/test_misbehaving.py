"""What a simulated meter does when it misbehaves, and when its rack comes to an end."""

import random

import pytest

from protocols.clock import ManualClock
from simulators.devices.meter import Meter
from simulators.devices.models import EASTRON_SDM120
from simulators.faults import NO_FAULT, Fault
from simulators.ledger import Ledger
from simulators.wires.modbus_frames import serial_frame, take_serial_request
from simulators.wires.unit_rack import POLL_GAP_S, UnitRack
from simulators.world.load import MeteredLoad

READ_POWER = bytes((4, 0, 12, 0, 2))


@pytest.fixture
def bench():
    clock, ledger = ManualClock(), Ledger(None)
    load = MeteredLoad(random.Random(1), watts=500, phases=1, origin_ms=clock.now_ms())
    meters = [Meter(f"m{unit}", EASTRON_SDM120, load, unit=unit) for unit in (1, 2)]
    yield UnitRack(meters, ledger, clock, knows_absent=True), meters, ledger, clock
    ledger.close()


def test_a_silent_meter_says_nothing_and_gives_nothing(bench):
    rack, meters, ledger, _ = bench
    meters[0].fault = Fault("silent")
    assert rack.answer(1, READ_POWER).pdu is None
    assert list(ledger.served()) == []


def test_a_slow_meter_answers_late_and_the_ledger_knows_how_late(bench):
    rack, meters, ledger, _ = bench
    meters[0].fault = Fault("slow", delay_s=3.0)
    assert rack.answer(1, READ_POWER).delay_s == 3.0
    assert [value.delay_s for value in ledger.served()] == [3.0]


def test_a_garbled_answer_gives_no_value(bench):
    rack, meters, ledger, _ = bench
    meters[0].fault = Fault("wrong")
    assert rack.answer(1, READ_POWER).garbled
    assert list(ledger.served()) == []
    meters[0].fault = NO_FAULT
    assert not rack.answer(1, READ_POWER).garbled


def test_an_answer_that_could_not_be_written_was_not_given(bench):
    rack, _, ledger, _ = bench
    ledger.undelivered(rack.answer(1, READ_POWER).answer_id)
    assert list(ledger.served()) == []


async def test_while_closing_a_poll_goes_on_to_its_end_and_none_begins(bench):
    rack, _, _, clock = bench
    assert rack.answer(1, READ_POWER).pdu is not None
    rack.mode = "closing"
    assert rack.answer(2, READ_POWER).pdu is None
    assert rack.answer(1, READ_POWER).pdu is not None
    await clock.advance(POLL_GAP_S + 0.1)
    assert rack.answer(1, READ_POWER).pdu is None


def test_a_busy_rack_says_so(bench):
    rack, _, ledger, _ = bench
    rack.mode = "busy"
    assert rack.answer(1, READ_POWER).pdu == bytes((0x84, 6))
    assert list(ledger.served()) == []


def test_a_request_is_found_behind_noise_and_in_pieces():
    request = serial_frame(7, READ_POWER)
    buffer = bytearray(b"\x00\xff\x13") + request[:5]
    assert take_serial_request(buffer) is None
    buffer += request[5:] + request
    assert take_serial_request(buffer) == (7, READ_POWER)
    assert take_serial_request(buffer) == (7, READ_POWER)
    assert take_serial_request(buffer) is None
