"""A data folder of a service's user, and our programs on it as root types them.

Root's Python may lie where no other user can read it; then Debian's own is taken with the same packages. So may this
checkout: the programs see it, and the packages, at a place of their own that everybody can come to.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SERVICE = 65534
"""The user id of the service, and its group."""
ROOT = Path(__file__).parents[1]


def _python() -> str | None:
    words = "import sys; print(sys.version_info[:2])"
    for each in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(
                [each, "-c", words], user=SERVICE, group=SERVICE, extra_groups=[], capture_output=True
            )
        except OSError:
            continue
        if done.returncode == 0 and done.stdout.decode().strip() == str(sys.version_info[:2]):
            return each
    return None


OURS = ("edge", "cloud", "protocols")
# Pairs of folders, the first to be seen at the second, until "--"; in a mount namespace that ends with the
# program.
_AT_A_PLACE_OF_ITS_OWN = 'while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done; shift; exec "$@"'
PYTHON = _python() if os.geteuid() == 0 else None
needs_root = pytest.mark.skipif(PYTHON is None, reason="needs root, and a Python that every user can read")


@contextmanager
def service_folder() -> Iterator[Path]:
    """An empty folder of the service, 0700, in one that everybody can look into."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        folder = Path(name) / "data"
        folder.mkdir(mode=0o700)
        os.chown(folder, SERVICE, SERVICE)
        yield folder


def give(*paths: Path) -> None:
    """To the service."""
    for path in paths:
        os.chown(path, SERVICE, SERVICE)


def run(*words: str, user: int = 0) -> subprocess.CompletedProcess[str]:
    """Python with these arguments, as root or as the service."""
    assert PYTHON is not None
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        mounted = ["unshare", "--mount", "--propagation=private", "sh", "-ec", _AT_A_PLACE_OF_ITS_OWN, "sh"]
        for here, there in (*((ROOT / each, each) for each in OURS), (sysconfig.get_paths()["purelib"], "packages")):
            os.mkdir(f"{name}/{there}", 0o755)
            mounted += [str(here), f"{name}/{there}"]
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"]
        path = "/usr/local/sbin:/usr/sbin:/sbin:" + os.environ["PATH"]
        return subprocess.run(
            [*mounted, "--", *as_user, PYTHON, *words],
            cwd="/",
            env={"PATH": path, "PYTHONPATH": f"{name}:{name}/packages", "LANG": "C.UTF-8", "LOGNAME": "root"},
            capture_output=True,
            text=True,
            check=False,
        )


def not_of_the_service(folder: Path) -> list[str]:
    """What lies under the folder and belongs to somebody else."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.lstat().st_uid != SERVICE)
