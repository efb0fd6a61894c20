"""Debian packages go in by the same signature: a real package, dpkg itself asked, only its installing pretended."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.test_signed_bundles import DEPLOY, new_key, run

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")


def package(path: Path, *, name: str = "dayuan-edge", version: str = "0.2.0") -> Path:
    tree = path.parent / f"tree-{path.stem}"
    (tree / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@invalid>\nDescription: x\n"
    (tree / "DEBIAN" / "control").write_text(control)
    subprocess.run(["dpkg-deb", "--build", tree, path], check=True, capture_output=True)
    return path


def dpkg(folder: Path, *, installed: str = "") -> str:
    """A PATH on which dpkg installs nothing but says what it was asked, and knows one version."""
    folder.mkdir()
    (folder / "dpkg").write_text(
        '#!/bin/sh\ncase $1 in --install) echo "$2" >"${0%/*}/installed" ;; *) exec /usr/bin/dpkg "$@" ;; esac\n'
    )
    (folder / "dpkg-query").write_text(f"#!/bin/sh\nprintf '%s' '{installed}'\n")
    for each in folder.iterdir():
        each.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def upgrade(made: Path, key: Path, path: str, *more: str) -> subprocess.CompletedProcess[str]:
    return run(DEPLOY / "upgrade.sh", made, "--key", f"{key}.pub", *more, PATH=path)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("", ""),
        ("unsigned", "is not signed"),
        ("changed", "was changed since"),
        ("other key", "is not signed by"),
        ("another package", "no package of this project"),
        ("older", "older than 0.3.0"),
        ("options", "takes no options"),
    ],
)
def test_a_package_goes_in_only_signed_whole_ours_and_not_older(tmp_path: Path, wrong: str, said: str) -> None:
    key = new_key(tmp_path / "release.key")
    made = package(tmp_path / "x.deb", name="nasty" if wrong == "another package" else "dayuan-edge")
    assert run(DEPLOY / "sign.sh", key, made).returncode == 0
    if wrong == "unsigned":
        Path(f"{made}.sig").unlink()
    elif wrong == "changed":
        made.write_bytes(made.read_bytes() + b"\0")
    elif wrong == "other key":
        key = new_key(tmp_path / "other.key")
    path = dpkg(tmp_path / "bin", installed="0.3.0" if wrong == "older" else "0.1.0")
    done = upgrade(made, key, path, *(["--no-start"] if wrong == "options" else []))
    installed = tmp_path / "bin" / "installed"
    if wrong:
        assert done.returncode == 2
        assert said in done.stderr
        assert not installed.exists()
    else:
        assert done.returncode == 0, done.stderr
        assert installed.read_text().strip().endswith("/package.deb")
