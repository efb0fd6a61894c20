"""The files of the site that is killed: what is written for its gateways, and what is found in their buffers."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path

PROFILE = """[profile]
id = "proof/meter"
vendor = "Proof"
model = "n-th answer"
kind = "meter"
protocol = "modbus"
checked = "documentation"
sources = ["this file"]

[modbus]
area = "input"
max_registers = 120

[points]
"""

SITE_FILE = """[gateway]
site = "{site}"
id = "{gateway}"
card_key_file = "{root}/card.key"
profile_dirs = ["{root}/profiles"]

[uplink]
url = "mqtt://127.0.0.1:{uplink}"
username = "gateway-{gateway}"
password_file = "{root}/broker/secrets/gateway-{gateway}"
ack_timeout = "1 s"
dead_after = "15 s"

[buffer]
path = "{root}/{gateway}/buffer.db"
flush_every = "{flush}"

[[bus]]
name = "meters"
kind = "modbus-tcp"
host = "127.0.0.1"
port = {meters}
timeout = "{timeout:g} s"

[[bus]]
name = "tags"
kind = "mqtt"
url = "mqtt://127.0.0.1:{devices}"
username = "gateway-{gateway}"
password_file = "{root}/{broker}/secrets/gateway-{gateway}"

[[device]]
id = "{gateway}-tag"
profile = "homeassistant/tag"
bus = "tags"
topic = "tags/{gateway}"
"""

METER_ROW = """
[[device]]
id = "{gateway}-m{unit}"
profile = "proof/meter"
bus = "meters"
unit = {unit}
every = "{every}"
"""


def left_in_buffer(path: Path) -> list[bytes]:
    """The batches in the buffer of a gateway that has ended, read from a copy."""
    if not path.exists():
        return []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "buffer.db"
        for ending in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
        with contextlib.closing(sqlite3.connect(copy)) as file:
            try:
                return [bytes(row[0]) for row in file.execute("SELECT payload FROM batch")]
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []  # killed before its first commit
                raise
