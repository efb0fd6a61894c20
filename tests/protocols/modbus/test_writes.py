"""What goes over the wire when a point is written, byte for byte as the modules' manuals have it."""

import pytest

from protocols.errors import BadCommand, BadSettings
from protocols.modbus.writes import PointWrite, number, pulse, switch
from tests.protocols.modbus.profile_text import profile_from

COIL = '[modbus]\narea = "coil"\n[points]\nrelay_1 = { at = 0, type = "bit" }\nrelay_3 = { at = 2, type = "bit" }\n'
HOLDING = "[points]\nrelay_1 = { at = 1 }\nsupply_voltage = { at = 40, scale = 0.1 }\n"


def one_write(text: str) -> PointWrite:
    (write,) = profile_from(text).writes.values()
    return write


def test_a_coil_is_switched_with_function_5_and_echoed() -> None:
    write = one_write(COIL + '[writes.relay_3]\nkind = "switch"\n')
    on, off = switch(write, True), switch(write, False)
    assert on.pdu == on.echo == bytes.fromhex("05 0002 FF00")
    assert off.pdu == off.echo == bytes.fromhex("05 0002 0000")
    assert on.repeatable
    assert (on.text, off.text) == ("relay_3 on", "relay_3 off")


def test_a_coil_can_be_written_with_function_15() -> None:
    write = one_write(COIL + '[writes.relay_3]\nkind = "switch"\nfunction = 15\n')
    assert switch(write, True)[:2] == (bytes.fromhex("0F 0002 0001 01 01"), bytes.fromhex("0F 0002 0001"))
    assert switch(write, False).pdu == bytes.fromhex("0F 0002 0001 01 00")


def test_a_board_that_switches_by_words_in_registers_gets_them() -> None:
    """STM8 relay boards: function 6, 0x0100 on, 0x0200 off."""
    write = one_write(HOLDING + '[writes.relay_1]\nkind = "switch"\non = 0x0100\noff = 0x0200\n')
    assert switch(write, True).pdu == bytes.fromhex("06 0001 0100")
    assert switch(write, False).echo == bytes.fromhex("06 0001 0200")


def test_an_output_can_be_written_elsewhere_than_it_is_read_back() -> None:
    """WAGO 750-352: written at 0, read back at 512."""
    text = '[modbus]\narea = "coil"\n[points]\nrelay_1 = { at = 512, type = "bit" }\n[writes.relay_1]\n'
    assert switch(one_write(text + 'kind = "switch"\nat = 0\n'), True).pdu == bytes.fromhex("05 0000 FF00")


def test_a_module_s_flash_command_carries_the_time_where_on_and_off_would_stand() -> None:
    """Waveshare's own example: 700 ms on relay 1 is 05 0200 0007."""
    text = (
        COIL + '[writes.relay_1]\nkind = "switch"\n[writes.relay_1.pulse]\nfunction = 5\nat = 0x0200\nword = "time"\n'
    )
    write = one_write(text + 'unit = "100 ms"\nmin = "100 ms"\nmax = "60 s"\n')
    made = pulse(write, 0.7)
    assert made.pdu == made.echo == bytes.fromhex("05 0200 0007")
    assert not made.repeatable
    assert made.text == "relay_1 pulse of 0.7 s"
    assert pulse(write, 60).pdu == bytes.fromhex("05 0200 0258")
    assert pulse(write, 0.1).pdu == bytes.fromhex("05 0200 0001")
    for seconds in (0.0, 0.04, 60.2, -1.0, float("nan"), float("inf")):
        with pytest.raises(BadCommand, match=r"0\.1 s to 60 s in steps of 0\.1 s"):
            pulse(write, seconds)
    with pytest.raises(BadCommand, match="must be said"):
        pulse(write)


