"""Secrets are planted everywhere a gateway has them, in every form in which programs print them; none leaves."""

from __future__ import annotations

import base64
import json
import os
import secrets as random
import tarfile
import urllib.parse
from pathlib import Path

import pytest

from edge import cli, support
from edge.support_secrets import Secrets
from tests.edge.test_gateway import gateway, site_file, until_snapshot

PASSWORD = 'p@ss w"ört/7781'
CARD_KEY = bytes(range(200, 232))
PAGE_TOKEN = "Xk2-token-of-the-page-0042"
UNNAMED = "bearer-nobody-named-5512"


def forms(secret: bytes) -> list[bytes]:
    """As programs print it."""
    return [
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        base64.b64encode(secret),
        base64.b64encode(b"user:" + secret)[8:-4],
        urllib.parse.quote(secret, safe="").encode(),
        repr(secret)[2:-1].encode(),
    ]


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {entry.name.split("/", 1)[1]: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


def plant(folder: Path) -> Path:
    site = site_file(folder)
    keys = folder / "secrets"
    (keys / "deeper").mkdir(parents=True)
    (keys / "broker").write_text(PASSWORD + "\n", encoding="utf-8")
    (keys / "deeper" / "client.key").write_bytes(
        b"-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n"
    )
    (folder / "card.key").write_bytes(CARD_KEY)
    (folder / "page.token").write_text(PAGE_TOKEN + "\n", encoding="ascii")
    text = site.read_text("utf-8").replace("[buffer]", 'username = "b3"\npassword_file = "secrets/broker"\n\n[buffer]')
    site.write_text(
        f"# as printed on the box: {PASSWORD}\n# mqtt://b3:{UNNAMED}@broker.example\n{text}", encoding="utf-8"
    )
    return site


def journal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journalctl whose log tells everything."""
    said = folder / "journal"
    lines = [b"a line that stays"]
    lines += [
        b"it said " + form for secret in (PASSWORD.encode(), CARD_KEY, PAGE_TOKEN.encode()) for form in forms(secret)
    ]
    lines += [
        json.dumps({"password": UNNAMED}).encode(),
        f"Authorization: Bearer {UNNAMED}".encode(),
        f"api_key={UNNAMED}&x=1".encode(),
        f"https://someone:{UNNAMED}@10.0.0.1/".encode(),
        b"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIFunnamed\n",
    ]
    said.write_bytes(b"\n".join(lines))
    program = folder / "bin" / "journalctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat '{said}'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def assert_clean(made: dict[str, bytes]) -> None:
    planted = [
        form
        for secret in (PASSWORD.encode(), CARD_KEY, PAGE_TOKEN.encode(), UNNAMED.encode())
        for form in forms(secret)
    ]
    planted += [b"MIGHAgEAMBMGByqGSM49", b"MHcCAQEEIFunnamed"]
    found = [(name, form) for name, content in made.items() for form in planted if form in content]
    assert found == []


async def test_no_secret_of_a_running_gateway_is_in_its_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "box"
    folder.mkdir()
    site, out = plant(folder), tmp_path / "bundle.tar.gz"
    journal(tmp_path, monkeypatch)
    async with gateway(site):
        await until_snapshot(site, lambda now: now.report.devices[0].failures > 0)
        assert cli.main(["support-bundle", str(site), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    made = contents(out)
    assert_clean(made)
    assert told["secrets_taken_out"] >= 25
    assert out.stat().st_mode & 0o777 == 0o600
    assert b"a line that stays" in made["log-gateway.txt"]
    assert b'password_file = "secrets/broker"' in made["site.toml"]
    assert b"b3-main" in made["status.txt"]
    assert json.loads(made["state.json"])["running"]
    assert b"python 3" in made["versions.txt"]


@pytest.mark.parametrize("damage", ['password = "Only-in-a-wrong-file-99"\n', "[gateway\n", ""])
def test_a_bundle_of_a_wrong_site_file_is_made_and_clean_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    folder = tmp_path / "box"
    folder.mkdir()
    site, out = plant(folder), tmp_path / "bundle.tar.gz"
    site.write_text(site.read_text("utf-8") + damage, encoding="utf-8")
    journal(tmp_path, monkeypatch)
    assert cli.main(["support-bundle", str(site), "--out", str(out)]) == 0
    made = contents(out)
    assert_clean(made)
    assert b"Only-in-a-wrong-file-99" not in made["site.toml"]
    assert (b"site.toml:" in made["check.txt"]) == bool(damage)


def test_a_bundle_is_made_where_nothing_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "COMMANDS", {"none.txt": ("no-such-program",), "slow.txt": ("sleep", "60")})
    monkeypatch.setattr(support, "COMMAND_S", 0.1)
    out = tmp_path / "b.tar.gz"
    assert cli.main(["support-bundle", str(tmp_path / "none.toml"), "--out", str(out)]) == 0
    assert b"timed out" in contents(out)["slow.txt"]
    assert cli.main(["support-bundle", str(tmp_path / "none.toml"), "--out", str(tmp_path / "no" / "b.tar.gz")]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar.gz"]


def test_random_secrets_are_taken_out_wherever_base64_puts_them() -> None:
    for _ in range(300):
        secret = random.token_bytes(9 + random.randbelow(30))
        taker = Secrets()
        taker.learn(secret)
        before, after = random.token_bytes(random.randbelow(5)), random.token_bytes(random.randbelow(5))
        text = base64.b64encode(before + secret + after)
        cleaned = taker.clean(b"x " + text + b" y")
        assert cleaned != b"x " + text + b" y"
        assert len(cleaned) < len(text) or b"[taken out]" in cleaned


def test_ordinary_lines_stay_as_they_are() -> None:
    text = b'10:02 edge.session: online, session 4\nusername = "b3"\npassword_file = "secrets/broker"\nkey: value\n'
    assert Secrets().clean(text) == text
