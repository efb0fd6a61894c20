"""The reference pages in docs/ say what the code says, and the code says something of everything."""

import re

import pytest

from protocols.modbus.profile import ModbusFile
from protocols.mqtt.profile import MqttFile
from tests.architecture.reference import PAGES
from tests.architecture.reference_api import document, operations
from tests.architecture.reference_commands import COMMANDS, every_parser, options, parser_of, spelling
from tests.architecture.reference_settings import FILES, root_of, tables
from tests.architecture.reference_wire import inner_structs
from tests.architecture.source import ROOT, nothing
from tests.architecture.structs import fields, is_struct


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    path = ROOT / name
    assert path.is_file(), f"{name} is missing: run `make docs`"
    written, wanted = path.read_text("utf-8").splitlines(), PAGES[name]().splitlines()
    other = next((pair for pair in zip(written, wanted, strict=False) if pair[0] != pair[1]), None)
    assert other is None, f"{name} says\n  {other[0]}\nand the code\n  {other[1]}\nRun `make docs`."
    assert len(written) == len(wanted), f"{name} is not what the code says: run `make docs`"


@pytest.mark.parametrize(("program", "module", "struct"), [(row[0], row[2], row[3]) for row in FILES])
def test_every_setting_says_what_it_means(program: str, module: str, struct: str) -> None:
    found = [
        f"{program} {heading} {name}"
        for heading, _, inner in tables(root_of(module, struct))
        for name, hint, _, note in fields(inner)
        if not note and not is_struct(hint)
    ]
    nothing(found, f"a comment or docstring beside each key in {module}:")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_does(command: str) -> None:
    found = [
        f"{name} {spelling(action)}"
        for name, parser in every_parser(command, parser_of(command))
        for action in options(parser)
        if not action.help
    ]
    nothing(found, "help= of:")


def test_every_route_says_what_it_does_and_shows_an_example() -> None:
    found = []
    for method, path, operation in operations(document()):
        if not operation.get("description"):
            found.append(f"{method} {path}: no description")
        if not operation.get("tags"):
            found.append(f"{method} {path}: no tag")
    nothing(found, "routes:")


@pytest.mark.parametrize(
    ("root", "readme"),
    [(ModbusFile, "protocols/profiles/README.md"), (MqttFile, "protocols/mqtt/PROFILES.md")],
    ids=["modbus", "mqtt"],
)
def test_every_key_of_a_profile_is_described(root: type, readme: str) -> None:
    """Whoever writes a profile for a new model needs no code, and so must find each key in words."""
    text = (ROOT / readme).read_text("utf-8") + (ROOT / "protocols/profiles/README.md").read_text("utf-8")
    said = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", text))))
    found = [
        f"{struct.__name__}.{name}" for struct in inner_structs(root) for name, *_ in fields(struct) if name not in said
    ]
    nothing(found, f"not in {readme}:")
