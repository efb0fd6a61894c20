"""``dayuan-cloud tracker`` as typed."""

import asyncio
import json
from pathlib import Path

import pytest

from cloud.registry.database import Database
from cloud.registry.inventory import Inventory
from cloud.store.contract import GatewayKey
from protocols.birth import Birth, DeviceBirth
from protocols.clock import SystemClock
from tests.cloud.test_cli import data, run

__all__ = ["data"]


def test_a_tracker_is_made_listed_and_ended_and_its_token_is_told_once(
    capsys: pytest.CaptureFixture[str], data: str
) -> None:
    code, out, _ = run(capsys, "tracker", "add", "east/phone-1", "--name", "王敏的手机", "--data", data, "--json")
    made = json.loads(out)
    assert (code, made["tracker"], made["name"]) == (0, "east/phone-1", "王敏的手机")
    assert made["token"].startswith("dayuan_")
    assert "no gateway of a site" in made["warning"]
    code, _, err = run(capsys, "tracker", "add", "east/phone-1", "--data", data)
    assert (code, f"dayuan-cloud tracker revoke {made['id']}" in err) == (1, True)
    _, out, _ = run(capsys, "tracker", "list", "--data", data, "--json")
    assert made["token"] not in out
    assert json.loads(out) == [
        {"id": made["id"], "tracker": "east/phone-1", "name": "王敏的手机", "last_used": None, "revoked": None}
    ]
    assert run(capsys, "tracker", "revoke", made["id"], "--data", data)[0] == 0
    assert run(capsys, "tracker", "add", "east/phone-1", "--data", data)[0] == 0, "a new phone under the old id"


@pytest.mark.parametrize("about", ["phone-1", "east/", "East/phone", "east/phone/1", "east/" + "x" * 40])
def test_what_names_no_device_is_refused(capsys: pytest.CaptureFixture[str], data: str, about: str) -> None:
    code, _, err = run(capsys, "tracker", "add", about, "--data", data)
    assert (code, "SITE/DEVICE" in err) == (1, True)


def test_a_tracker_takes_no_device_away_from_a_gateway(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    async def announce() -> None:
        database = Database(tmp_path / "registry.sqlite", SystemClock())
        await database.open()
        device = DeviceBirth("tracker-1", "", "vehicle", "", "", 0.0, 0.0)
        birth = Birth(
            site="east", gateway="b3", name="", site_name="", time_zone="", software="", config_hash="", session=1,
            started_at=1, devices=[device],
        )  # fmt: skip
        await Inventory(database).born(GatewayKey("east", "b3"), birth, 1)
        await database.close()

    asyncio.run(announce())
    code, _, err = run(capsys, "tracker", "add", "east/tracker-1", "--data", str(tmp_path))
    assert (code, "device of the gateway b3" in err) == (1, True)


def test_only_a_tracker_is_revoked_as_one(capsys: pytest.CaptureFixture[str], data: str) -> None:
    _, out, _ = run(capsys, "token", "add", "grafana", "--data", data, "--json")
    code, _, err = run(capsys, "tracker", "revoke", json.loads(out)["id"], "--data", data)
    assert (code, "no tracker" in err) == (1, True)
