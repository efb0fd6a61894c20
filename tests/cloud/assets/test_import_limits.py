"""A file that is wrong from end to end is refused soon, with as many faults as somebody reads."""

from cloud.assets.import_csv import COLUMNS_MAX, read_csv
from cloud.assets.import_toml import DAYS_MAX, read_toml
from cloud.assets.site_plan import FACTS_MAX, FAULTS_MAX, UNITS_MAX


def told_toml(text: str) -> list[str]:
    return [f"{fault.key}: {fault.message}" for fault in read_toml(text, "east").faults]


def test_of_a_file_full_of_faults_the_first_thousand_are_told() -> None:
    rows = read_csv("kind,id\n" + "sofa,s\n" * 3 * FAULTS_MAX, "east").faults
    assert len(rows) == FAULTS_MAX
    assert (rows[0].line, rows[-1].line) == (2, FAULTS_MAX + 1)
    assert len(told_toml("[[room]]\n" * 2 * FAULTS_MAX)) == FAULTS_MAX
    assert len(told_toml("\n".join(f"[t{n}]" for n in range(2 * FAULTS_MAX)))) == FAULTS_MAX


def test_a_table_with_too_many_columns_or_a_thing_with_too_many_facts_is_one_fault() -> None:
    wide = ",".join(f"x_{n}" for n in range(100_000))
    (fault,) = read_csv(f"kind,id,{wide}\n", "east").faults
    assert fault.message == f"100002 columns; at most {COLUMNS_MAX}"
    facts = "\n".join(f"f{n} = 1" for n in range(FACTS_MAX + 1))
    assert told_toml(f'[[room]]\nid = "r"\n{facts}\n') == [f"room[0]: {FACTS_MAX + 1} facts; at most {FACTS_MAX}"]


def test_too_many_units_or_days_are_one_fault() -> None:
    units = '[[unit]]\nname = "a"\n' * (UNITS_MAX + 1)
    assert told_toml(units) == [f"unit: {UNITS_MAX + 1} of them; at most {UNITS_MAX}"]
    days = '[[day]]\nday = 2026-10-01\ntype = "holiday"\n' * (DAYS_MAX + 1)
    assert told_toml(days) == [f"day: {DAYS_MAX + 1} of them; at most {DAYS_MAX}"]