def test_a_pulse_of_two_words_is_one_request() -> None:
    """LC-Technology: function 16 to 3 + (n - 1) * 5, two words."""
    text = COIL + '[writes.relay_3]\nkind = "switch"\n[writes.relay_3.pulse]\nfunction = 16\nat = 13\n'
    write = one_write(text + 'words = [2, "time"]\nunit = "100 ms"\nmin = "100 ms"\nmax = "60 s"\n')
    made = pulse(write, 3)
    assert made.pdu == bytes.fromhex("10 000D 0002 04 0002 001E")
    assert made.echo == bytes.fromhex("10 000D 0002")
    assert not made.repeatable


def test_a_pulse_whose_length_is_set_in_the_module_takes_no_time() -> None:
    """Moxa: coil 0x0010 + n starts it."""
    text = COIL + '[writes.relay_1]\nkind = "switch"\n[writes.relay_1.pulse]\nfunction = 5\nat = 0x10\nword = 0xFF00\n'
    write = one_write(text)
    assert pulse(write).pdu == bytes.fromhex("05 0010 FF00")
    with pytest.raises(BadCommand, match="leave the time out"):
        pulse(write, 3)


def test_without_a_pulse_of_the_module_s_own_none_is_made() -> None:
    with pytest.raises(BadCommand, match="cannot make a pulse on relay_1 by itself"):
        pulse(one_write(COIL + '[writes.relay_1]\nkind = "switch"\n'), 3)


def test_a_number_is_written_in_the_point_s_unit() -> None:
    write = one_write(HOLDING + '[writes.supply_voltage]\nkind = "number"\nmin = 0\nmax = 24\n')
    made = number(write, 12.3)
    assert made.pdu == made.echo == bytes.fromhex("06 0028 007B")
    assert made.repeatable
    assert made.text == "supply_voltage set to 12.3 V"
    for value in (24.1, -0.1, float("nan")):
        with pytest.raises(BadCommand, match="0 to 24 V"):
            number(write, value)
    with pytest.raises(BadCommand, match="0 to 24 V, not switched"):
        switch(write, True)


@pytest.mark.parametrize(
    ("kind", "order", "value", "words"),
    [
        ("float32", "big", 1.5, "3FC0 0000"),
        ("float32", "little", 1.5, "0000 3FC0"),
        ("float32", "big-swapped", 1.5, "C03F 0000"),
        ("int32", "little", -2, "FFFE FFFF"),
        ("uint32", "big", 65538, "0001 0002"),
    ],
)
def test_a_wide_number_is_written_in_one_request_in_the_device_s_order(
    kind: str, order: str, value: float, words: str
) -> None:
    text = f'[modbus]\nword_order = "{order}"\n[points]\nactive_power_total = {{ at = 8, type = "{kind}" }}\n'
    least = 0 if kind == "uint32" else -100000
    made = number(
        one_write(f'{text}[writes.active_power_total]\nkind = "number"\nmin = {least}\nmax = 100000\n'), value
    )
    assert made.pdu == bytes.fromhex("10 0008 0002 04" + words)
    assert made.echo == bytes.fromhex("10 0008 0002")


def test_a_word_order_set_on_the_device_is_also_that_of_what_is_written() -> None:
    text = '[points]\nactive_power_total = { at = 8, type = "int32" }\n[writes.active_power_total]\nkind = "number"\n'
    profile = profile_from(text + "min = 0\nmax = 9\n").with_word_order("little")
    assert number(profile.writes["active_power_total"], 5).pdu.endswith(bytes.fromhex("0005 0000"))


