"""The demo's doors: site files that a gateway takes, people that a collector takes."""

import random
import tomllib
from datetime import date
from pathlib import Path

from edge.settings import load_site
from simulators.door_people import HOLDERS, LOST, PERMISSIONS, as_toml
from simulators.east_compound import GATE, PLANT, east_compound
from simulators.hardware import LineAddress
from simulators.site_files import gateway_site_file
from simulators.told_matching import card_key
from simulators.wires.mqtt import BrokerAccount
from simulators.world.people import make_people

SECRET = bytes(32)


def site_of(folder: Path, gateway: str) -> Path:
    scenario = east_compound(people=True)
    plan = next(each for each in scenario.gateway if each.id == gateway)
    (folder / "password").write_text("x")
    (folder / "card.key").write_text(SECRET.hex())
    lines = {
        each.name: LineAddress(each.kind, host="127.0.0.1", port=1502 + number)
        if each.kind == "modbus-tcp"
        else LineAddress(each.kind, path=str(folder / each.name), baud=9600)
        for number, each in enumerate(scenario.line)
    }
    account = BrokerAccount(
        host="127.0.0.1", port=1883, username=f"gateway-{gateway}", password_file=folder / "password"
    )
    text = gateway_site_file(
        scenario, plan, lines=lines, account=account, folder=folder, card_key_file=folder / "card.key"
    )
    path = folder / f"{gateway}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_door_of_the_demo_is_decided_by_its_gateway_and_opened_by_a_relay_of_its_own(tmp_path):
    found = {}
    for gateway in (PLANT, GATE):
        site = load_site(site_of(tmp_path, gateway))
        found |= {door.id: door for door in site.doors}
        remote = {(device.id, point) for device in site.devices for point in device.remote}
        assert {(door.strike.device, door.strike.point) for door in site.doors} == remote
    assert len(found) == 12
    server = found["b3-server-door"]
    assert (server.reader_out, server.zone_in, server.zone_out) == (("b3-server-exit",), "server-room", "outside")
    assert {door.id for door in found.values() if door.lock == "fail-safe"} == {
        "b1-lobby-door",
        "b2-lobby-door",
        "b3-lobby-door",
    }


def test_some_sixty_people_have_cards_and_a_few_of_them_no_more():
    people = make_people(random.Random("1:people"), 80)
    today = date(2026, 11, 23)
    text = as_toml(people, lambda card: card_key(SECRET, card), seed=1, today=today)
    tables = tomllib.loads(text)
    holders = {each["id"]: each for each in tables["holder"]}
    assert len([name for name in holders if name.startswith("h-")]) == HOLDERS
    assert [each["until"] for each in holders.values() if "until" in each] == ["2026-11-22"]
    assert [each["id"] for each in holders.values() if each.get("disabled")] == ["h-060"]
    assert [each["holder"] for each in tables["credential"] if "blocked" in each] == [f"h-{LOST + 1:03d}"]
    cards = [each["id"] for each in tables["credential"]]
    assert len(set(cards)) == len(cards) == len(holders)
    assert not any(each.card.lower() in text.lower() for each in people), "numbers of cards stand in no file"
    assert len(tables["permission"]) == len(PERMISSIONS)
    known = {each["id"] for kind in ("group", "door_group", "schedule") for each in tables[kind]}
    assert {each["group"] for each in tables["permission"]} <= known
    assert {each["schedule"] for each in tables["permission"] if "schedule" in each} <= known
