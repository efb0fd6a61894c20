"""The meters: one `RegisterMap` for each model, with the manners its maker gave it.

Where data sheets are silent about a read over unlisted registers, the simulated meter is the stricter one and refuses.
The silence a meter wants on a serial line is a little less than the advice in its papers, which every reader keeps.
"""

from __future__ import annotations

import struct
from decimal import Decimal
from functools import partial
from pathlib import Path

from simulators.devices.registers import (
    READ_HOLDING,
    READ_INPUT,
    Constants,
    Ratio,
    RegisterMap,
    Serial,
    float_words,
    load_fields,
    text_words,
)

_HERE = Path(__file__).parent
_BOTH = (READ_HOLDING, READ_INPUT)
_NAN32, _NAN64 = (0x7FC0, 0), (0x7FF8, 0, 0, 0)
_ALL_ONES = {
    "uint16": (0xFFFF,),
    "uint32": (0xFFFF,) * 2,
    "uint64": (0xFFFF,) * 4,
    "int16": (0x7FFF,),
    "int32": (0x7FFF, 0xFFFF),
    "int64": (0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF),
}
_SCHNEIDER = {
    "float32": (0xFFC0, 0),
    "uint16": (0xFFFF,),
    "int16": (0x8000,),
    "uint32": (0xFFFF, 0xFFFF),
    "int64": (0x8000, 0, 0, 0),
}


def _holding(**texts: tuple[int, str, int]) -> Constants:
    return {(READ_HOLDING, at): text_words(text, registers) for at, text, registers in texts.values()}


# Settings are floats in holding registers; the meter code is one register; version 2.04 is 0x0204.
_EASTRON_SETTINGS: Constants = {
    (READ_HOLDING, 0x0012): float_words(0),
    (READ_HOLDING, 0x0014): float_words(1),
    (READ_HOLDING, 0x001C): float_words(2),
    (READ_HOLDING, 0xFC03): (0x0204,),
}
_eastron = partial(RegisterMap, even_only=True, read_max=60, silence_s=0.05, constants=_EASTRON_SETTINGS)


def _eastron_code(code: int) -> Constants:
    return {**_EASTRON_SETTINGS, (READ_HOLDING, 0xFC02): (code,)}


EASTRON_SDM630 = _eastron(
    profile="eastron/sdm630",
    fields=load_fields(_HERE / "eastron_sdm630.csv"),
    read_max=80,
    constants=_eastron_code(0x70),
    serial=Serial(READ_HOLDING, 0xFC00),
)
EASTRON_SDM120 = _eastron(
    profile="eastron/sdm120",
    fields=load_fields(_HERE / "eastron_sdm120.csv"),
    read_max=80,
    phases=1,
    constants=_eastron_code(0x20),
    serial=Serial(READ_HOLDING, 0xFC00),
)
EASTRON_SDM230 = _eastron(profile="eastron/sdm230", fields=load_fields(_HERE / "eastron_sdm230.csv"), phases=1)
# The first version has no voltages, currents and powers of phases: these registers are there and zero.
EASTRON_SDM72 = _eastron(
    profile="eastron/sdm72d-m",
    fields=load_fields(_HERE / "eastron_sdm72d_m.csv"),
    constants={**_EASTRON_SETTINGS, (READ_INPUT, 0): (0,) * 52},
)
EASTRON_SDM72_V2 = _eastron(
    profile="eastron/sdm72d-m-v2",
    fields=load_fields(_HERE / "eastron_sdm72d_m_v2.csv"),
    constants=_eastron_code(0x89),
    serial=Serial(READ_HOLDING, 0xFC00),
)

# Low word first; an unlisted address is refused; the model code answers only to a read of exactly that register, which
# is otherwise the second half of a voltage.
_carlo_gavazzi = partial(RegisterMap, functions=_BOTH, low_word_first=True, gaps="refuse", silence_s=0.03)


def _model_code(code: int) -> Constants:
    return {(READ_HOLDING, 0x000B): (code,), (READ_INPUT, 0x000B): (code,)}


