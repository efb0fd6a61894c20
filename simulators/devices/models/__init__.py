"""The meter models that are simulated. Register tables (CSV beside this file) are copied from the data sheets."""

from __future__ import annotations

from pathlib import Path

from simulators.devices.registers import RegisterMap, load_fields

_HERE = Path(__file__).parent
_NO_VALUE = {
    "uint16": (0xFFFF,),
    "uint32": (0xFFFF,) * 2,
    "uint64": (0xFFFF,) * 4,
    "int16": (0x7FFF,),
    "int32": (0x7FFF, 0xFFFF),
    "int64": (0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF),
}

EASTRON_SDM630 = RegisterMap(
    profile="eastron/sdm630",
    fields=load_fields(_HERE / "eastron_sdm630.csv"),
    read_max=80,
    even_only=True,
    identity={(3, 0xFC02): (0x70,), (3, 0xFC00): (0x0012, 0xD687)},
)
EASTRON_SDM120 = RegisterMap(
    profile="eastron/sdm120",
    fields=load_fields(_HERE / "eastron_sdm120.csv"),
    read_max=80,
    even_only=True,
    identity={(3, 0xFC02): (0x20,), (3, 0xFC00): (0x0013, 0x12D0), (3, 0xFC03): (0x0204,)},
)
# Low word first; an unlisted address is refused; the model code answers only to a read of exactly that register.
CARLO_GAVAZZI_EM340 = RegisterMap(
    profile="carlo-gavazzi/em340",
    fields=load_fields(_HERE / "carlo_gavazzi_em340.csv"),
    functions=(3, 4),
    low_word_first=True,
    gaps_read_zero=False,
    read_max=50,
    identity={(3, 0x000B): (341,), (4, 0x000B): (341,)},
)
# A quantity the variant does not measure answers with all ones (signed: 0x7FFF...), which is no error on the wire.
ABB_B23 = RegisterMap(
    profile="abb/b23",
    fields=load_fields(_HERE / "abb_b23.csv"),
    functions=(3,),
    gaps_read_zero=False,
    no_value=_NO_VALUE,
    identity={(3, 0x8960): (0x4232, 0x3320), (3, 0x8900): (0x000A, 0x4CB8)},
)

MODELS: dict[str, RegisterMap] = {
    model.profile: model for model in (EASTRON_SDM630, EASTRON_SDM120, CARLO_GAVAZZI_EM340, ABB_B23)
}
