"""Bundles for the tests: one made from this checkout, and others made from it that are wrong in one way."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.architecture.source import ROOT

PYTHON_OF_DEBIAN_12 = "3.11"


def make_bundle(name: str, into: Path) -> Path:
    """The tar.gz as deploy/bundle.sh makes it, for this machine only."""
    arch = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run(
        [str(ROOT / "deploy/bundle.sh"), name, "--out", str(into), "--arch", arch, "--python", PYTHON_OF_DEBIAN_12],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(Path.home()),
            "PYTHON": sys.executable,
            **_pip_settings(),
        },
    )
    assert done.returncode == 0, done.stdout
    return next(into.glob(f"dayuan-{name}-*.tar.gz"))


def _pip_settings() -> dict[str, str]:
    import os

    wanted = ("PIP_", "HTTP_", "HTTPS_", "http_", "https_", "SSL_", "REQUESTS_", "NO_PROXY", "no_proxy")
    return {name: value for name, value in os.environ.items() if name.startswith(wanted)}


def unpack(archive: Path, into: Path) -> Path:
    """The bundle's folder."""
    into.mkdir(parents=True)
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(into)], check=True)
    return next(into.iterdir())


def variant(bundle: Path, into: Path, version: str, *, code: Mapping[str, str] | None = None) -> Path:
    """A copy that calls itself ``version``; ``code``: what stands before the text of a module in its wheel."""
    shutil.copytree(bundle, into)
    (into / "VERSION").write_text(version + "\n", encoding="ascii")
    for module, text in (code or {}).items():
        wheel = next((into / "wheels").glob("dayuan-*.whl"))
        before = hashlib.sha256(wheel.read_bytes()).hexdigest()
        _rewrite(wheel, module, text)
        after = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lock = into / "lock.txt"
        lock.write_text(lock.read_text("ascii").replace(before, after), encoding="ascii")
    seal(into)
    return into


def seal(bundle: Path) -> None:
    """Write the sums of the bundle as it is now."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(bundle)}\n" for path in files]
    (bundle / "SHA256SUMS").write_text("".join(lines), encoding="ascii")


def _rewrite(wheel: Path, module: str, before: str) -> None:
    copy = wheel.with_suffix(".new")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.infolist():
            content = old.read(each)
            if each.filename == module:
                content = content.replace(
                    b"from __future__ import annotations\n",
                    f"from __future__ import annotations\n{before}\n".encode(),
                    1,
                )
            new.writestr(each, content)
    copy.replace(wheel)
