"""The process as a person starts it: commands, signals, status, damaged and missing things."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from edge import cli
from edge.status import Snapshot
from edge.status_socket import ask, socket_path
from edge.status_table import as_text, size, span
from protocols.status import KeptReport, parse_status
from tests.edge.mosquitto import free_port, mosquitto
from tests.edge.scripted_collector import ScriptedCollector
from tests.waiting import until

SITE = """
[gateway]
site = "east-compound"
id = "b3"

[uplink]
url = "mqtt://127.0.0.1:{broker}"

[buffer]
path = "buffer.db"
flush_every = "0.2 s"

[[bus]]
name = "line-1"
kind = "modbus-tcp"
host = "127.0.0.1"
port = {modbus}
timeout = "0.2 s"

[[device]]
id = "b3-main"
profile = "eastron/sdm630"
bus = "line-1"
unit = 1
every = "1 s"
"""


def site_file(folder: Path, broker: int = 0) -> Path:
    path = folder / "site.toml"
    path.write_text(SITE.format(broker=broker or free_port(), modbus=free_port()), encoding="utf-8")
    return path


@asynccontextmanager
async def gateway(site: Path, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "edge.cli",
        "run",
        str(site),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def snapshot_of(site: Path) -> Snapshot:
    async def asked() -> Snapshot | None:
        return await asyncio.to_thread(ask, site.with_name("buffer.db"))

    return await until(asked, 15.0, "the gateway answers on its status socket")  # type: ignore[return-value]


async def test_it_starts_with_the_broker_and_every_device_away_and_says_so(tmp_path: Path) -> None:
    site = site_file(tmp_path)
    async with gateway(site) as process:
        now = await snapshot_of(site)
        assert now.session_state != "online"
        now = await until_snapshot(site, lambda now: now.report.devices[0].failures > 0 and bool(now.report.link_error))
        assert "refused" in now.report.link_error
        text = as_text(now)
        assert "b3-main" in text
        assert "refused" in text
        assert "the disk has been full" not in text
        full = msgspec.structs.replace(now, report=msgspec.structs.replace(now.report, disk_full_s=420.0))
        assert "the disk has been full for 7 min" in as_text(full)
        assert socket_path(tmp_path / "buffer.db").stat().st_mode & 0o777 == 0o600
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 15) == 0
    assert not socket_path(tmp_path / "buffer.db").exists()


async def until_snapshot(site: Path, wanted) -> Snapshot:  # type: ignore[no-untyped-def]
    async def check() -> Snapshot | None:
        now = await snapshot_of(site)
        return now if wanted(now) else None

    return await until(check, 15.0)  # type: ignore[return-value]


async def test_sigterm_flushes_and_says_goodbye(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        collector = ScriptedCollector(broker.url, "east-compound", "b3")
        await collector.start()
        site = site_file(tmp_path, broker.port)
        async with gateway(site) as process:
            await until(lambda: any(event.kind == "gateway_started" for event in collector.events()), 15)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 0
        told = [m for m in collector.others if m.topic.endswith("/status")]
        await until(
            lambda: (
                parse_status([m for m in collector.others if m.topic.endswith("/status")][-1].payload).state
                == "offline"
            )
        )
        assert parse_status(told[0].payload).report is not None
        await collector.stop()


async def test_a_killed_gateway_is_told_offline_by_its_will_and_starts_again(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        collector = ScriptedCollector(broker.url, "east-compound", "b3")
        await collector.start()
        site = site_file(tmp_path, broker.port)
        async with gateway(site) as process:
            first = await until_snapshot(site, lambda now: now.session_state == "online")
            process.kill()
            await process.wait()
        will = await until(
            lambda: next(
                (
                    status
                    for m in collector.others
                    if m.topic.endswith("/status") and (status := parse_status(m.payload)).state == "offline"
                ),
                None,
            )
        )
        assert will.session == first.session
        async with gateway(site):
            second = await until_snapshot(site, lambda now: now.session_state == "online" and now.pid != first.pid)
            assert second.session > first.session
            assert second.report.epoch == first.report.epoch
        await collector.stop()


async def test_a_second_gateway_on_the_same_buffer_waits_and_says_why(tmp_path: Path) -> None:
    site = site_file(tmp_path)
    async with gateway(site):
        await snapshot_of(site)
        async with gateway(site) as second:
            assert second.stderr is not None
            while line := await asyncio.wait_for(second.stderr.readline(), 15):
                if b"in use by another process" in line:
                    break
            assert line


async def test_a_fail_point_kills_the_process_there(tmp_path: Path) -> None:
    async with gateway(site_file(tmp_path), DAYUAN_FAILPOINT="after_commit") as process:
        assert await asyncio.wait_for(process.wait(), 15) == -signal.SIGKILL


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(list(arguments))
    told = capsys.readouterr()
    return code, told.out, told.err


def test_check_names_file_line_key_and_what_is_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = site_file(tmp_path)
    code, out, _ = run_cli(capsys, "check", str(site))
    assert (code, "good" in out) == (0, True)
    site.write_text(site.read_text(encoding="utf-8").replace("flush_every", "flush_evry"), encoding="utf-8")
    code, _, err = run_cli(capsys, "check", str(site))
    assert code == 2
    assert f"{site}:11" in err
    assert "flush_evry" in err
    assert "flush_every" in err.split("allowed")[1]
    code, out, _ = run_cli(capsys, "check", "--json", str(site))
    assert code == 2
    assert json.loads(out)["line"] == 11


def test_run_starts_nothing_on_a_config_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = site_file(tmp_path)
    site.write_text(site.read_text(encoding="utf-8").replace("unit = 1", "unit = 999"), encoding="utf-8")
    code, _, err = run_cli(capsys, "run", str(site))
    assert code == 2
    assert "unit" in err
    assert [each.name for each in tmp_path.iterdir()] == ["site.toml"]


def test_status_without_a_gateway_shows_what_lies_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = site_file(tmp_path)
    code, out, _ = run_cli(capsys, "status", str(site))
    assert code == 1
    assert "not running" in out
    assert "no such file" in out
    with subprocess.Popen([sys.executable, "-m", "edge.cli", "run", str(site)], stderr=subprocess.DEVNULL) as process:
        try:
            asyncio.run(wait_for_commit(site))
        finally:
            process.kill()
    code, out, _ = run_cli(capsys, "status", str(site))
    assert code == 1
    assert "not running" in out
    code, out, _ = run_cli(capsys, "status", "--json", str(site))
    assert json.loads(out)["running"] is False


async def wait_for_commit(site: Path) -> None:
    await until_snapshot(site, lambda now: now.last_commit_s is not None)


async def test_status_of_a_running_gateway_as_text_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = site_file(tmp_path)
    async with gateway(site):
        await snapshot_of(site)
        code, out, _ = await asyncio.to_thread(run_cli, capsys, "status", str(site))
        assert code == 0
        assert "gateway b3 at east-compound: running" in out
        code, out, _ = await asyncio.to_thread(run_cli, capsys, "status", "--json", str(site))
        now = msgspec.json.decode(out, type=Snapshot)
        assert now.gateway == "b3"
        assert "kept      nothing that was acked" in as_text(now)


async def test_status_says_what_is_kept_and_how_a_resend_goes(tmp_path: Path) -> None:
    site = site_file(tmp_path)
    async with gateway(site):
        now = await snapshot_of(site)

    def said(kept: KeptReport) -> str:
        report = msgspec.structs.replace(now.report, kept=kept)
        text = as_text(msgspec.structs.replace(now, report=report))
        return next((line for line in text.splitlines() if line.startswith("  kept")), "")

    since = now.at - 7 * 3_600_000
    assert said(KeptReport(batches=12_000, since=since)) == "  kept      12,000 batches acked in the last 7 h"
    assert said(KeptReport(batches=9, since=since, waiting=4, sent=3)).endswith(
        "; the collector lost some: 3 sent again, 4 to go"
    )
    assert said(KeptReport(batches=1, since=since, sent=7)).endswith(
        "1 batch acked in the last 7 h, 7 sent again since the start"
    )


def test_spans_and_sizes_are_short() -> None:
    assert [span(s) for s in (0.25, 9, 61, 600, 20_000, 900_000)] == ["0.2 s", "9 s", "61 s", "10 min", "6 h", "10 d"]
    assert [size(n) for n in (5, 2048, 3_300_000, 1 << 40)] == ["5 B", "2.0 KiB", "3.1 MiB", "1024 GiB"]


def test_every_command_offers_json() -> None:
    parser = cli.build_parser()
    for command in ("check", "read", "run", "status"):
        assert parser.parse_args([command, "x.toml", "--json"]).json is True
