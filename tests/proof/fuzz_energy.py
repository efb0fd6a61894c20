"""What people give energy: expressions, structures as TOML, CSV and XLSX, records of meters, areas and quotas."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import msgspec

from cloud.energy.contract import EnergyFault, Recorded, Register
from cloud.energy.eras import Eras
from cloud.energy.expression import ExpressionFault, parse
from cloud.energy.structure import Structure, flaws
from cloud.energy.structure_import import write_structure
from cloud.energy.structure_plan import merged, read_structure
from cloud.tariffs.basis import Basis, faults
from protocols.errors import BadPayload
from tests.proof.api_bodies import BASIS, STRUCTURE
from tests.proof.fuzz_console import deep_json, refusing
from tests.proof.fuzz_engine import Target
from tests.proof.fuzz_files import DEEP, WIDE
from tests.proof.mutate import change_bytes, change_json, change_toml

KNOWN = msgspec.convert(STRUCTURE, Structure)
EXPRESSIONS = [
    b"[b3-main] - [b3-hvac] - 0.5 * [b3-shared]",
    b"([a] + [b]) / 2 - (3 * ([c] - [a]))",
    b"-(-[a]) * 0.333333",
    "[a] × 2 ÷ 3".encode(),
    b"(" * 60 + b"[a]" + b")" * 60,
    b"[a]" + b"+[b]" * 240,
    b"[a]*" + b"9" * 13,
    b"[a]/" + b"/".join([b"999999999999"] * 60),
    b"-" * 900 + b"[a]",
    b"[a] - [a]",
]
RECORDS = [
    {"type": "replaced", "at": 1790006400000, "final": "81233.51", "initial": "0.00", "register": {"rated": "100"}},
    {"type": "ratio", "at": 1790006400000, "ct": "40", "pt": "1"},
    {"type": "hand_read", "at": 1790006400000, "reading": "4711.3"},
    {"type": "confirmed", "since": 1790006400000, "until": 1790006460000},
    {"type": "struck", "since": 1790006400000, "until": 1790006460000},
]


def energy_targets() -> list[Target]:
    """Each refuses with what it says of the input, or takes it and uses it once."""
    bad = (BadPayload,)
    files = {form: write_structure(KNOWN, form) for form in ("toml", "csv", "xlsx")}
    tables = [files["csv"], files["csv"].replace(b",", b"\t"), b'thing,id\n"' + b"a\n" * 100_000, b"," * 100_000]
    books = [files["xlsx"], files["xlsx"][:500], b"PK\x03\x04" + b"\0" * 1000, b""]
    records = [*(json.dumps(each).encode() for each in RECORDS), *deep_json()]
    toml = [files["toml"], *DEEP, WIDE[0], *WIDE[3:]]
    return [
        Target("expression", EXPRESSIONS, change_bytes, use_expression, (ExpressionFault, UnicodeDecodeError)),
        Target("structure as TOML", toml, change_toml, refusing(use_toml), bad, share=0.05, slow_s=0.6),
        Target("structure as CSV", tables, change_bytes, refusing(use_csv), bad, share=0.3, slow_s=0.3),
        Target("structure as XLSX", books, change_bytes, refusing(use_xlsx), bad, share=0.1, slow_s=0.6),
        Target("record of a meter", records, change_json, refusing(use_record), bad, share=0.5),
        Target(
            "areas and quotas",
            [json.dumps(BASIS).encode(), *deep_json()],
            change_json,
            refusing(use_basis),
            bad,
            share=0.3,
        ),
    ]


def use_expression(data: bytes) -> str:
    """What is taken weighs meters by fractions, and means the same when it is spelled as a sum."""
    linear = parse(data.decode("utf-8"))
    assert all(isinstance(weight, Fraction) and weight for weight in linear.values())
    sizes = [max(abs(weight.numerator), weight.denominator).bit_length() for weight in linear.values()]
    assert max(sizes, default=0) < 60_000, "numbers without end"
    if linear and all(weight.denominator < 10**12 and abs(weight.numerator) < 10**12 for weight in linear.values()):
        spelled = " + ".join(
            f"{'' if weight > 0 else '0 - '}{abs(weight.numerator)} * [{meter}] / {weight.denominator}"
            for meter, weight in linear.items()
            if weight > 0
        )
        if spelled and len(spelled) < 1000:
            assert parse(spelled) == {meter: weight for meter, weight in linear.items() if weight > 0}
    return f"{min(len(linear), 3)} {any(weight < 0 for weight in linear.values())}"


def use_toml(data: bytes) -> str:
    return use_structure(data, "toml")


def use_csv(data: bytes) -> str:
    return use_structure(data, "csv")


def use_xlsx(data: bytes) -> str:
    return use_structure(data, "xlsx")


def use_structure(data: bytes, form: str) -> str:
    """Read it as an import does; what is taken comes back from a file as it was."""
    plan = read_structure(data, form)
    wanted = merged(plan, Structure(), remove=True)
    if not plan.faults:
        plan.check(wanted)
    if plan.faults:
        first = plan.faults[0]
        assert all(each.message and each.line >= 0 for each in plan.faults)
        raise BadPayload(first.key.rpartition(".")[2][:20], first.message[:10])
    assert not flaws(wanted)
    back = read_structure(write_structure(wanted, "toml"), "toml")
    assert not back.faults, back.faults[:3]
    assert merged(back, Structure(), remove=True) == wanted
    return f"{min(len(wanted.spaces), 2)} {min(len(wanted.meters), 3)} {bool(wanted.made_of)}"


def use_record(data: bytes) -> str:
    try:
        record = msgspec.json.decode(data, type=Recorded)
        eras = Eras(Register(rated=Decimal(400)), [record])
    except (EnergyFault, RecursionError) as fault:
        raise BadPayload("record", str(fault)[:20]) from None
    return f"{type(record).__name__} {len(eras)}"


def use_basis(data: bytes) -> str:
    basis = msgspec.json.decode(data, type=Basis)
    found = faults(basis, KNOWN)
    if found:
        raise BadPayload("basis", found[0].message[-10:])
    return f"{len(basis.denominators)} {len(basis.quotas)}"
