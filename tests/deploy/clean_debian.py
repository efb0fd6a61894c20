"""A clean Debian 12 with Python and nothing else, in which programs run as on a box without systemd.

Made by debootstrap once in a while and kept as an archive; needs root, as installing does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
KEPT = Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "dayuan-tests" / f"{SUITE}.tar"
KEPT_S = 7 * 86_400

# The first process of the box: buries the dead, as an init does.
INIT = """
import os, signal, subprocess
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
print("up", flush=True)
while True:
    signal.sigwait([signal.SIGCHLD])
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
"""

# What --service of the install scripts is given: starts programs as their user, without systemd.
SERVICE = """#!/bin/sh
case $2 in
    dayuan-edge) words="dayuan-edge run /etc/dayuan/edge/site.toml" of=edge ;;
    dayuan-edge-page) words="dayuan-edge page /etc/dayuan/edge/site.toml --listen 127.0.0.1:0" of=edge ;;
    dayuan-collector) words="dayuan-cloud run /etc/dayuan/collector/cloud.toml" of=collector ;;
esac
file=/run/$2.pid
pid=$(cat "$file" 2>/dev/null)
alive() { [ -n "$pid" ] && [ -n "$(cat "/proc/$pid/cmdline" 2>/dev/null | tr -d '\\0')" ]; }
case $1 in
    start)
        alive && exit 0
        cd "/var/lib/dayuan-$of" || exit 1
        setsid setpriv --reuid dayuan-$of --regid dayuan-$of --init-groups -- /opt/dayuan/$of/current/bin/$words \\
            </dev/null >>"/var/log/$2.log" 2>&1 &
        echo $! >"$file" ;;
    stop)
        alive && kill "$pid"
        for _ in $(seq 200); do alive || break; sleep 0.1; done
        alive && kill -9 "$pid"
        rm -f "$file" ;;
    restart) "$0" stop "$2"; exec "$0" start "$2" ;;
    is-active) alive ;;
esac
exit_code=$?
[ "$1" = is-active ] && exit $exit_code
exit 0
"""


# The same, and what befalls whoever called it when the last service is started: `kill -9` as a power cut, HUP as a
# session that is gone. It hits the group of processes of the installation, not what runs as a service.
INTERRUPTED = """#!/bin/sh
/usr/local/sbin/box-service "$@"
code=$?
if [ "$1 $2" = "start LAST" ]; then kill -SIGNAL 0; fi
exit $code
"""


class CleanDebian:
    """One box. ``run`` runs a command in it and returns what it said on both streams."""

    def __init__(self, root: Path, init_pid: int) -> None:
        self.root = root
        self._init_pid = init_pid

    def run(self, *command: str, code: int | None = 0, within_s: float = 600.0) -> str:
        inside = ("chroot", str(self.root))  # which goes to the top of it, too
        done = subprocess.run(
            ["nsenter", f"--target={self._init_pid}", "--mount", "--pid", "--", *inside, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=within_s,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )
        assert code is None or done.returncode == code, f"{command}: exit code {done.returncode}\n{done.stdout}"
        return done.stdout

    def interrupted(self, signal: str, last: str) -> str:
        """A service command like box-service that sends a signal to its callers when it has started `last`."""
        made = self.path(f"/usr/local/sbin/box-service-{signal.lower()}")
        made.write_text(INTERRUPTED.replace("SIGNAL", signal).replace("LAST", last), encoding="utf-8")
        made.chmod(0o755)
        return f"/usr/local/sbin/{made.name}"

    def lose_power(self) -> None:
        """Every service is gone at once."""
        self.run("sh", "-c", "for each in /run/dayuan-*.pid; do kill -9 $(cat $each); rm $each; done")

    def start_again(self, *services: str) -> None:
        """As systemd would at its start: the services of this project, as far as they are enabled."""
        for each in services:
            self.run("/usr/local/sbin/box-service", "start", each)

    def verdict(self, name: str, *options: str, code: int = 0) -> str:
        """What the verdict service is told to run, of which its condition is looked at."""
        text = self.path(f"/etc/systemd/system/dayuan-{name}-judge.service").read_text("utf-8")
        condition, command = (re.search(rf"^{key}=(.*)$", text, re.M) for key in ("ConditionPathExists", "ExecStart"))
        assert condition is not None
        assert command is not None
        assert self.path(condition[1]).exists()
        return self.run(*command[1].split(), "--service", "/usr/local/sbin/box-service", *options, code=code)

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")


def _make(root: Path) -> None:
    """Unpack the archive, or make root and archive."""
    root.mkdir(parents=True)
    if KEPT.exists() and time.time() - KEPT.stat().st_mtime < KEPT_S:
        subprocess.run(["tar", "-xf", str(KEPT), "-C", str(root)], check=True)
        return
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", "--include=python3", SUITE, str(root), MIRROR],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert made.returncode == 0, "\n".join(made.stdout.splitlines()[-20:])
    shutil.rmtree(root / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    part = KEPT.with_suffix(f".{os.getpid()}")
    subprocess.run(["tar", "-cf", str(part), "-C", str(root), "."], check=True)
    part.replace(KEPT)


def _quick_folder(fallback: Path) -> Path:
    """Memory where there is enough of it: unpacking Debian is thousands of small files, each synced."""
    memory = Path("/dev/shm")
    enough = memory.is_dir() and shutil.disk_usage(memory).free > 3 << 30
    return memory / f"dayuan-test-{os.getpid()}" if enough else fallback


@contextmanager
def clean_debian(fallback: Path) -> Iterator[CleanDebian]:
    """The box, up; gone with everything in it at the end."""
    assert os.getuid() == 0, "these tests install as an installer does, as root: sudo make test"
    root = _quick_folder(fallback) / "root"
    try:
        _make(root)
        service = root / "usr/local/sbin/box-service"
        service.write_text(SERVICE, encoding="utf-8")
        service.chmod(0o755)
        holder = subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private"),
                *("chroot", str(root), "/usr/bin/python3", "-c", INIT),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "up\n"
            children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text("ascii").split()
            yield CleanDebian(root, int(children[0]))
        finally:
            holder.kill()
            holder.communicate()
    finally:
        shutil.rmtree(root, ignore_errors=True)
        if root.parent != fallback:
            shutil.rmtree(root.parent, ignore_errors=True)
