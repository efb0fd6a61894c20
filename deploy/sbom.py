"""python3 deploy/sbom.py LOCK VERSION: what is in a release, as CycloneDX 1.5 JSON on standard output. Asks no network.

The lock names every package with its hashes. The same lock, version and time give the same bytes; the time is
SOURCE_DATE_EPOCH.
"""

import json
import os
import re
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

PACKAGE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)(?:\s*;\s*([^\\\n]*?))?\s*\\?$")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
URN = uuid.UUID("6b0d1f0e-4b3c-5f6e-9d55-0a2f4a8f6f31")


def packages(lock: str) -> list[tuple[str, str, list[str]]]:
    """(name, version, SHA-256 of its files) of every package of a lock. Raises ValueError for a line it cannot read."""
    found: list[tuple[str, str, list[str]]] = []
    for number, line in enumerate(lock.splitlines(), 1):
        text = line.strip()
        match = PACKAGE.match(text.split(" --hash")[0])
        if match:
            found.append((re.sub(r"[-_.]+", "-", match[1]).lower(), match[2], HASH.findall(text)))
        elif HASH.findall(text) and found:
            found[-1][2].extend(HASH.findall(text))
        elif text and not text.startswith(("#", "--")):
            raise ValueError(f"line {number}: {text!r} is no package with a version")
    return found


def bill(lock: str, version: str, made_at: int) -> dict[str, object]:
    """The document. ``made_at``: s since 1970."""
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{each}",
            "name": name,
            "version": each,
            "purl": f"pkg:pypi/{name}@{each}",
            "properties": [{"name": "dayuan:file-sha256", "value": digest} for digest in sorted(hashes)],
        }
        for name, each, hashes in sorted(packages(lock))
        if name != "dayuan"
    ]
    own = f"pkg:generic/dayuan@{version}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(URN, lock + version)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(made_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "bom-ref": own, "name": "dayuan", "version": version, "purl": own},
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": [each["bom-ref"] for each in components]}],
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    text = Path(sys.argv[1]).read_text("utf-8")
    document = bill(text, sys.argv[2], int(os.environ.get("SOURCE_DATE_EPOCH", "0")))
    sys.stdout.write(json.dumps(document, indent=1) + "\n")
