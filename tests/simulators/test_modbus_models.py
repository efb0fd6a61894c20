"""Every simulated meter against the gateway's own plan and decoder: what the meter means is what is read, bit by bit.

The tables of the two sides are written apart from each other, so that a mistake does not stand on both.
"""

import math
import random
import struct

import pytest

from protocols.modbus.decode import BlockDecoder, decode_ratio
from protocols.modbus.plan import plan_reads
from protocols.modbus.profile import ModbusProfile
from protocols.modbus.sunspec import find_model, placed
from protocols.profile import load_profile, profile_ids
from simulators.devices.meter import Meter
from simulators.devices.models import MODELS, MODULES, unknown_model
from simulators.devices.registers import RegisterMap
from simulators.devices.unit import Answer, Refusal
from simulators.faults import NO_FAULT, Fault
from simulators.world.load import MeteredLoad

ORIGIN_MS = 1_790_000_000_000
NOW_MS = ORIGIN_MS + 86_400_000


def a_meter(model: RegisterMap, *, phases: int = 0, exports: bool = True, ct: int = 0) -> Meter:
    load = MeteredLoad(
        random.Random(model.profile), watts=9_000, phases=phases or model.phases, origin_ms=ORIGIN_MS, exports=exports
    )
    return Meter("m", model.installed(serial_number=20_260_123, ct=ct), load, unit=1)


def payload(answer: Answer) -> bytes:
    return struct.pack(f">{len(answer.words)}H", *answer.words)


def points_of(profile: ModbusProfile, meter: Meter, *, extended: bool):
    points = profile.selected(extended=extended)
    if not profile.sunspec_models:
        return points
    search = find_model(profile.sunspec_models)
    try:
        wanted = next(search)
        while True:
            answer = meter.read(3, *wanted, NOW_MS)
            wanted = search.send(payload(answer) if isinstance(answer, Answer) else None)
    except StopIteration as found:
        start = found.value
    return [placed(point, start) for point in points]


def ratios_of(profile: ModbusProfile, meter: Meter) -> dict[str, float]:
    found = {}
    for ratio in profile.ratios:
        answer = meter.read(3, ratio.at, 1, NOW_MS)
        assert isinstance(answer, Answer)
        found[ratio.name] = decode_ratio(payload(answer), ratio.type, ratio.word_order, ratio.scale)
    return found


def compare(model: RegisterMap, *, extended: bool, **world) -> dict[str, float]:
    """Read the whole meter as a gateway does; every reading must be what the meter means by its registers."""
    meter, profile = a_meter(model, **world), load_profile(model.profile)
    assert isinstance(profile, ModbusProfile)
    ratios = ratios_of(profile, meter)
    read: dict[str, float] = {}
    for block in plan_reads(profile, points_of(profile, meter, extended=extended)):
        answer = meter.read(block.function, block.start, block.count, NOW_MS)
        assert isinstance(answer, Answer), f"{model.profile}: {block.start}+{block.count} got {answer}"
        meant = dict(zip(answer.points, answer.values, strict=True))
        for reading in BlockDecoder("m", block, ratios).readings(payload(answer), NOW_MS):
            value = math.nan if reading.value is None else reading.value
            assert reading.point in meant, f"{model.profile} has no {reading.point}"
            expected = meant[reading.point]
            assert value == expected or (math.isnan(value) and math.isnan(expected)), (
                f"{model.profile} {reading.point}: meant {expected!r}, read {value!r}"
            )
            read[reading.point] = value
    return read


@pytest.mark.parametrize("name", MODELS)
def test_what_a_simulated_meter_means_is_what_the_gateway_reads(name):
    model = MODELS[name]
    points = (
        {"voltage_l1_n", "active_power_total", "active_energy_import_total"}
        - model.lacks
        - {point for point in ("voltage_l1_n",) if name == "eastron/sdm72d-m"}
    )
    read = compare(model, extended=name != "carlo-gavazzi/em340")
    assert all(not math.isnan(read[point]) for point in points & read.keys())
    assert read.keys() >= points or name == "socomec/countis-e"


@pytest.mark.parametrize(
    "name", ["abb/b23", "hager/ecr380d", "schneider/iem3155", "siemens/pac3200", "sunspec/meter-203"]
)
def test_what_a_variant_does_not_measure_is_its_own_word_for_no_value(name):
    read = compare(MODELS[name], extended=True, exports=False)
    assert math.isnan(read["active_energy_export_total"])
    assert read["active_energy_import_total"] > 0


