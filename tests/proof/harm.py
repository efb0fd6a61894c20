"""What a bad card does to a file: one random harm at a random place."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

PAGE = 4096
SCRIBBLED = 700


def flip(path: Path, rng: random.Random) -> None:
    """One bit."""
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def zero_a_page(path: Path, rng: random.Random) -> None:
    """4 KiB of zeros where a page was."""
    data = bytearray(path.read_bytes())
    start = rng.randrange(len(data) // PAGE + 1) * PAGE
    data[start : start + PAGE] = bytes(len(data[start : start + PAGE]))
    path.write_bytes(data)


def cut(path: Path, rng: random.Random) -> None:
    """The rest of the file is missing."""
    os.truncate(path, rng.randrange(path.stat().st_size))


def scribble(path: Path, rng: random.Random) -> None:
    """Some hundred random bytes."""
    data = bytearray(path.read_bytes())
    start = rng.randrange(len(data))
    data[start : start + SCRIBBLED] = rng.randbytes(len(data[start : start + SCRIBBLED]))
    path.write_bytes(data)


def swap_pages(path: Path, rng: random.Random) -> None:
    """Two pages in each other's place, as a card does that lost its table."""
    data = bytearray(path.read_bytes())
    pages = len(data) // PAGE
    if pages < 2:
        return flip(path, rng)
    one, other = (page * PAGE for page in rng.sample(range(pages), 2))
    data[one : one + PAGE], data[other : other + PAGE] = data[other : other + PAGE], data[one : one + PAGE]
    path.write_bytes(data)
    return None


HARMS: dict[str, Callable[[Path, random.Random], None]] = {
    harm.__name__: harm for harm in (flip, zero_a_page, cut, scribble, swap_pages)
}
