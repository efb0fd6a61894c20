"""The site file that a gateway runs, for the installer's tools: it need not be the one on the box."""

from __future__ import annotations

import sys
from pathlib import Path

from edge.config_start import InForce, boot_id, look
from edge.settings import Site, load_site
from protocols.clock import SystemClock


def site_in_force(path: str | Path, *, of_the_box: bool = False) -> Site:
    """What the gateway with this site file runs, or would begin with; says so on standard error when it is another.

    ``of_the_box``: the file as it lies there, whatever runs. Raises BadSettings for the file on the box.
    """
    if of_the_box:
        return load_site(path)
    found = look(Path(path), SystemClock(), boot_id())
    if said := other_than_the_box(found):
        print(f"{path}: {said}; --file goes by the file on the box", file=sys.stderr)
    return found.site


def other_than_the_box(found: InForce) -> str:
    """Which file the gateway runs, when it is not the one on the box; else ""."""
    if found.source == "box":
        return ""
    return f"the gateway {'tries' if found.trying else 'runs'} revision {found.revision} from the collector"
