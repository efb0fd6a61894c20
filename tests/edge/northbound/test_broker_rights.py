"""The rights that the two pages give a gateway on mosquitto are enough, and nobody has to give more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.mosquitto import mosquitto
from tests.edge.northbound import home_assistant_rules
from tests.edge.northbound.house import POWER, House, running, table
from tests.edge.northbound.listener import listening
from tests.edge.northbound.sparkplug_watch import NODE, heard, rebirth_command, state
from tests.waiting import until

DOCS = Path(__file__).parents[3] / "docs"


def rights(page: str, user: str) -> str:
    """The access list of a page, for the site of these tests; whoever has no name may do everything."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    start = lines.index(f"    user {user}")
    block = []
    for line in lines[start:]:
        if not line.startswith("    "):
            break
        block.append(line.strip().replace("east-compound", "east").replace("b3-plant-room", "b3"))
    return "\n".join(["topic readwrite #", "", *block, ""])


@pytest.mark.parametrize("page", ["SPARKPLUG.md", "SPARKPLUG.zh-CN.md"])
async def test_the_rights_for_sparkplug(tmp_path: Path, page: str) -> None:
    (tmp_path / "acl").write_text(rights(page, "b3-plant-room"), encoding="utf-8")
    with mosquitto(tmp_path, f"acl_file {tmp_path / 'acl'}") as broker:
        house = House(tmp_path, table("sparkplug", broker.url, 'username = "b3"\nprimary_host = "scada"'))
        house.states["meter"] = "ok"
        node = house.sparkplug()
        async with listening(broker.url, "spBv1.0/#") as host:
            await host.say("spBv1.0/STATE/scada", state(True, 1), qos=1, retain=True)
            async with running(node):
                await until(lambda: heard(host, "DBIRTH"), 15)
                node.take([house.reading("meter", POWER, 1.0)])
                await until(lambda: heard(host, "DDATA"), 15)
                await host.say(NODE.format("NCMD"), rebirth_command())
                await until(lambda: len(heard(host, "NBIRTH")) == 2, 15)
                house.states["meter"] = "lost"
                await until(lambda: heard(host, "DDEATH") and heard(host, "NDATA"), 15)
            await until(lambda: heard(host, "NDEATH"), 15)


@pytest.mark.parametrize("page", ["HOME_ASSISTANT.md", "HOME_ASSISTANT.zh-CN.md"])
async def test_the_rights_for_home_assistant(tmp_path: Path, page: str) -> None:
    (tmp_path / "acl").write_text(rights(page, "dayuan").replace("user dayuan", "user b3"), encoding="utf-8")
    with mosquitto(tmp_path, f"acl_file {tmp_path / 'acl'}") as broker:
        house = House(tmp_path, table("home_assistant", broker.url, 'username = "b3"'))
        house.states["meter"] = "ok"
        home = house.home()
        async with listening(broker.url, "homeassistant/#", "dayuan-home/#") as hass:
            old = home_assistant_rules.declaration_of("gone", gateway="gateway_b3")
            await hass.say("homeassistant/device/dayuan_east/gone/config", old, qos=1, retain=True)
            async with running(home):
                await until(lambda: hass.on("dayuan_east/meter/config"), 15)
                await until(lambda: hass.on("dayuan_east/gone/config")[-1].payload == b"", 15)
                home.take([house.reading("meter", POWER, 1.0)])
                await until(lambda: hass.on(f"dayuan-home/east/meter/{POWER}"), 15)
                declared = len(hass.on("dayuan_east/meter/config"))
                await hass.say("homeassistant/status", "online")
                await until(lambda: len(hass.on("dayuan_east/meter/config")) > declared, 15)
            await until(lambda: hass.on("gateway_b3/available")[-1].payload == b"offline", 15)