def test_an_optional_counter_of_a_variant_without_it_is_refused():
    meter = a_meter(MODELS["carlo-gavazzi/em24"], exports=False)
    assert meter.read(4, 92, 2, NOW_MS) == Refusal(2)


@pytest.mark.parametrize("ratio", [1, 20, 120])
def test_a_meter_behind_transformers_holds_secondary_values_and_the_ratio(ratio):
    model = MODELS["acrel/adl400"]
    assert compare(model, extended=True, ct=ratio)["active_power_total"] == pytest.approx(9_000, rel=0.6)
    [raw] = a_meter(model, ct=ratio).read(3, 142, 1, NOW_MS).words
    assert raw == ratio


def test_the_manners_of_the_models():
    def asked(name: str, function: int, first: int, count: int):
        return a_meter(MODELS[name]).read(function, first, count, NOW_MS)

    assert asked("eastron/sdm230", 4, 1, 2) == Refusal(2)
    assert asked("eastron/sdm230", 4, 0, 62) == Refusal(3)
    assert asked("carlo-gavazzi/em24", 4, 0, 12) == Refusal(3)
    assert asked("siemens/pac3200", 3, 2, 2) == Refusal(2)
    assert asked("acrel/adl400", 3, 97, 15) == Refusal(3)
    assert asked("janitza/umg96rm", 4, 19000, 2).points == ("voltage_l1_n",)
    assert asked("schneider/iem3155", 4, 2999, 2) == Refusal(1)
    assert asked("hager/ecr380d", 3, 0xC350, 4) == Refusal(2)
    assert payload(asked("hager/ecr380d", 3, 4096, 16)).rstrip(b"\0") == b"Hager"
    assert asked("socomec/countis-e", 3, 50000, 5).words == (0x53, 0x4F, 0x43, 0x4F, 100)
    assert payload(asked("carlo-gavazzi/em340", 3, 20480, 7)).rstrip(b"\0") == b"20260123"
    assert struct.unpack(">I", payload(asked("eastron/sdm120", 3, 0xFC00, 2))) == (20_260_123,)


def read_counter(meter: Meter, at_ms: int) -> float:
    answer = meter.read(4, 72, 2, at_ms)
    return answer.values[0]


def test_a_reset_counter_starts_from_zero_and_stays_there():
    meter = a_meter(MODELS["eastron/sdm630"])
    before = read_counter(meter, NOW_MS)
    meter.misbehave(Fault("counter_reset"), NOW_MS)
    assert read_counter(meter, NOW_MS) == 0
    meter.misbehave(NO_FAULT, NOW_MS + 1000)
    assert 0 < read_counter(meter, NOW_MS + 3_600_000) < before


@pytest.mark.parametrize(("name", "end"), [("eastron/sdm630", 1e6), ("carlo-gavazzi/em340", 2**31 / 10)])
def test_a_counter_runs_over_the_end_of_its_width(name, end):
    meter = a_meter(MODELS[name])
    item = next(field for field in meter.map.fields if field.point == "active_energy_import_total")
    meter.misbehave(Fault("counter_rollover", delay_s=3_600), NOW_MS)
    [before] = meter.read(4, item.address, 2, NOW_MS).values
    [after] = meter.read(4, item.address, 2, NOW_MS + 7_200_000).values
    assert end - 50 < before < end
    assert 0 <= after < 50


def test_a_stuck_meter_goes_on_where_the_world_is_when_it_is_mended():
    meter = a_meter(MODELS["eastron/sdm630"])
    meter.misbehave(Fault("stuck"), NOW_MS)
    first = read_counter(meter, NOW_MS)
    assert read_counter(meter, NOW_MS + 3_600_000) == first
    meter.misbehave(NO_FAULT, NOW_MS + 3_600_000)
    assert read_counter(meter, NOW_MS + 3_600_001) > first


def test_every_shipped_modbus_profile_has_a_simulated_device():
    shipped = [load_profile(name) for name in profile_ids()]
    assert {profile.id for profile in shipped if isinstance(profile, ModbusProfile)} <= MODELS.keys() | MODULES.keys()


def test_a_misspelt_model_is_told_the_nearest():
    assert "eastron/sdm630" in unknown_model("eastron/sdm639", MODELS)
    assert "acrel/adl400" in unknown_model("adl400", MODELS)
