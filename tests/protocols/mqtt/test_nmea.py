"""NMEA sentences: what is cut, glued or changed on the way is never taken for a position."""

from contextlib import suppress
from functools import reduce
from operator import xor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import BadPayload
from protocols.mqtt.nmea import read_nmea

MOVING = "$GNRMC,091507.000,A,4813.0407,N,00824.8685,E,10.09,187.74,101015,,,A,V*31"


def sentence(body: str) -> str:
    return f"${body}*{reduce(xor, body.encode()):02X}"


def test_degrees_and_minutes_become_degrees_with_a_sign() -> None:
    found = read_nmea(sentence("GPRMC,125106,A,3854.5087,S,07726.4523,W,0.0,0.0,241011,,,A"))["RMC"]
    assert found["latitude"] == pytest.approx(-38.908478333)
    assert found["longitude"] == pytest.approx(-77.440871667)
    assert found["time"] == "2011-10-24T12:51:06Z"


@pytest.mark.parametrize(
    "place",
    ["4813.0407,N,00824.8685,", "4813.0407,X,00824.8685,E", ",,,", "48.1,N,8.4,E", "nan,N,inf,E", "٤٨١٣,N,00824,E"],
)
def test_half_a_position_is_none(place: str) -> None:
    found = read_nmea(sentence(f"GPRMC,091507,A,{place},10.09,187.74,101015,,,A"))["RMC"]
    assert "latitude" not in found
    assert "longitude" not in found


def test_the_height_of_another_second_is_not_taken() -> None:
    gga = sentence("GNGGA,091506.000,4813.0407,N,00824.8685,E,1,08,1.1,650.0,M,,M,,")
    assert "GGA" not in read_nmea(f"{gga}\r\n{MOVING}")
    same = gga.replace("091506", "091507")
    assert "GGA" not in read_nmea(f"{same}\r\n{MOVING}"), "its checksum no longer fits"
    whole = sentence("GNGGA,091507.000,4813.0407,N,00824.8685,E,1,08,1.1,650.0,M,,M,,")
    assert read_nmea(f"{whole}\r\n{MOVING}")["GGA"]["altitude"] == "650.0"


def test_of_several_seconds_the_last_is_taken() -> None:
    later = sentence("GNRMC,091508.000,A,4813.0500,N,00824.8685,E,10.09,187.74,101015,,,A,V")
    assert read_nmea(f"{MOVING}\n{later}\n")["RMC"]["clock"] == "091508.000"


@given(at=st.integers(0, len(MOVING) - 1), length=st.integers(1, 20))
def test_a_sentence_with_a_hole_is_damaged_or_a_shorter_whole_one(at: int, length: int) -> None:
    holed = MOVING[:at] + MOVING[at + length :]
    with suppress(BadPayload):
        document = read_nmea(holed)
        kept = holed[holed.index("$") + 1 : holed.rindex("*")]
        assert reduce(xor, kept.encode()) == int(holed[holed.rindex("*") + 1 :][:2], 16)
        assert isinstance(document, dict)


@given(at=st.integers(1, len(MOVING) - 4), sign=st.characters(min_codepoint=32, max_codepoint=126))
def test_one_changed_character_is_always_noticed(at: int, sign: str) -> None:
    changed = MOVING[:at] + sign + MOVING[at + 1 :]
    if changed != MOVING:
        with suppress(BadPayload):
            assert "RMC" not in read_nmea(changed)


@settings(max_examples=200)
@given(text=st.text(alphabet="$GPRMCGGA,*0123456789AVNSEW.\r\n", max_size=200) | st.text(max_size=100))
def test_any_text_is_a_document_or_refused(text: str) -> None:
    with suppress(BadPayload):
        read_nmea(text)


@given(
    fields=st.lists(st.text(alphabet="0123456789.-AVNSEW", max_size=12), max_size=14),
    kind=st.sampled_from(["RMC", "GGA"]),
)
def test_any_fields_with_a_right_checksum_are_a_document(fields: list[str], kind: str) -> None:
    found = read_nmea(sentence(",".join([f"GP{kind}", *fields]) + ("," if not fields else "")))
    place = found.get(kind, {})
    assert ("latitude" in place) == ("longitude" in place)
