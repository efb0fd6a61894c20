"""Scenario files: an error names file, line, key and what is allowed; the compound of the demo is what it says."""

from collections import Counter
from pathlib import Path

import pytest

from protocols.errors import BadSettings
from simulators.cli import main
from simulators.east_compound import east_compound
from simulators.scenario import load_scenario

SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"

GOOD = """
[[line]]
name = "tcp"
kind = "modbus-tcp"
[[meter]]
id = "m1"
model = "eastron/sdm120"
line = "tcp"
unit = 1
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    return path


def test_the_sample_is_a_good_scenario():
    scenario = load_scenario(SAMPLES / "scenario.toml")
    assert len(scenario.meter) == 4


@pytest.mark.parametrize(
    ("change", "line", "told"),
    [
        (("eastron/sdm120", "eastron/sdm999"), 7, "eastron/sdm120"),
        (('line = "tcp"', 'line = "tpc"'), 8, "tcp"),
        (("unit = 1", "unit = 248"), 9, "1 to 247"),
        (('id = "m1"', 'id = "M 1"'), 6, "a-z"),
        (("unit = 1", "unti = 1"), 9, "did you mean 'unit'?"),
        (("modbus-tcp", "modbus-udp"), 4, "modbus-rtu"),
    ],
)
def test_an_error_names_the_line_and_what_is_allowed(tmp_path, change, line, told):
    path = write(tmp_path, GOOD.replace(*change))
    with pytest.raises(BadSettings) as caught:
        load_scenario(path)
    assert f"{path}:{line}:" in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "more",
    [
        '[[fault]]\ndevice = "nobody"\nkind = "silent"\n',
        '[[fault]]\ndevice = "m1"\nkind = "moody"\n',
        '[[fault]]\ndevice = "m1"\nkind = "slow"\ndelay = "2"\n',
        '[[door]]\nid = "m1"\ntopic = "doors/m1"\n',
        '[[door]]\nid = "d1"\ntopic = "doors/d1"\nswipe_every = "often"\n',
    ],
)
def test_what_does_not_hold_together_is_refused(tmp_path, more):
    with pytest.raises(BadSettings):
        load_scenario(write(tmp_path, GOOD + more))


def test_a_wrong_scenario_ends_with_code_2_and_one_line(tmp_path, capsys):
    path = write(tmp_path, GOOD.replace("unit = 1", "unit = 0"))
    assert main(["run", str(path), "--data", str(tmp_path / "data")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"{path}:9: meter[0].unit" in told


def test_the_demo_has_forty_meters_of_four_models_twelve_doors_and_two_dozen_vehicles():
    scenario = east_compound()
    assert len(scenario.meter) == 40
    assert len({meter.model for meter in scenario.meter}) == 4
    assert len([door for door in scenario.door if not door.exit_of]) == 12
    assert len(scenario.vehicle) == 24
    assert len(scenario.gateway) == 2
    assert Counter(line.kind for line in scenario.line) == {"modbus-tcp": 6, "modbus-rtu": 2}
    ids = [each.id for each in (*scenario.meter, *scenario.door, *scenario.vehicle)]
    assert len(set(ids)) == len(ids)
    units = [(meter.line, meter.unit) for meter in scenario.meter]
    assert len(set(units)) == len(units)


def test_verify_without_a_demo_says_so(tmp_path, capsys):
    assert main(["verify", "--data", str(tmp_path / "nothing")]) == 1
    assert "no demo was ever started here" in capsys.readouterr().err
