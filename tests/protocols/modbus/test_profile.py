"""Profiles are checked before anything is read with them; the error names file, line, key and what is allowed."""

import re
from pathlib import Path

import pytest

from protocols.errors import BadProfile
from protocols.modbus.profile import ModbusProfile, decode_modbus
from protocols.modbus.writes import pulse
from protocols.profile import BUILT_IN, load_profile, profile_ids
from protocols.settings import Document
from tests.protocols.modbus.profile_text import profile_from

HEAD = '[profile]\nid = "mine/meter"\nvendor = "A"\nmodel = "B"\nkind = "meter"\nprotocol = "modbus"\n'


def write(folder: Path, text: str) -> Path:
    (folder / "mine").mkdir(exist_ok=True)
    (folder / "mine" / "meter.toml").write_text(HEAD + text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[points]\n", "points: no point"),
        ("[points]\nvoltage_l9 = { at = 0 }\n", "points.voltage_l9: no such point in the vocabulary"),
        ('[points]\nfrequency = { at = 0, type = "uint12" }\n', "points.frequency.type: 'uint12' is not allowed"),
        ("[points]\nfrequency = { at = 0, typ = 1 }\n", "did you mean 'type'?"),
        ('[points]\nfrequency = { at = 65535, type = "float32" }\n', "registers 65535 to 65536 (allowed: 0 to 65535)"),
        ("[modbus]\nmax_registers = 200\n[points]\nfrequency = { at = 0 }\n", "200 registers per request"),
        (
            '[modbus]\nmax_registers = 3\n[points]\nfrequency = { at = 0, type = "float64" }\n',
            "needs 4 registers in one request (allowed: at most 3)",
        ),
        ('[points]\ncurrent_l1 = { at = 0, times = "ct" }\n', "multiplied by ct, which has no register"),
        ('[modbus]\narea = "coil"\n[points]\ndoor_open = { at = 0 }\n', "uint16 in area coil"),
        ("[points]\nfrequency = { at = 0, invalid = [0x10000] }\n", "does not fit into uint16"),
        ("[points]\nfrequency = { at = 0, invalid = [[9, 8]] }\n", "the last of a range is below its first"),
        ("[points]\nfrequency = { at = 0, scale = 0 }\n", "points.frequency.scale: 0"),
        ("[points]\nfrequency = { at = 0, scale = nan }\n", "points.frequency.scale: nan"),
        ("[points]\nfrequency = { at = 0, plausible = [60, 40] }\n", "points.frequency.plausible: from 60 to 40"),
        ('[modbus.plausible]\n"voltage_*" = [300, 80]\n[points]\nfrequency = { at = 0 }\n', "from 300 to 80"),
        ("[modbus]\nmax_gap = -1\n[points]\nfrequency = { at = 0 }\n", "modbus.max_gap: -1 (allowed: 0 or more)"),
        ("[modbus]\nsunspec_models = [0]\n[points]\nfrequency = { at = 0 }\n", "modbus.sunspec_models: [0]"),
        ("[serial]\nunit = 256\n[points]\nfrequency = { at = 0 }\n", "serial.unit: 256 (allowed: 0 to 255)"),
        ("[ratio]\nct = { at = 0, scale = nan }\n[points]\nfrequency = { at = 0 }\n", "ratio.ct"),
        ('[modbus]\nsilence = "60"\n[points]\nfrequency = { at = 0 }\n', "'60' is not a duration"),
        ("[points]\nfrequency = { at = 0 }\nfrequency = { at = 1 }\n", "not TOML"),
    ],
)
def test_a_wrong_profile_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadProfile) as caught:
        load_profile("mine/meter", [write(tmp_path, text)])
    assert says in str(caught.value)
    assert "meter.toml" in str(caught.value)


def test_the_site_s_own_profile_comes_before_the_one_that_is_shipped(tmp_path: Path) -> None:
    (tmp_path / "eastron").mkdir()
    text = HEAD.replace("mine/meter", "eastron/sdm120") + "[points]\nfrequency = { at = 9 }\n"
    (tmp_path / "eastron" / "sdm120.toml").write_text(text, encoding="utf-8")
    assert load_profile("eastron/sdm120", [tmp_path]).points[0].name == "frequency"


@pytest.mark.parametrize("profile_id", ["eastron/none", "../../etc/passwd", "eastron", "/etc/x", "Eastron/SDM120"])
def test_an_unknown_profile_is_refused(profile_id: str) -> None:
    with pytest.raises(BadProfile):
        load_profile(profile_id)


def test_an_unknown_profile_s_error_names_the_known_ones() -> None:
    with pytest.raises(BadProfile, match="eastron/sdm630"):
        load_profile("eastron/sdm6300")


@pytest.mark.parametrize("profile_id", sorted(profile_ids()))
def test_every_shipped_profile_is_right(profile_id: str) -> None:
    profile = load_profile(profile_id)
    assert profile.head.id == profile_id
    if isinstance(profile, ModbusProfile):
        assert len({point.name for point in profile.points}) == len(profile.points)


def test_the_examples_in_the_manual_are_profiles() -> None:
    manual = (BUILT_IN.parents[1] / "docs" / "PROFILES.md").read_text("utf-8")
    whole, module = re.findall(r"~~~toml\n(.*?)~~~", manual, re.DOTALL)
    meter = decode_modbus(Document("PROFILES.md", whole))
    assert (meter.id, [text.name for text in meter.texts]) == ("acme/m1", ["serial_number"])
    assert pulse(profile_from(module).writes["relay_1"], 3).pdu == bytes.fromhex("05 0200 001E")
