"""Passwords: which are good enough, and their argon2id hashes, computed off the event loop."""

import asyncio
import itertools
import re
import secrets
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from protocols.errors import Retryable

T = TypeVar("T")

LENGTH_MIN, LENGTH_MAX = 12, 256
MEMORY_KIB, PASSES, LANES = 19_456, 2, 1
WAITING_MAX = 32

# No 0 O 1 l I: a one-time password is read from a screen and typed.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class HashingBusy(Retryable):
    """Too many passwords are being checked at once."""


def one_time_password() -> str:
    """A fresh password of about 79 bits in four groups, easy to type."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def _load_common() -> frozenset[str]:
    text = resources.files("cloud.registry").joinpath("common_passwords.toml").read_text(encoding="utf-8")
    return frozenset(tomllib.loads(text)["words"])


_COMMON = _load_common()
_LOOKALIKE = str.maketrans("@$!013457", "asioleast")


def weakness(password: str, *, name: str = "") -> str | None:
    """None when the password may be used, else what is wrong with it, in words for its owner."""
    if len(password) < LENGTH_MIN:
        return f"too short: at least {LENGTH_MIN} characters"
    if len(password) > LENGTH_MAX:
        return f"too long: at most {LENGTH_MAX} characters"
    plain = password.lower()
    if len(set(plain)) < 5:
        return "too few different characters"
    if name and len(name) > 2 and name.lower() in plain and len(plain) - len(name) < LENGTH_MIN - 4:
        return "made of the user name"
    cores = {plain, plain.translate(_LOOKALIKE)}
    cores |= {re.sub(r"[\W\d_]+$", "", core) for core in cores} | {re.sub(r"[\W_]+", "", core) for core in cores}
    cores |= {_shortest_period(core) for core in list(cores)}
    if any(core in _COMMON for core in cores) or _is_sequence(plain):
        return "one of the most common passwords, or a pattern of it"
    return None


def _shortest_period(text: str) -> str:
    """``abcabc`` -> ``abc``; a text that repeats nothing is returned as it is."""
    at = (text + text).find(text, 1)
    return text[:at] if text else text


def _is_sequence(text: str) -> bool:
    """True for runs such as ``abcdefghijkl`` and ``123456789012``."""
    steps = [ord(b) - ord(a) for a, b in itertools.pairwise(text)]
    return sum(step in (1, -1, -9, 9, 0) for step in steps) >= len(steps) - 1


class Passwords:
    """Hashes and verifies. One thread: at ~30 ms and 19 MiB each, more would starve the collector on a small box."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The argon2id hash, with a salt of its own."""
        return await self._run(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is the stored one. ``None`` (no such user) takes as long and is always False."""
        if stored is None:
            if self._nobody is None:
                self._nobody = await self.hash(secrets.token_urlsafe(16))
            await self._run(self._matches, self._nobody, password)
            return False
        return await self._run(self._matches, stored, password)

    def outdated(self, stored: str) -> bool:
        """True when the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Stop the thread after the hash it is at."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., T], *args: str) -> T:
        if self._waiting >= WAITING_MAX:
            raise HashingBusy("too many logins at once")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._waiting -= 1
