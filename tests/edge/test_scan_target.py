"""What can be typed behind `dayuan-edge scan`."""

from __future__ import annotations

import pytest

from edge.commissioning.scan_target import BadTarget, Host, hosts, is_serial, rounds, units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.168.1.20", [Host("192.168.1.20")]),
        ("192.168.1.20:1502", [Host("192.168.1.20", 1502)]),
        ("meter-3.local", [Host("meter-3.local")]),
        ("[fd00::20]:1502", [Host("fd00::20", 1502)]),
        ("fd00::20", [Host("fd00::20")]),
        ("192.168.1.20-22", [Host("192.168.1.20"), Host("192.168.1.21"), Host("192.168.1.22")]),
        ("192.168.1.255-192.168.2.0:503", [Host("192.168.1.255", 503), Host("192.168.2.0", 503)]),
        ("10.0.0.8/30", [Host("10.0.0.9"), Host("10.0.0.10")]),
    ],
)
def test_hosts_are_read_as_they_are_written(text: str, expected: list[Host]) -> None:
    assert hosts(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("192.168.1.20-10", "192.168.1.20-40"),
        ("192.168.1.300", "neither a serial port"),
        ("10.0.0.0/8", "at most 1024"),
        ("10.0.0.0/99", "192.168.1.0/24"),
        ("host:0", "1 to 65535"),
        ("no host", "neither a serial port"),
        ("", "neither a serial port"),
    ],
)
def test_what_is_no_host_is_refused_with_what_would_be(text: str, said: str) -> None:
    with pytest.raises(BadTarget, match=said):
        hosts(text)


def test_a_path_is_a_serial_port() -> None:
    assert is_serial("/dev/ttyUSB0")
    assert not is_serial("192.168.1.20")


def test_units_keep_their_order_and_come_once() -> None:
    assert units("1,33,254,2-4,3", serial=True) == (1, 33, 254, 2, 3, 4)
    assert units("0,255", serial=False) == (0, 255)


@pytest.mark.parametrize("text", ["0", "248-260", "5-2", "a", "", "1,,2"])
def test_unit_ids_that_cannot_be_on_a_serial_line_are_refused(text: str) -> None:
    with pytest.raises(BadTarget):
        units(text, serial=True)


def test_likely_units_are_tried_at_every_setting_before_the_rest() -> None:
    tried = list(rounds(units("1,33,254,2-247", serial=True)))
    assert tried[0] == (1, 33, 254)
    assert [len(each) for each in tried] == [3, 15, 230]
    assert sorted(unit for each in tried for unit in each) == [*range(1, 248), 254]
