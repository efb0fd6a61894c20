"""Memory that stays: what a gateway has loaded when it starts is not searched for cycles again and again.

Each such search held the event loop for tens of milliseconds, and whoever stood before a door meanwhile.
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
