"""Changes of keys in site files: only the lines that are meant change, and what cannot be said so is refused."""

import contextlib
import difflib

import pytest

from cloud.site_files.patch import patched, read_patch
from protocols.errors import BadRollout

FILE = """# plant room
[gateway]
site = "east"  # the old wing
id = "b3"

[buffer]
flush_every = "1 s"  # batches

[[bus]]
name = "line"
kind = "modbus-tcp"

[[device]]
id = "meter-1"
every = "10 s"
points = [
  "a",  # first
  "b",
]

[[device]]
id = "meter-2"
[device.remote.relay_1]
actions = ["on"]
max = 5
"""


def changed(*lines: str) -> list[str]:
    """The lines that went and came."""
    found = difflib.ndiff(FILE.splitlines(), patched(FILE, read_patch(lines)).splitlines())
    return [line for line in found if line[0] in "+-"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (
            'set buffer.flush_every = "5 s"',
            ['- flush_every = "1 s"  # batches', '+ flush_every = "5 s"  # batches'],
        ),
        ('set device[meter-1].every = "20 s"', ['- every = "10 s"', '+ every = "20 s"']),
        ('set device[meter-2].every = "20 s"', ['+ every = "20 s"']),
        ('set device[meter-2].remote.relay_1.max = 4', ["- max = 5", "+ max = 4"]),
        ('set bus[line].timeout = "1 s"', ['+ timeout = "1 s"']),
        ("set defaults.max_silence = 9", ["+ ", "+ [defaults]", "+ max_silence = 9"]),
        ('set device[meter-1].points = ["c"]',
         ["- points = [", '-   "a",  # first', '-   "b",', "- ]", '+ points = ["c"]']),
        ("unset device[meter-1].points", ["- points = [", '-   "a",  # first', '-   "b",', "- ]"]),
        ('unset device[*].every', ['- every = "10 s"']),
        ("unset uplink.window", []),
        ('set buffer.flush_every = "1 s"', []),
    ],
)  # fmt: skip
def test_only_the_lines_that_are_meant_change(line: str, wanted: list[str]) -> None:
    assert sorted(changed(line)) == sorted(wanted)


def test_all_of_an_array_are_changed_and_several_lines_follow_each_other() -> None:
    assert changed('set device[*].every = "7 s"', 'set buffer.flush_every = "2 s"') == [
        '- flush_every = "1 s"  # batches',
        '+ flush_every = "2 s"  # batches',
        '- every = "10 s"',
        '+ every = "7 s"',
        '+ every = "7 s"',
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("buffer.flush_every = 5", "line 1: 'buffer.flush_every = 5' is no change; write set "),
        ("set buffer.flush_every = 5 s", "is no value of TOML"),
        ('set buffer.flush_every = 1\nx = 2', "is no value of TOML"),
        ("set x.device[*] = 1", "ends on a table"),
        ("set buffer.flush_every", "is no change"),
        ("unset buffer.flush_every = 1", "is no change"),
        ("set flush_every = 1", "is no change"),
        ("set x." + "y" * 600 + " = 1", "is no change"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_change_is_refused_with_what_would_be_right(line: str, said: str) -> None:
    with pytest.raises(BadRollout) as refused:
        read_patch([line])
    assert refused.value.reason == "bad_patch"
    assert said in refused.value.detail


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("set device[meter-9].every = 1", "the file has no device 'meter-9'"),
        ("set device.every = 1", "device is an array: name one as name[id], all as name[*]"),
        ("set gateway.site.x = 1", "gateway.site is no table"),
        ("set device[meter-2].remote.relay_9.max = 1", "relay_9 is no table"),
    ],
)
def test_what_the_file_does_not_have_is_named(line: str, said: str) -> None:
    with pytest.raises(BadRollout) as refused:
        changed(line)
    assert said in refused.value.detail


def test_a_file_written_in_another_way_is_left_alone() -> None:
    inline = 'buffer = { flush_every = "1 s", path = "x" }\n'
    with pytest.raises(BadRollout, match="send whole files"):
        patched(inline, read_patch(['set buffer.flush_every = "5 s"']))
    text = 'note = """\n[buffer]\nflush_every = "9 s"\n"""\n[buffer]\nflush_every = "1 s"\n'
    assert patched(text, read_patch(['set buffer.flush_every = "5 s"'])) == text.replace('"1 s"', '"5 s"')


def test_a_patch_has_a_bound() -> None:
    with pytest.raises(BadRollout, match="51 lines"):
        read_patch(["set a.b = 1"] * 51)


def test_a_file_that_is_nested_deeply_is_changed_or_refused_and_nothing_else() -> None:
    for depth in range(100, 1000, 60):
        text = "[buffer]\nx = " + "[" * depth + "]" * depth + "\n"
        with contextlib.suppress(BadRollout):
            assert "y = 1" in patched(text, read_patch(["set buffer.y = 1"]))
