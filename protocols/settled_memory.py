"""Memory that stays: what a process has loaded when it starts is not searched for cycles again and again.

Each such search held the event loop for tens of milliseconds: whoever stood before a door waited at the gateway, and at
the collector everybody while days of vehicles were worked out.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def settled_memory() -> Iterator[None]:
    """Whatever is there at the beginning counts as staying; at the end it may be searched again."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