SWITCH = '[writes.relay_1]\nkind = "switch"\n'
PULSE = COIL + SWITCH + "[writes.relay_1.pulse]\nfunction = 5\nat = 512\n"
LENGTHS = 'unit = "100 ms"\nmin = "100 ms"\nmax = "60 s"\n'
NUMBER = '[writes.supply_voltage]\nkind = "number"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            COIL + '[writes.relay_2]\nkind = "switch"\n',
            "writes.relay_2: no such point in this profile (allowed: relay_1",
        ),
        (COIL + '[writes.relay_1]\nkind = "toggle"\n', "writes.relay_1.kind: 'toggle' is not allowed"),
        (
            COIL + SWITCH + "function = 6\n",
            "writes.relay_1.function: function 6 for a bit in area coil (allowed: 5, 15)",
        ),
        (HOLDING + SWITCH + "function = 5\n", "function 5 for a uint16 in area holding (allowed: 6, 16)"),
        (COIL + SWITCH + 'area = "discrete"\n', "writes.relay_1.area: area discrete cannot be written"),
        (COIL + SWITCH + 'type = "uint16"\n', "writes.relay_1.type: uint16 in area coil"),
        (COIL + SWITCH + "on = 0x10000\n", "writes.relay_1.on: 65536 is not one word"),
        (COIL + SWITCH + "on = 0\n", "writes.relay_1.on: the same as off"),
        (COIL + SWITCH + "function = 15\non = 2\n", "writes.relay_1.on: 2 is not one word (allowed: 0 to 1)"),
        (COIL + SWITCH + "min = 1\n", "writes.relay_1: min and max of a switch"),
        (COIL + SWITCH + "at = 65536\n", "writes.relay_1.at: address 65536"),
        ("[points]\nrelay_1 = { at = 1, bit = 3 }\n" + SWITCH, "other bits of the register would be written"),
        (HOLDING + NUMBER, "which numbers the device takes is not said"),
        (HOLDING + NUMBER + "min = 0\nmax = 7000\n", "0 to 7000 does not fit into uint16"),
        (HOLDING + NUMBER + "min = 0\nmax = 1\non = 1\n", "on, off and pulse are for a switch"),
        (HOLDING + NUMBER + "min = 0\nmax = 1\nscale = 0\n", "writes.supply_voltage.scale: 0"),
        (COIL + '[writes.relay_1]\nkind = "number"\nmin = 0\nmax = 1\n', "a number in one bit"),
        (PULSE, "what function 5 writes is not said"),
        (PULSE + "words = [1, 2]\n", "what function 5 writes is not said"),
        (PULSE + 'word = "length"\n', "writes.relay_1.pulse.word"),
        (PULSE + 'word = "time"\n', "writes.relay_1.pulse.unit: '' is not a duration"),
        (PULSE + 'word = "time"\nunit = "100 ms"\nmin = "100 ms"\nmax = "2 h"\n', "in steps of 100 ms"),
        (PULSE + 'word = "time"\nunit = "100 ms"\nmin = "10 ms"\nmax = "2 s"\n', "in steps of 100 ms"),
        (PULSE + "word = 1\n" + LENGTHS, "writes.relay_1.pulse.unit: no word of this pulse is the time"),
        (PULSE.replace("= 5", "= 16") + 'words = ["time", "time"]\n' + LENGTHS, "the time stands in several words"),
        (PULSE.replace("= 5", "= 16") + 'word = "time"\n' + LENGTHS, "what function 16 writes is not said"),
        (PULSE.replace("= 5", "= 15") + "word = 1\n", "writes.relay_1.pulse.function"),
        (COIL + "[failsafe]\npresent = false\n", "failsafe.note: missing"),
        (COIL + '[failsafe]\npresent = true\nnote = "x"\ntimeout = { at = -1 }\n', "failsafe.timeout.at: address -1"),
    ],
)
def test_a_write_that_cannot_be_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(BadSettings) as caught:
        profile_from(text)
    assert says in str(caught.value)
    assert str(caught.value).startswith("t.toml:")


def test_what_outputs_do_without_a_master_is_kept_for_people() -> None:
    text = COIL + '[failsafe]\npresent = true\nnote = "goes off"\nreadback = "contact"\nclear = { at = 269 }\n'
    failsafe = profile_from(text + 'timeout = { at = 488, area = "holding", unit = "100 ms" }\n').failsafe
    assert failsafe is not None
    assert (failsafe.present, failsafe.note, failsafe.readback) == (True, "goes off", "contact")
    assert failsafe.timeout is not None
    assert (failsafe.timeout.area, failsafe.timeout.at, failsafe.timeout.unit) == ("holding", 488, "100 ms")
    assert failsafe.clear is not None
    assert (failsafe.clear.area, failsafe.clear.at) == ("coil", 269)
    assert failsafe.status is None
    assert profile_from(COIL).failsafe is None
