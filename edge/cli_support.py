"""`dayuan-edge support-bundle`: write it, and say where it is and what to do with it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edge.support import write_bundle
from protocols.clock import SystemClock

DONE, FAILED = 0, 1


def support_bundle(options: argparse.Namespace) -> int:
    """The command."""
    try:
        made = write_bundle(Path(options.site), Path(options.out) if options.out else None, SystemClock())
    except OSError as error:
        print(f"support-bundle: it cannot be written: {error}", file=sys.stderr)
        return FAILED
    if options.json:
        told = {"file": str(made.path), "bytes": made.size, "secrets_taken_out": made.taken_out, "parts": made.names}
        print(json.dumps(told))
    else:
        print(f"{made.path}: {made.size:,} bytes, {len(made.names)} parts, {made.taken_out} secrets taken out.")
        print("Look through it before you send it: it says how the site is built.")
    return DONE
