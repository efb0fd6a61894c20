"""The ledger as a collector of a group has it that does not work the desk: it commits, and tells how it is."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cloud.store import ledger_query
from cloud.store.contract import CommitWork, Remembered
from cloud.store.failpoint import fail_points
from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_shared import SharedLedger
from cloud.store.ledger_tables import MEMBER, TOLD
from protocols.errors import StoreUnavailable

Telling = tuple[bool, str, str, Mapping[str, Any]]
"""(raised, kind, source, args) of an alarm."""


class MemberLedger:
    """A ``CommitStore`` for deciding; what is decided goes through ``shared``. Blocking; see ``SharedLedger``."""

    def __init__(self, ledger: LedgerFile) -> None:
        self._ledger = ledger
        self.shared = SharedLedger(ledger, fail_points())

    def open(self) -> None:
        """Raises StoreUnavailable, LedgerInUse."""
        self._ledger.open()
        self.shared.begin()

    def close(self) -> None:
        self._ledger.close()

    def remembered(self) -> Remembered:
        return self.shared.remembered()[0]

    def digests(self, wanted: Sequence[tuple[int, str, int]]) -> dict[tuple[int, str, int], str]:
        with self._ledger.reading() as connection:
            return ledger_query.digests(connection, wanted)

    def commit(self, work: CommitWork) -> None:
        raise StoreUnavailable("a collector of a group commits through its shared ledger")

    def tell(
        self, name: str, *, seen_at: int, started_at: int, batches: int, readings: int, alarms: Sequence[Telling]
    ) -> None:
        """Say that this one lives, what it stored since it started, and what it raised. Raises StoreUnavailable."""
        seen = {"seen_at": seen_at, "started_at": started_at, "batches": batches, "readings": readings}
        with self._ledger.writing() as connection:
            if connection.execute(MEMBER.update().where(MEMBER.c.name == name).values(**seen)).rowcount == 0:
                connection.execute(MEMBER.insert().values(name=name, **seen))
            if alarms:
                rows = [
                    {
                        "member": name,
                        "raised": int(raised),
                        "kind": kind,
                        "source": source,
                        "args": json.dumps(dict(args)),
                    }
                    for raised, kind, source, args in alarms
                ]
                connection.execute(TOLD.insert(), rows)
