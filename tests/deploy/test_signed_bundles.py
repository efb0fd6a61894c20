"""Bundles are signed, and only what is signed, whole and not older is unpacked; their bill of materials is the lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.source import ROOT

DEPLOY = ROOT / "deploy"


class Made(NamedTuple):
    """A release key and a bundle signed by it; its install.sh leaves a word in ``ran``."""

    key: Path
    bundle: Path
    ran: Path


def run(*command: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(each) for each in command], capture_output=True, text=True, env={**os.environ, **more})


def new_key(path: Path) -> Path:
    assert run(DEPLOY / "sign.sh", "--new-key", path).returncode == 0
    return path


def make_bundle(path: Path, ran: Path) -> Path:
    folder = path.parent / "inside" / "dayuan-edge-0.1.0"
    folder.mkdir(parents=True)
    (folder / "install.sh").write_text(f'#!/bin/sh\necho "$@" > {ran}\n')
    (folder / "install.sh").chmod(0o755)
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, folder.name)
    return path


@pytest.fixture
def made(tmp_path: Path) -> Made:
    key = new_key(tmp_path / "release.key")
    bundle = make_bundle(tmp_path / "bundle.tar.gz", tmp_path / "ran")
    assert run(DEPLOY / "sign.sh", key, bundle).returncode == 0
    return Made(key, bundle, tmp_path / "ran")


def upgrade(made: Made, *more: object, key: Path | None = None) -> subprocess.CompletedProcess[str]:
    public = key or Path(f"{made.key}.pub")
    return run(DEPLOY / "upgrade.sh", made.bundle, "--key", public, *more)


def test_a_signed_bundle_is_unpacked_and_its_installer_gets_the_options(made: Made) -> None:
    done = upgrade(made, "--allow-downgrade", "--within", "7s")
    assert done.returncode == 0, done.stderr
    assert made.ran.read_text() == "--allow-downgrade --within 7s\n"


def test_the_key_is_its_owners_alone_and_is_never_written_over(made: Made) -> None:
    assert made.key.stat().st_mode & 0o777 == 0o600
    before = made.key.read_bytes()
    assert run(DEPLOY / "sign.sh", "--new-key", made.key).returncode == 2
    assert made.key.read_bytes() == before


@pytest.mark.parametrize(
    "wrong", ["unsigned", "changed", "cut", "longer", "other key", "signature of another", "no key"]
)
def test_nothing_of_a_bundle_that_is_not_as_it_was_signed_is_run(made: Made, tmp_path: Path, wrong: str) -> None:
    signature, content = Path(f"{made.bundle}.sig"), made.bundle.read_bytes()
    key = None
    if wrong == "unsigned":
        signature.unlink()
    elif wrong == "changed":
        made.bundle.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
    elif wrong == "cut":
        made.bundle.write_bytes(content[:-1])
    elif wrong == "longer":
        made.bundle.write_bytes(content + b"\0")
    elif wrong == "other key":
        key = Path(f"{new_key(tmp_path / 'other.key')}.pub")
    elif wrong == "signature of another":
        signature.write_bytes(bytes(64))
    else:
        key = tmp_path / "nothing.pub"
    done = upgrade(made, key=key)
    assert done.returncode == 2, done.stdout
    assert "upgrade: " in done.stderr
    assert not made.ran.exists()


def downgrade(folder: Path, *, old: str, old_built: int, new: str, new_built: int, said: str = "") -> int:
    """What the installer's own look at versions says."""
    release, bundle = folder / f"{old}-01234567", folder / "bundle"
    for each in (release, bundle):
        each.mkdir(parents=True)
    (release / "built").write_text(f"{old_built}\n")
    (bundle / "BUILT").write_text(f"{new_built}\n")
    script = f"""
        set -euo pipefail
        script=install name=edge bundle={bundle} version={new} allow_downgrade={said}
        . {DEPLOY}/releases.sh
        refuse_downgrade {release}
    """
    return run("bash", "-c", script).returncode


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (("0.1.0+aaaaaaa", 100), ("0.1.0+bbbbbbb", 101), 0),
        (("0.1.0+aaaaaaa", 100), ("0.1.0+aaaaaaa", 100), 0),
        (("0.1.0+aaaaaaa", 100), ("0.1.0+bbbbbbb", 99), 2),
        (("0.9.0+aaaaaaa", 100), ("0.10.0+bbbbbbb", 99), 0),
        (("0.10.0+aaaaaaa", 100), ("0.9.0+bbbbbbb", 101), 2),
    ],
)
def test_an_older_release_goes_in_only_when_it_is_said(
    tmp_path: Path, old: tuple[str, int], new: tuple[str, int], code: int
) -> None:
    told = {"old": old[0], "old_built": old[1], "new": new[0], "new_built": new[1]}
    assert downgrade(tmp_path / "asked", **told) == code  # type: ignore[arg-type]
    assert downgrade(tmp_path / "said", **told, said="1") == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["edge", "cloud"])
def test_the_bill_of_materials_is_the_lock(name: str) -> None:
    lock = DEPLOY / f"locks/{name}.txt"

    def bill() -> str:
        done = run(sys.executable, "-I", DEPLOY / "sbom.py", lock, "0.1.0+abc", SOURCE_DATE_EPOCH="1790000000")
        assert done.returncode == 0, done.stderr
        return done.stdout

    document = json.loads(bill())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    assert document["metadata"]["timestamp"] == "2026-09-21T14:13:20Z"
    named = [line.split("==")[0] for line in lock.read_text("utf-8").splitlines() if "==" in line.split(" --hash")[0]]
    components = {each["name"]: each for each in document["components"]}
    assert len(components) == len(named)
    assert "cryptography" in components
    hashes = [one["value"] for each in components.values() for one in each["properties"]]
    assert len(hashes) == lock.read_text("utf-8").count("--hash=sha256:")
    assert document["dependencies"][0]["dependsOn"] == [each["bom-ref"] for each in document["components"]]
    assert bill() == bill()
