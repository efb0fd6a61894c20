"""Is the gateway that was just started a good one?"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from edge.health import reasons
from tests.edge.mosquitto import mosquitto
from tests.edge.one_snapshot import snapshot
from tests.edge.test_gateway import gateway, site_file


def test_each_thing_that_is_wrong_is_said() -> None:
    assert reasons(snapshot(), needs_link=True) == []
    assert "no gateway answers" in reasons(None, needs_link=False)[0]
    assert "buffer" in reasons(snapshot(report={"buffer_error": "I/O error"}), needs_link=False)[0]
    assert "has run for 2 s" in reasons(snapshot(report={"uptime_s": 2.0}), needs_link=False)[0]
    assert "none of its devices" in reasons(snapshot(device={"polls": 0}), needs_link=False)[0]
    assert reasons(snapshot(session_state="backing_off"), needs_link=False) == []
    assert "not online" in reasons(snapshot(session_state="backing_off"), needs_link=True)[0]


async def health(site: Path, *options: str) -> tuple[int, dict]:
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edge.cli", "health", str(site), "--json", *options), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asking.communicate()
    assert asking.returncode is not None
    return asking.returncode, json.loads(said)


async def test_the_command_waits_for_a_real_gateway_and_tells_a_missing_one(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        site = site_file(tmp_path, broker.port)
        code, told = await health(site, "--within", "0s")
        assert code == 1
        assert told["reasons"] == ["no gateway answers on the status socket"]
        async with gateway(site) as process:
            code, told = await health(site, "--within", "60s", "--online")
            assert (code, told["healthy"], told["pid"], told["online"]) == (0, True, process.pid, True)
