"""A site file from afar, read in a process of its own: whatever the text does to its reader, the gateway goes on.

``python -m edge.config_check SITE_FILE`` reads a text on standard input, holds it against the file on the box, and
prints one line of JSON. Time and memory of that process are bounded; one that does not answer is a refusal.
"""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge.config_policy import refuse_what_only_the_box_may_say
from edge.settings import load_site, load_site_text
from protocols.errors import BadSettings
from protocols.settings import Document, load_toml
from protocols.site_config import TEXT_BYTES_MAX

CPU_S_MAX = 30
MEMORY_BYTES_MAX = 256 * 1024 * 1024
"""With the gateway it stays below what its unit gives both (deploy/edge): above that, systemd would end both."""
WAIT_S_MAX = 120.0
ANSWER_BYTES_MAX = 1024 * 1024


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of a text: its devices when it is good, else where it is wrong and what would be right."""

    ok: bool
    devices: tuple[str, ...] = ()
    line: int = 0
    key: str = ""
    message: str = ""
    allowed: str = ""


def judge(box: Path, text: bytes) -> Verdict:
    """Read ``text`` as the site file that is to stand for ``box``. May take as long, and as much, as the text wants."""
    try:
        if len(text) > TEXT_BYTES_MAX:
            raise BadSettings(f"{len(text)} bytes, at most {TEXT_BYTES_MAX}", file=str(box))
        try:
            readable = text.decode()
        except UnicodeDecodeError as error:
            raise BadSettings("not UTF-8", file=str(box), line=text[: error.start].count(b"\n") + 1) from None
        site = load_site_text(box, readable)
        may_allow_commands = load_site(box).remote_config.may_allow_commands
        wanted = Document(str(box), readable)
        refuse_what_only_the_box_may_say(wanted, load_toml(box), may_allow_commands=may_allow_commands)
    except BadSettings as error:
        return Verdict(ok=False, line=error.line, key=error.key, message=error.message, allowed=error.allowed)
    return Verdict(ok=True, devices=tuple(device.id for device in site.devices))


def judge_apart(box: Path, text: bytes, *, wait_s: float = WAIT_S_MAX) -> Verdict:
    """The same in a process of its own. Blocking, for ``wait_s`` at most; never raises."""
    words = [sys.executable, "-m", "edge.config_check", str(box)]
    try:
        done = subprocess.run(
            words, check=False, input=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=wait_s
        )
        return msgspec.json.decode(done.stdout[:ANSWER_BYTES_MAX], type=Verdict)
    except subprocess.TimeoutExpired:
        return Verdict(ok=False, message=f"reading it took longer than {wait_s:g} s")
    except (OSError, msgspec.DecodeError) as error:
        return Verdict(ok=False, message=f"reading it failed, perhaps for want of memory: {error}")


def main(words: Sequence[str]) -> int:
    """The process: limits first, then the text."""
    for kind, most in ((resource.RLIMIT_CPU, CPU_S_MAX), (resource.RLIMIT_AS, MEMORY_BYTES_MAX)):
        # Where the supervisor forbids to set limits it has set its own.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))
    found = judge(Path(words[0]), sys.stdin.buffer.read(TEXT_BYTES_MAX + 1))
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0 if found.ok else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
