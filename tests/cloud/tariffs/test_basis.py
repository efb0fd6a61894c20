"""What amounts are divided by: with validity, and nothing where it is not known throughout."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from cloud.energy.structure import Space, Structure, Unit
from cloud.tariffs.basis import Basis, Denominator, Quota, divisor, faults

STRUCTURE = Structure(
    spaces=(
        Space(id="b3", kind="building", name="B3", area_m2=Decimal(8200)),
        Space(id="b4", kind="building", name="B4"),
    ),
    units=(Unit(id="office", name="Office", people=12),),
)
YEAR = date(2026, 1, 1), date(2027, 1, 1)


def area(value: int, since: str, until: str | None = None, of: str = "space:b4", **other: object) -> dict[str, object]:
    return {"of": of, "what": "area_m2", "value": value, "from": since, "until": until, "source": "a deed", **other}


def basis(*rows: dict[str, object]) -> Basis:
    return msgspec.convert({"denominators": rows}, Basis)


def test_a_number_that_changed_within_the_period_is_its_mean_by_days() -> None:
    known = basis(area(1000, "2020-01-01"), area(2000, "2026-07-02"))
    found = divisor(known, STRUCTURE, "space:b4", "area_m2", *YEAR)
    assert (found.value, found.note) == (Decimal("1501.3699"), "the mean over the period")
    half = divisor(known, STRUCTURE, "space:b4", "area_m2", date(2026, 8, 1), date(2026, 9, 1))
    assert (half.value, half.source, half.note) == (Decimal(2000), "a deed", "")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([area(1000, "2026-02-01")], "of 2026-01-01 was not entered"),
        ([area(1000, "2020-01-01", "2026-06-01")], "of 2026-06-01 was not entered"),
        ([area(1, "2020-01-01", "2026-03-01"), area(2, "2026-04-01")], "of 2026-03-01 was not entered"),
        ([], "was not entered"),
    ],
)
def test_a_number_that_is_not_known_throughout_is_none(rows: list[dict[str, object]], says: str) -> None:
    found = divisor(basis(*rows), STRUCTURE, "space:b4", "area_m2", *YEAR)
    assert found.value is None
    assert says in found.note


def test_what_the_structure_says_holds_when_nothing_else_was_entered() -> None:
    assert divisor(Basis(), STRUCTURE, "space:b3", "area_m2", *YEAR).value == 8200
    assert "of no date" in divisor(Basis(), STRUCTURE, "unit:office", "people", *YEAR).note
    assert divisor(Basis(), STRUCTURE, "unit:office", "area_m2", *YEAR).value is None
    assert divisor(Basis(), STRUCTURE, "site", "people", *YEAR).value is None


def test_everything_that_cannot_be_is_named() -> None:
    quota = {"of": "space:b3", "year": 2026, "limit": 5, "source": "a notice"}
    wrong = msgspec.convert(
        {
            "denominators": [
                area(0, "2026-01-01", "2025-01-01"), area(5, "2026-01-01", of="space:b9"),
                area(5, "2026-01-01", "2026-06-01", of="site"), area(6, "2026-05-01", of="site"),
            ],
            "quotas": [quota, quota, {**quota, "limit": "NaN", "year": 2025}],
        },
        Basis,
    )  # fmt: skip
    assert [each.key for each in faults(wrong, STRUCTURE)] == [
        "denominators[0].value", "denominators[0].until", "denominators[1].of", "denominators[3].from",
        "quotas[1].year", "quotas[2].limit",
    ]  # fmt: skip


@pytest.mark.parametrize("odd", [{"source": ""}, {"of": "moon"}, {"what": "volume"}, {"value": "x"}, {"from": "never"}])
def test_what_is_no_basis_is_refused(odd: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        basis({**area(5, "2026-01-01"), **odd})


def test_quotas_and_numbers_come_back_as_they_were() -> None:
    whole = Basis(
        denominators=(Denominator(of="site", what="people", value=Decimal(5), since=YEAR[0], source="a list"),),
        quotas=(Quota(of="site", year=2026, limit=Decimal("1.5"), source="a notice", pace="even"),),
    )
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Basis) == whole
