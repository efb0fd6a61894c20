"""The trail at work: notes become records in the transaction of what they are about, and checkpoints follow.

A record is on the disk before the answer goes out. When the disk takes nothing the note waits here, at most
``WAITING_MAX`` of them, and is counted; a collector that is killed in that state has lost them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.audit.chain import Check, Checkpoint, Record, Sealed, Verdict, checkpoint_of, is_signed
from cloud.audit.files import BadKey, Checkpoints, make_key, read_key
from cloud.audit.note import Note, about, current, shortened
from cloud.registry.audit_book import AuditBook, Head
from cloud.registry.database import Database
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

KEY_FILE = "audit.key"
CHECKPOINT_FILE = "audit.checkpoints"
CHECKPOINT_AFTER_S = 10.0
"""After a record a checkpoint follows so soon; of records of that time one is enough."""
CHECKPOINT_EVERY_S = 3600.0
RETRY_S = 5.0
WAITING_MAX = 1_000
FACTS_MAX = 2_000


class Trail:
    """``open`` before anything is written to the registry; ``run`` beside; ``close`` leaves a last checkpoint."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        folder: Path,
        key_file: Path | None = None,
        checkpoint_file: Path | None = None,
    ) -> None:
        """``folder``: where the two files lie when they are not named."""
        self.key_file = key_file or folder / KEY_FILE
        self.checkpoints = Checkpoints(checkpoint_file or folder / CHECKPOINT_FILE)
        self.book = AuditBook(database)
        self.dropped = 0
        """Notes that were never written, as the disk took nothing for too long."""
        self._database, self._clock = database, clock
        self._key: bytes | None = None
        self._written = asyncio.Event()
        self.damaged: Callable[[str], None] | None = None
        """Told once, while it works: the chain is not what was signed before. Given by the wiring."""
        self._signed: Head | None = None
        self._told = False
        self._waiting: deque[Note] = deque()

    async def open(self) -> str | None:
        """Get the key, made at the first start; returns what is wrong with the end of the chain, None for nothing.

        Raises BadKey for a key file that cannot be used, StoreUnavailable when none can be made.
        """
        self._key = await asyncio.to_thread(read_key, self.key_file)
        self._told = False
        wrong = None
        if self._key is None:
            self._key = await asyncio.to_thread(make_key, self.key_file)
            if (await self.book.head()).number:
                wrong = f"its key {self.key_file} is gone; a new one was made, and older records cannot be checked"
        self._database.witness = self.attest
        await asyncio.to_thread(self.checkpoints.shorten)
        return wrong or await self._check_last(self._key) or (await self._end(self._key))[1]

    async def attest(self, session: AsyncSession) -> Callable[[], None] | None:
        """Of the registry, before each commit: put what is being done into the transaction, once.

        Returns what to call when it is committed.
        """
        note = current()
        if note is None or note.written or self._key is None:
            return None
        await self.book.add(session, self._key, self._record(note))

        def committed() -> None:
            note.written = True
            self._written.set()

        return committed

    async def ensure(self, note: Note) -> None:
        """Write the note unless it was written with what it is about. Never raises for a full disk: then it waits."""
        if note.written or self._key is None:
            return
        try:
            await self._write(note)
        except StoreUnavailable as error:
            if len(self._waiting) >= WAITING_MAX:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(note)
            self._written.set()
            log.error("the audit trail cannot be written, %d records wait: %s", len(self._waiting), error)

    async def run(self) -> None:
        """Until cancelled: checkpoints, and notes that wait."""
        while True:
            try:
                async with asyncio.timeout(CHECKPOINT_EVERY_S):
                    await self._written.wait()
                await self._clock.sleep(CHECKPOINT_AFTER_S)
            except TimeoutError:
                pass
            self._written.clear()
            try:
                await self.write_waiting()
                await self.sign()
            except StoreUnavailable as error:
                log.error("the audit trail: %s", error)
                self._written.set()
                await self._clock.sleep(RETRY_S)

    async def write_waiting(self) -> None:
        """Write the notes that wait for a disk that takes them, in their order. Raises StoreUnavailable."""
        while self._waiting:
            await self._write(self._waiting[0])
            self._waiting.popleft()

    async def sign(self) -> None:
        """A checkpoint of the chain as it is now, unless the last one says the same. Raises StoreUnavailable.

        A chain that is not what was signed before gets none, which would hide that; it is told to ``damaged``.
        """
        if self._key is None or await self.book.head() == self._signed:
            return
        try:
            head, wrong = await self._end(self._key)
        except BadKey as error:
            self._tell(str(error))
            return
        if wrong is not None:
            self._tell(wrong)
            return
        if head.number and head != self._signed:
            signed = checkpoint_of(self._key, head.number, head.seal, self._clock.now_ms())
            await asyncio.to_thread(self.checkpoints.add, signed)
        self._signed = head

    async def verify(self) -> Verdict:
        """Follow the whole chain; works without ``open``, and makes nothing. Raises BadKey."""
        key = self._key or await asyncio.to_thread(read_key, self.key_file)
        if key is None:
            raise BadKey(f"{self.key_file}: there is no key of the trail; nothing can be checked without it")
        check = Check(key, await self.book.removed(), await asyncio.to_thread(self.checkpoints.read))
        async for page in self.book.pages():
            await asyncio.to_thread(_take, check, page)
        return check.end()

    async def forget_before(self, at: int, *, at_most: int = 2_000) -> int:
        """Forget the oldest records; returns how many went."""
        return 0 if self._key is None else await self.book.forget_before(self._key, at, at_most=at_most)

    async def close(self) -> None:
        """A last checkpoint. May be called after a failed ``open``."""
        self._database.witness = None
        try:
            await self.sign()
        except StoreUnavailable as error:
            log.error("the audit trail: %s", error)
        self._key = None

    async def _write(self, note: Note) -> None:
        with about(note):
            async with self._database.writing():
                pass  # the note itself is what is written

    def _record(self, note: Note) -> Record:
        facts = msgspec.json.encode(note.facts, enc_hook=str).decode()
        return Record(
            number=0,
            at=self._clock.now_ms(),
            actor=shortened(note.actor),
            via=note.via,
            client=shortened(note.client),
            action=shortened(note.action),
            site=note.site,
            reason=shortened(note.reason),
            facts=facts if len(facts) <= FACTS_MAX else '{"too_long":true}',
        )

    def _tell(self, wrong: str) -> None:
        if self._told:
            return
        self._told = True
        log.error("the audit trail is damaged, and no checkpoint is made of it: %s", wrong)
        if self.damaged is not None:
            self.damaged(wrong)

    async def _check_last(self, key: bytes) -> str | None:
        for each in (await asyncio.to_thread(self.checkpoints.read))[-1:]:
            if not is_signed(key, each):
                return f"the last line of {self.checkpoints.path} is not signed by the key {self.key_file}"
        return None

    async def _end(self, key: bytes) -> tuple[Head, str | None]:
        """The end of the chain, and what is wrong with it by the checkpoint that went furthest.

        Checkpoints are read first: another process may add a record, and sign it, between the two.
        """
        signed = await asyncio.to_thread(self._furthest, key)
        head = await self.book.head()
        if signed is None:
            return head, None
        if signed.number > head.number:
            return head, f"{signed.number - head.number} records that were there are missing at the end"
        seal = await self.book.seal(signed.number)
        if seal is None and (await self.book.removed()).number < signed.number:
            return head, f"record {signed.number}, which was signed, is missing"
        if seal is not None and seal != signed.seal:
            return head, f"others stand in the place of the records up to {signed.number}, which were signed"
        return head, None

    def _furthest(self, key: bytes) -> Checkpoint | None:
        """The first of those with the highest number, of all that this key signed."""
        found = sorted(self.checkpoints.read(), key=lambda each: each.number, reverse=True)
        return next((each for each in found if is_signed(key, each)), None)


def _take(check: Check, page: Sequence[Sealed]) -> None:
    for each in page:
        check.take(each)
