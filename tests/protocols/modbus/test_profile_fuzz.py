"""Whatever is written into a profile, reading it ends with a profile or with an error that names file and key."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.errors import BadSettings
from protocols.modbus.decode import BlockDecoder
from protocols.modbus.plan import plan_reads
from protocols.modbus.profile import ModbusProfile, decode_modbus
from protocols.modbus.writes import number, pulse, switch
from protocols.profile import BUILT_IN
from protocols.settings import Document

TEXTS = [
    (BUILT_IN / f"{name}.toml").read_text("utf-8")
    for name in (
        *("carlo-gavazzi/em24", "chint/dtsu666", "hager/ecr380d", "siemens/pac3200", "sunspec/meter-201"),
        *("waveshare/relay-d", "lctech/8r-d7", "moxa/iologik-e1214", "wago/750-352", "stm8/relay-4"),
    )
]
NUMBERS = re.compile(r'(?<=[=\[, ])(?:0x[0-9A-Fa-f]+|-?\d+(?:\.\d+)?|"[^"\n]{0,20}"|true|false)(?=[\s,\]}])')
JUNK = [
    *("-1", "0", "1", "65535", "65536", "0x10000000000000000", "-9223372036854775808", "1e400", "nan", "-inf", "0.0"),
    *('""', '"time"', '"big"', '"bit"', '"float64"', '"uint16"', '"coil"', '"holding"', '"100 ms"', '"ct*pt"', '"x"'),
    *("[]", "[[]]", "[1, 2]", "[[2, 1]]", "{}", "true", "1979-05-27", '"\\u0000"', '["time", "time"]', "[nan]"),
]


def read(text: str) -> tuple[ModbusProfile | None, str]:
    """The profile, or what is said against it."""
    try:
        return decode_modbus(Document("t.toml", text)), ""
    except BadSettings as error:
        return None, str(error)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TEXTS), st.lists(st.tuples(st.integers(0, 500), st.sampled_from(JUNK)), min_size=1, max_size=3))
def test_a_profile_with_junk_in_it_is_refused_or_can_be_used(text: str, changes: list[tuple[int, str]]) -> None:
    for place, junk in changes:
        found = list(NUMBERS.finditer(text))
        hit = found[place % len(found)]
        text = text[: hit.start()] + junk + text[hit.end() :]
    profile, refused = read(text)
    if profile is None:
        assert refused.startswith("t.toml")
        return
    ratios = {ratio.name: 2.0 for ratio in profile.ratios}
    for block in plan_reads(profile, profile.points):
        decoder = BlockDecoder("m", block, ratios)
        for filler in (b"\0", b"\x5a", b"\xff"):
            for reading in decoder.readings(filler * block.answer_bytes, 1):
                assert reading.value is None or abs(reading.value) <= 1e15
    for write in profile.writes.values():
        if write.kind == "number":
            number(write, write.low)
            number(write, write.high)
        else:
            assert len(switch(write, True).pdu) >= 5
            if write.pulse is not None:
                pulse(write, write.pulse.longest_s or None)
