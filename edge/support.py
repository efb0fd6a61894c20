"""The support bundle: what somebody needs who is to help with this gateway, in one tar.gz, without secrets."""

from __future__ import annotations

import contextlib
import io
import os
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import msgspec

from edge.introduce import software_version
from edge.settings import Site, load_site
from edge.status_page_state import PageDesk, PageState
from edge.status_table import as_text
from edge.support_secrets import Secrets, secret_files
from protocols.clock import Clock
from protocols.errors import BadSettings

TEXT_MAX = 4 * 1024 * 1024
"""Of one part; of a log its newest end."""
COMMAND_S = 20.0
KEY_SUFFIXES = (".key", ".pem", ".p12", ".pfx", ".token", ".password", ".secret")

COMMANDS = {
    "log-gateway.txt": ("journalctl", "--no-pager", "--output=short-iso", "--lines=20000", "--unit=dayuan-edge"),
    "log-page.txt": ("journalctl", "--no-pager", "--output=short-iso", "--lines=500", "--unit=dayuan-edge-page"),
    "log-kernel.txt": ("journalctl", "--no-pager", "--output=short-iso", "--lines=500", "--dmesg"),
    "unit.txt": ("systemctl", "--no-pager", "status", "dayuan-edge", "dayuan-edge-page"),
    "clock.txt": ("timedatectl", "show"),
    "disk.txt": ("df", "-hT"),
    "memory.txt": ("free", "-m"),
    "network.txt": ("ip", "-brief", "address"),
    "throttled.txt": ("vcgencmd", "get_throttled"),
}


class Bundle(NamedTuple):
    """What was written: where, how large, how many secrets were taken out, what is inside."""

    path: Path
    size: int
    taken_out: int
    names: list[str]


def write_bundle(site_file: Path, out: Path | None, clock: Clock) -> Bundle:
    """Gather and write; the file is for its owner only. Raises OSError when it cannot be written."""
    site, wrong = _site(site_file)
    state = PageDesk(site_file, clock).state()
    secrets = _secrets(site_file, site, state)
    at = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    name = f"{site.gateway.site}-{site.gateway.id}" if site is not None else "gateway"
    top = f"dayuan-{name}-{at:%Y%m%dT%H%M%SZ}"
    path = out or Path(f"{top}.tar.gz")
    names = []
    part = path.with_name(path.name + ".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
            for part_name, content in _parts(site_file, site, wrong, state):
                _add(tar, f"{top}/{part_name}", secrets.clean(content[-TEXT_MAX:]), at)
                names.append(part_name)
            about = f"Secrets taken out: {secrets.taken_out}. Look through it before you send it.\n"
            _add(tar, f"{top}/README.txt", about.encode(), at)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Bundle(path, path.stat().st_size, secrets.taken_out, names)


def _site(site_file: Path) -> tuple[Site | None, str]:
    try:
        return load_site(site_file), ""
    except BadSettings as error:
        return None, str(error)


def _secrets(site_file: Path, site: Site | None, state: PageState) -> Secrets:
    named: list[Path | None] = []
    folders = [site_file.parent / "secrets"]
    if site is not None:
        named += [site.uplink.password_file, site.gateway.card_key_file]
        named += [bus.password_file for bus in site.buses]
        folders += [site.buffer.path.parent / "secrets", site.buffer.path.parent / "keys"]
    beside = {site_file.parent, *(file.parent for file in named if file is not None)}
    if site is not None:
        beside.add(site.buffer.path.parent)
    elif state.buffer is not None:
        beside.add(Path(state.buffer.path).parent)
    for folder in beside:
        with contextlib.suppress(OSError):
            named += [path for path in folder.iterdir() if path.suffix in KEY_SUFFIXES and path.is_file()]
    named += list(_files_named_in(site_file))
    secrets = Secrets()
    for path in secret_files(folders, named):
        secrets.learn_file(path)
    return secrets


def _files_named_in(site_file: Path) -> Iterator[Path]:
    """Also of a site file that is wrong: whatever its text calls a file of a secret."""
    for line in _read(site_file).decode("utf-8", "replace").splitlines():
        name, _, value = line.partition("=")
        if name.strip().endswith("_file") and "ca_file" not in name:
            text = value.strip().strip("\"'").split('"')[0]
            if text:
                yield site_file.parent / text


def _parts(site_file: Path, site: Site | None, wrong: str, state: PageState) -> Iterator[tuple[str, bytes]]:
    yield "site.toml", _read(site_file)
    yield "check.txt", (wrong or "\n".join(["good", *state.warnings])).encode()
    yield "state.json", msgspec.json.format(msgspec.json.encode(state))
    if state.snapshot is not None:
        yield "status.txt", as_text(state.snapshot).encode()
    yield "versions.txt", "\n".join(_versions()).encode()
    yield "machine.txt", "\n".join(_machine(site)).encode()
    for name, command in COMMANDS.items():
        yield name, _said(command)
    if site is not None:
        for profile in sorted({device.profile for device in site.devices}):
            own = site_file.parent / "profiles" / f"{profile}.toml"
            if own.is_file():
                yield f"profiles/{profile}.toml", _read(own)


def _versions() -> Iterator[str]:
    yield f"dayuan {software_version()}"
    yield f"python {platform.python_version()} on {platform.machine()}, {platform.platform()}"
    for package in ("aiomqtt", "paho-mqtt", "pyserial", "msgspec", "zstandard", "cryptography"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield f"{package} {metadata.version(package)}"


def _machine(site: Site | None) -> Iterator[str]:
    for path in ("/etc/os-release", "/proc/device-tree/model", "/proc/loadavg", "/proc/uptime"):
        yield f"{path}: {_read(Path(path)).decode('utf-8', 'replace').strip()}"
    for folder in ("/dev/serial/by-id", "/dev/serial/by-path"):
        with contextlib.suppress(OSError):
            for link in sorted(Path(folder).iterdir()):
                yield f"{link} -> {link.resolve()}"
    if site is not None:
        with contextlib.suppress(OSError):
            used = shutil.disk_usage(site.buffer.path.parent)
            yield f"{site.buffer.path.parent}: {used.free} of {used.total} bytes free"
            for file in sorted(site.buffer.path.parent.iterdir()):
                yield f"  {file.name} {file.stat().st_size} bytes {file.stat().st_mode & 0o7777:o}"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(TEXT_MAX)
    except OSError as error:
        return f"cannot be read: {error}".encode()


def _said(command: tuple[str, ...]) -> bytes:
    if shutil.which(command[0]) is None:
        return b"there is no such program here\n"
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{error}\n".encode()
    return done.stdout


def _add(tar: tarfile.TarFile, name: str, content: bytes, at: datetime) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(content), int(at.timestamp()), 0o600
    tar.addfile(entry, io.BytesIO(content))