CARLO_GAVAZZI_EM340 = _carlo_gavazzi(
    profile="carlo-gavazzi/em340",
    fields=load_fields(_HERE / "carlo_gavazzi_em340.csv"),
    read_max=50,
    identity=_model_code(341),
    serial=Serial(READ_HOLDING, 20480, 7, text=True),
)
CARLO_GAVAZZI_EM24 = _carlo_gavazzi(
    profile="carlo-gavazzi/em24",
    fields=load_fields(_HERE / "carlo_gavazzi_em24.csv"),
    read_max=11,
    identity=_model_code(71),
    constants={(READ_HOLDING, 771): (0x0402,)},
    serial=Serial(READ_HOLDING, 4864, 7, text=True),
)
CARLO_GAVAZZI_EM540 = _carlo_gavazzi(
    profile="carlo-gavazzi/em540",
    fields=load_fields(_HERE / "carlo_gavazzi_em540.csv"),
    read_max=50,
    identity=_model_code(1760),
)
# A quantity the variant does not measure answers with all ones (signed: 0x7FFF...), which is no error on the wire.
ABB_B23 = RegisterMap(
    profile="abb/b23",
    fields=load_fields(_HERE / "abb_b23.csv"),
    functions=(READ_HOLDING,),
    gaps="refuse",
    silence_s=0.08,
    no_value=_ALL_ONES,
    constants={(READ_HOLDING, 0x8960): text_words("B23 ", 2), **_holding(firmware=(0x8908, "B1.20.0", 8))},
    serial=Serial(READ_HOLDING, 0x8900),
)
# Secondary-side values; what they must be multiplied with stands in two registers. Delivered for 200:5 A.
_acrel = partial(
    RegisterMap,
    functions=(READ_HOLDING,),
    gaps="refuse",
    read_max=14,
    ratios={"pt": Ratio(141), "ct": Ratio(142, usual=40)},
)
ACREL_ADL400 = _acrel(profile="acrel/adl400", fields=load_fields(_HERE / "acrel_adl400.csv"))
ACREL_DTSD1352 = _acrel(profile="acrel/dtsd1352", fields=load_fields(_HERE / "acrel_dtsd1352.csv"))
# Floats that still need a decimal scale; the voltage ratio is kept times ten.
CHINT_DTSU666 = RegisterMap(
    profile="chint/dtsu666",
    fields=load_fields(_HERE / "chint_dtsu666.csv"),
    functions=(READ_HOLDING,),
    gaps="refuse",
    read_max=16,
    ratios={"ct": Ratio(6, usual=40), "pt": Ratio(7, Decimal("0.1"))},
    constants={(READ_HOLDING, 0): (204,), (READ_HOLDING, 11): (0,), (READ_HOLDING, 45): (3, 1)},
)
FINDER_7M38 = RegisterMap(
    profile="finder/7m38",
    fields=load_fields(_HERE / "finder_7m38.csv"),
    gaps="refuse",
    constants={(READ_HOLDING, 202): (33,)},
)
HAGER_ECR380D = RegisterMap(
    profile="hager/ecr380d",
    fields=load_fields(_HERE / "hager_ecr380d.csv"),
    functions=(READ_HOLDING,),
    no_value=_ALL_ONES,
    constants=_holding(
        vendor=(4096, "Hager", 16), code=(4112, "ECR380D", 16), name=(4146, "Meter 3P 80A", 16), model=(4162, "ECR", 16)
    ),
)
JANITZA_UMG96RM = RegisterMap(
    profile="janitza/umg96rm", fields=load_fields(_HERE / "janitza_umg96rm.csv"), functions=_BOTH
)
PHOENIX_EEM = RegisterMap(
    profile="phoenix/eem",
    fields=load_fields(_HERE / "phoenix_eem.csv"),
    functions=(READ_HOLDING,),
    low_word_first=True,
)
_schneider = partial(RegisterMap, functions=(READ_HOLDING,), gaps="refuse", no_value=_SCHNEIDER)
SCHNEIDER_IEM3155 = _schneider(
    profile="schneider/iem3155",
    fields=load_fields(_HERE / "schneider_iem3155.csv"),
    constants=_holding(model=(49, "iEM3155", 20), vendor=(69, "Schneider Electric", 20)),
    serial=Serial(READ_HOLDING, 129),
)
SCHNEIDER_PM5110 = _schneider(
    profile="schneider/pm5110",
    fields=load_fields(_HERE / "schneider_pm5110.csv"),
    constants={
        **_holding(name=(29, "Incomer", 20), model=(49, "PM5110", 20), vendor=(69, "Schneider Electric", 20)),
        (READ_HOLDING, 89): (15270,),
    },
    serial=Serial(READ_HOLDING, 129),
)
# Energies stand per tariff; the total is their sum, and no register holds it.
SIEMENS_PAC3200 = RegisterMap(
    profile="siemens/pac3200",
    fields=load_fields(_HERE / "siemens_pac3200.csv"),
    functions=_BOTH,
    gaps="whole",
    no_value={"float32": _NAN32, "float64": _NAN64},
    sums={
        f"{energy}_total": (f"{energy}_tariff1", f"{energy}_tariff2")
        for energy in (
            "active_energy_import",
            "active_energy_export",
            "reactive_energy_import",
            "reactive_energy_export",
            "apparent_energy",
        )
    },
)
# The maker's name has one character in each register.
SOCOMEC_COUNTIS = RegisterMap(
    profile="socomec/countis-e",
    fields=load_fields(_HERE / "socomec_countis_e.csv"),
    functions=(READ_HOLDING,),
    no_value={"uint32": (0xFFFF, 0xFFFF)},
    constants={
        (READ_HOLDING, 50000): (*struct.unpack("4B", b"SOCO"), 100),
        **_holding(model=(50058, "Countis E34", 8)),
    },
)

METERS: tuple[RegisterMap, ...] = (
    EASTRON_SDM630,
    EASTRON_SDM120,
    EASTRON_SDM230,
    EASTRON_SDM72,
    EASTRON_SDM72_V2,
    CARLO_GAVAZZI_EM340,
    CARLO_GAVAZZI_EM24,
    CARLO_GAVAZZI_EM540,
    ABB_B23,
    ACREL_ADL400,
    ACREL_DTSD1352,
    CHINT_DTSU666,
    FINDER_7M38,
    HAGER_ECR380D,
    JANITZA_UMG96RM,
    PHOENIX_EEM,
    SCHNEIDER_IEM3155,
    SCHNEIDER_PM5110,
    SIEMENS_PAC3200,
    SOCOMEC_COUNTIS,
)
