"""Structures as files: what is written out comes back as it was, and what is wrong is named with its line."""

from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl import Workbook

from cloud.energy.contract import Register
from cloud.energy.structure import Meter, Space, Structure, Unit, flaws
from cloud.energy.structure_import import write_structure
from cloud.energy.structure_plan import merged, read_structure

WHOLE = Structure(
    spaces=(
        Space(id="east", kind="site", name="East"),
        Space(id="b3", kind="building", name="三号楼", parent="east", area_m2=Decimal("8200.5"), people=310),
    ),
    units=(Unit(id="office", name="=SUM(A1)", people=12),),
    meters=(
        Meter(
            id="main", name="Main", role="main", space="b3", device="d1", point="p",
            register=Register(resolution=Decimal("0.001"), modulus=Decimal(1_000_000), rated=Decimal(400), jitter=5),
        ),
        Meter(id="check", name="Check", role="check", parent="main", device="d2", point="p", counted=False),
        Meter(id="water", name="Water", medium="water", reads="manual", two_person=True, accuracy=Decimal("0.5")),
        Meter(id="rest", name="Rest", role="virtual", reads="virtual", expression="-0.5 * ([main] - [check])"),
    ),
)  # fmt: skip


def xlsx(**sheets: list[list[object]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("form", ["toml", "csv", "xlsx"])
def test_what_is_written_out_comes_back_as_it_was(form: str) -> None:
    assert flaws(WHOLE) == []
    plan = read_structure(write_structure(WHOLE, form), form)
    assert plan.faults == []
    assert merged(plan, Structure(), remove=True) == WHOLE


def faults(text: str, form: str = "toml", before: Structure = WHOLE) -> list[tuple[int, str, str]]:
    plan = read_structure(text.encode(), form)
    if not plan.faults:
        plan.check(merged(plan, before, remove=False))
    return [(each.line, each.key, each.message) for each in plan.faults]


def test_every_fault_of_a_file_is_named_with_its_line_and_what_would_be_right() -> None:
    text = """
[[space]]
id = "b4"
kind = "tower"
[[meter]]
id = "B 4"
[[meter]]
id = "m1"
devise = "d1"
register = { rated = "much", resolution = 0.1 }
counted = "perhaps"
[[meter]]
id = "m1"
[[metre]]
"""
    found = {(line, key): message for line, key, message in faults(text)}
    assert "site, building, floor, circuit" in found[4, "space[0].kind"]
    assert "[a-z0-9]" in found[6, "meter[0].id"] or "id" in found[6, "meter[0].id"]
    assert "did you mean 'device'?" in found[9, "meter[1].devise"]
    assert found[10, "meter[1].register.rated"] == "'much' is not a number"
    assert found[11, "meter[1].counted"] == "'perhaps' is not true or false"
    assert "did you mean 'meter'?" in found[14, "metre"]


def test_what_does_not_fit_together_is_named_where_it_stands() -> None:
    text = "thing,id,space,device,point,item\nmeter,m1,b9,d1,p,A1\nmeter,m2,b3,d1,p,Z9\n"
    assert [(line, key) for line, key, _ in faults(text, "csv")] == [(2, "meter:m1.space"), (3, "meter:m2.item")]
    above = "thing;id;parent;kind\nspace;b3;b5;building\nspace;b5;b3;building"
    assert {(line, message) for line, _, message in faults(above, "csv")} == {
        (2, "is below itself"),
        (3, "is below itself"),
    }
    gone = '[[meter]]\nid = "main"\nmedium = "water"\ndevice = "d1"\npoint = "p"'
    [(line, key, message), *_] = faults(gone)
    assert (line, key) == (0, "meter:check.parent")
    assert "at the site, not in the file" in message


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "column is missing"),
        ("thing,id,colour\nmeter,m,red\n", 1, "unknown column"),
        ("thing,id,id\n", 1, "twice"),
        ("thing,id\nmeter,m,x\n", 2, "3 cells, but 2 columns"),
        ("thing,id\nengine,m\n", 2, "none of space, unit, meter"),
        ('thing,id\nmeter,"m\n', 2, "no CSV"),
        ("thing,id\nspace,s\n", 2, "missing; one of site, building"),
    ],
)
def test_a_table_that_is_none_is_refused(text: str, line: int, says: str) -> None:
    found = faults(text, "csv")
    assert found[0][0] == line
    assert says in found[0][2]


def test_sheets_of_a_workbook_are_taken_by_their_names() -> None:
    data = xlsx(
        表计=[
            ["id", "name", "medium", "reads", None],
            ["w1", "总表", "water", "manual"],
            [None],
            ["w2", None, "water", "x"],
        ],
        Units=[["id", "people"], ["office", 12.0]],
        Notes=[["thing", "id", "kind"], ["space", "b1", "building"]],
    )
    plan = read_structure(data, "xlsx")
    assert [(each.line, each.key) for each in plan.faults] == [(4, "meter:w2.reads")]
    assert set(plan.things) == {("meter", "w1"), ("unit", "office"), ("space", "b1")}
    assert plan.things["unit", "office"][0].people == 12
    odd = read_structure(xlsx(Sheet1=[["id"], ["x"]]), "xlsx")
    assert "sheet 'Sheet1'" in odd.faults[0].message


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04" + b"\0" * 50, b"no file", xlsx(a=[[1]])[:900]])
def test_a_damaged_workbook_is_refused(data: bytes) -> None:
    plan = read_structure(data, "xlsx")
    assert plan.faults or not plan.things


def test_a_table_from_chinese_excel_is_read() -> None:
    plan = read_structure("thing,id,name,kind,area_m2\nspace,b3,三号楼,building,1200\n".encode("gbk"), "csv")
    assert plan.faults == []
    assert plan.things["space", "b3"][0].name == "三号楼"


def test_text_of_no_known_encoding_is_named_with_its_line() -> None:
    [fault] = read_structure("[[meter]]\nname = 'Büro'".encode("latin-1"), "toml").faults
    assert (fault.line, "UTF-8" in fault.message) == (2, True)
