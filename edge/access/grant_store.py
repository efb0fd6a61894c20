"""The grant list on the gateway's disk: the newest, the one before, and the highest number there ever was.

A folder of its own beside the buffer. The signed bytes are kept as they came and verified again when they are read, so
that a file that was torn or changed is no list. Order of writing: the new bytes beside the others, the number, then two
renames; a power cut between any two leaves a list that verifies. Blocking; one thread at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from edge.contract import FailPoint
from edge.failpoint import never
from protocols.errors import BadGrants, Permanent, StoreUnavailable
from protocols.grants import PACKED_MAX, GrantList, open_grants

CURRENT, PREVIOUS, FLOOR, PART = "current", "previous", "floor", "part"


class _Floor(msgspec.Struct, frozen=True):
    """``key``: which collector's numbers these are; another one begins anew."""

    key: str
    number: int


class GrantStore:
    """`load` first. ``key``: the collector's command key; when it raises Permanent or OSError there is none."""

    def __init__(
        self, folder: Path, *, site: str, gateway: str, key: Callable[[], bytes], fail_point: FailPoint = never
    ) -> None:
        self.folder, self._site, self._gateway = folder, site, gateway
        self._key, self._fail_point = key, fail_point
        self._floor = 0
        self._floor_is_read = False
        self._held: tuple[int, bytes] | None = None
        self.faults: list[str] = []
        """What `load` found wrong on the disk."""

    def load(self) -> GrantList | None:
        """The newest list on the disk that verifies; None when there is none. Never raises."""
        self.faults = []
        if not self.folder.exists():
            return None
        try:
            key = self._key()
        except (Permanent, OSError) as error:
            self.faults.append(f"no list can be verified: {error}")
            return None
        self._take_floor(key)
        for name in (CURRENT, PREVIOUS):
            try:
                with open(self.folder / name, "rb") as file:
                    payload = file.read(PACKED_MAX + 1)
                grants = open_grants(payload, key, site=self._site, gateway=self._gateway)
            except FileNotFoundError:
                continue
            except (BadGrants, OSError) as error:
                self.faults.append(f"{self.folder / name}: {error}")
                continue
            self._hold(grants, payload)
            return grants
        return None

    def check(self, payload: bytes) -> GrantList | None:
        """The list in ``payload`` when it may be gone by; None when it is the one that is held.

        Raises BadGrants: reasons of `open_grants`, ``no_key``, and ``number`` for one that is not newer.
        """
        if self._held is not None and self._held[1] == _digest(payload):
            return None
        try:
            key = self._key()
        except (Permanent, OSError) as error:
            raise BadGrants("no_key", f"this gateway cannot verify it: {error}") from None
        self._take_floor(key)
        grants = open_grants(payload, key, site=self._site, gateway=self._gateway)
        held = 0 if self._held is None else self._held[0]
        if grants.number < self._floor or (held and grants.number <= held):
            least = max(self._floor, held + 1)
            raise BadGrants("number", f"{grants.number} is not newer than what this gateway had; {least} would be")
        return grants

    def hold(self, grants: GrantList, payload: bytes) -> None:
        """From now on only newer ones are taken, in this process; `keep` makes that last."""
        self._hold(grants, payload)

    def keep(self, grants: GrantList, payload: bytes) -> None:
        """Put a list on disk; returns after it is there. Raises StoreUnavailable; may be called again."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write(PART, payload)
            self._fail_point("grants_written")
            floor = _Floor(_fingerprint(self._key()), max(grants.number, self._floor))
            self._write(FLOOR + "." + PART, msgspec.json.encode(floor))
            os.replace(self.folder / f"{FLOOR}.{PART}", self.folder / FLOOR)
            self._sync_folder()
            self._fail_point("grants_numbered")
            with contextlib.suppress(FileNotFoundError):
                if self._verifies(CURRENT):
                    os.replace(self.folder / CURRENT, self.folder / PREVIOUS)
            self._fail_point("grants_moved")
            os.replace(self.folder / PART, self.folder / CURRENT)
            self._sync_folder()
            self._fail_point("grants_kept")
        except (OSError, Permanent) as error:
            raise StoreUnavailable(f"{self.folder}: {error}") from None

    def _hold(self, grants: GrantList, payload: bytes) -> None:
        self._held = (grants.number, _digest(payload))
        self._floor = max(self._floor, grants.number)

    def _verifies(self, name: str) -> bool:
        """A torn file must not take the place of a whole one."""
        with contextlib.suppress(BadGrants):
            content = (self.folder / name).read_bytes()
            open_grants(content, self._key(), site=self._site, gateway=self._gateway)
            return True
        return False

    def _take_floor(self, key: bytes) -> None:
        """Once, when there is a key to tell whose numbers these are: a key that could not be read at the start must
        not let older lists in."""
        if not self._floor_is_read:
            self._floor = max(self._floor, self._read_floor(key))
            self._floor_is_read = True

    def _read_floor(self, key: bytes) -> int:
        path = self.folder / FLOOR
        try:
            with open(path, "rb") as file:
                floor = msgspec.json.decode(file.read(4096), type=_Floor)
        except FileNotFoundError:
            return 0
        except (OSError, msgspec.DecodeError, UnicodeError) as error:
            self.faults.append(f"{path}: {error}; the number of the list that is held takes its place")
            return 0
        return floor.number if floor.key == _fingerprint(key) else 0

    def _write(self, name: str, content: bytes) -> None:
        handle = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _sync_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _digest(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest()


def _fingerprint(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:32]
