"""The unit files: how exposed systemd finds them, and that what they start is there."""

from __future__ import annotations

import re
import subprocess

import pytest

from cloud.identity.broker_files import ACCESS, CERTIFICATE, CRL
from tests.architecture.source import ROOT

UNITS = {
    "edge/dayuan-edge": 1.6, "edge/dayuan-edge-page": 1.2, "collector/dayuan-collector": 1.6,
    "edge/dayuan-edge-judge": 4.2, "collector/dayuan-collector-judge": 4.2,
}  # fmt: skip
"""Exposure from 0 to 10 by `systemd-analyze security`; 2.5 is the worst that the project allows itself for what runs
all day. The verdict on a release runs for a moment and has to be root, for it starts services."""


def unit(name: str) -> str:
    return (ROOT / f"deploy/{name}.service").read_text("utf-8")


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_hardly_exposed(name: str) -> None:
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(ROOT / f"deploy/{name}.service")],
        capture_output=True,
        text=True,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert found, judged.stderr
    assert float(found[1]) <= UNITS[name]


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_says_nothing_that_systemd_does_not_know(name: str) -> None:
    judged = subprocess.run(
        ["systemd-analyze", "verify", str(ROOT / f"deploy/{name}.service")], capture_output=True, text=True
    )
    said = [line for line in judged.stderr.splitlines() if f"{name.split('/')[1]}.service" in line]
    assert [line for line in said if "is not executable" not in line] == []


def test_the_gateway_is_fed_by_progress_and_not_restarted_on_a_wrong_site_file() -> None:
    text = unit("edge/dayuan-edge")
    for line in ("Type=notify", "WatchdogSec=30", "WatchdogSignal=SIGALRM", "RestartPreventExitStatus=2"):
        assert f"\n{line}\n" in text


@pytest.mark.parametrize("name", UNITS)
def test_no_secret_is_in_an_environment_or_a_command(name: str) -> None:
    lines = [line for line in unit(name).splitlines() if line.startswith(("Environment", "ExecStart"))]
    assert not [line for line in lines if re.search(r"(?i)pass|secret|token=", line)]


def test_the_broker_reads_again_what_the_collector_writes_for_it() -> None:
    folder = ROOT / "deploy/collector"
    watched = (folder / "dayuan-broker-reload.path").read_text("utf-8")
    for name in (CERTIFICATE, CRL, ACCESS):
        assert f"\nPathChanged=/etc/dayuan/broker/{name}\n" in watched
    assert "\nReadWritePaths=-/etc/dayuan/broker\n" in unit("collector/dayuan-collector")
    units = [str(folder / f"dayuan-broker-reload.{kind}") for kind in ("path", "service")]
    judged = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    said = [line for line in judged.stderr.splitlines() if "dayuan-broker-reload" in line]
    assert [line for line in said if "is not executable" not in line] == []
