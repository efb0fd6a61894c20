"""DuckDB's checksum of whole words, which stands before each entry of its log and at the head of each block."""

import numpy as np
import numpy.typing as npt

_SEED = 5381
_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)

Words = npt.NDArray[np.uint64]


def checksum(words: Words) -> int:
    """Each word is multiplied, all are combined with the seed by exclusive or. Little-endian words of 8 bytes."""
    return int(np.bitwise_xor.reduce(words * _MULTIPLIER)) ^ _SEED


def is_whole(block: bytes) -> bool:
    """Whether a block, or a header, fits the checksum it begins with. False for a part of one."""
    if len(block) < 16 or len(block) % 8:
        return False
    words = np.frombuffer(block, "<u8")
    return checksum(words[1:]) == int(words[0])
