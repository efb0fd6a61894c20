"""A site file, read before it is sent: by the gateway's own reader, where that is installed, in a process of its own.

The collector knows no profiles of a box's own, so what it says of a profile is no verdict. Where there is no reader the
gateway alone judges; it does so in any case.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from protocols.site_config import TEXT_BYTES_MAX

READER = "edge.config_check"
"""A program, and no import: the collector runs on machines without the gateway."""
WAIT_S_MAX = 60.0
ANSWER_BYTES_MAX = 1024 * 1024


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """``by``: ``collector``, or ``gateway`` when only it can say. ``line`` is 0 where none is known."""

    ok: bool
    by: str = "collector"
    line: int = 0
    key: str = ""
    message: str = ""
    allowed: str = ""


ONLY_THE_GATEWAY = Checked(ok=True, by="gateway")


def check(text: str, box: str) -> Checked:
    """Hold ``text`` against ``box``, the file it is to follow. Blocking, for seconds; never raises."""
    raw = text.encode("utf-8", "replace")
    if len(raw) > TEXT_BYTES_MAX:
        return Checked(ok=False, message=f"{len(raw)} bytes", allowed=f"at most {TEXT_BYTES_MAX}")
    try:
        with tempfile.TemporaryDirectory(prefix="dayuan-site-file-") as folder:
            path = Path(folder) / "site.toml"
            path.write_text(box, "utf-8")
            words = [sys.executable, "-m", READER, str(path)]
            done = subprocess.run(
                words,
                check=False,
                input=raw,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=WAIT_S_MAX,
                cwd="/",
            )
        found = msgspec.json.decode(done.stdout[:ANSWER_BYTES_MAX], type=Checked)
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError):
        return ONLY_THE_GATEWAY
    is_of_a_profile = found.key.endswith(".profile") or found.key.startswith("[profile")
    return ONLY_THE_GATEWAY if is_of_a_profile and not found.ok else found
