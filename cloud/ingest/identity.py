"""Which batches are new. The state is a cache of what the store holds: rebuilt when the collector starts.

(gateway, epoch, seq) names a batch for ever. The same name with the same bytes is a repetition: skipped, acked again.
The same name with other bytes means that two gateways use one identity (a cloned card, a restored backup): the epoch
of that gateway is *fenced* until a person has looked.
"""

from collections import OrderedDict
from collections.abc import Sequence
from enum import Enum, auto

from cloud.store.contract import FenceRow, Remembered
from cloud.store.ranges import SeqRanges

EPOCHS_PER_GATEWAY_MAX = 10_000
RANGES_PER_EPOCH_MAX = 100_000
DIGESTS_CACHED = 200_000

Stream = tuple[int, str]
"""(gateway number, epoch)."""
BatchName = tuple[int, str, int]
"""(gateway number, epoch, seq)."""


_NONE = SeqRanges()


class Verdict(Enum):
    """What to do with a batch, by its identity alone."""

    NEW = auto()
    REPEATED = auto()
    CONFLICT = auto()
    FENCED = auto()
    TOO_MANY_EPOCHS = auto()
    TOO_MANY_HOLES = auto()


class Identities:
    """Only the ingest worker changes it; the API reads it between two commits."""

    def __init__(self) -> None:
        self._ranges: dict[Stream, SeqRanges] = {}
        self._epochs: dict[int, int] = {}
        self._digests: OrderedDict[BatchName, str] = OrderedDict()
        self._fences: dict[Stream, FenceRow] = {}

    def load(self, remembered: Remembered) -> None:
        """Start from what the store holds."""
        collected: dict[Stream, list[tuple[int, int]]] = {}
        for gateway, epoch, first, last in remembered.ranges:
            collected.setdefault((gateway, epoch), []).append((first, last))
        self._ranges = {stream: SeqRanges(parts) for stream, parts in collected.items()}
        self._epochs = {}
        for gateway, _ in self._ranges:
            self._epochs[gateway] = self._epochs.get(gateway, 0) + 1
        self._fences = {(fence.gateway, fence.epoch): fence for fence in remembered.fences}

    def holds(self, name: BatchName) -> bool:
        """True when a batch of this name is stored."""
        ranges = self._ranges.get(name[:2])
        return ranges is not None and name[2] in ranges

    def unknown_digests(self, names: Sequence[BatchName]) -> list[BatchName]:
        """Stored batches among these whose digest must be asked from the store."""
        return [name for name in names if name not in self._digests and self.holds(name)]

    def learn(self, name: BatchName, digest: str) -> None:
        """Keep the digest of a stored batch at hand."""
        self._digests[name] = digest
        self._digests.move_to_end(name)
        if len(self._digests) > DIGESTS_CACHED:
            self._digests.popitem(last=False)

    def judge(self, name: BatchName, digest: str, coming: dict[BatchName, str]) -> Verdict:
        """What a batch is. ``coming``: names and digests of the same commit, not stored yet."""
        gateway, epoch, seq = name
        known = coming.get(name)
        if known is None and self.holds(name):
            # Retention forgets digests with the batches; what it folded away counts as the same.
            known = self._digests.get(name, digest)
        if known is not None:
            return Verdict.REPEATED if known == digest else Verdict.CONFLICT
        if self.fenced((gateway, epoch)):
            return Verdict.FENCED
        ranges = self._ranges.get((gateway, epoch))
        if ranges is None and self._epochs.get(gateway, 0) >= EPOCHS_PER_GATEWAY_MAX:
            return Verdict.TOO_MANY_EPOCHS
        if ranges is not None and len(ranges) >= RANGES_PER_EPOCH_MAX and seq - 1 not in ranges:
            return Verdict.TOO_MANY_HOLES
        return Verdict.NEW

    def stored_digest(self, name: BatchName, coming: dict[BatchName, str]) -> str:
        """The digest under which a batch of this name is known; "" when it was forgotten."""
        return coming.get(name) or self._digests.get(name, "")

    def stored(self, name: BatchName, digest: str) -> None:
        """A batch is durable now."""
        gateway, epoch, seq = name
        ranges = self._ranges.get((gateway, epoch))
        if ranges is None:
            ranges = self._ranges[(gateway, epoch)] = SeqRanges()
            self._epochs[gateway] = self._epochs.get(gateway, 0) + 1
        ranges.add(seq)
        self.learn(name, digest)

    def fenced(self, stream: Stream) -> bool:
        """True while nobody has lifted the fence of this gateway and epoch."""
        fence = self._fences.get(stream)
        return fence is not None and fence.lifted_at is None

    def fence_of(self, stream: Stream) -> FenceRow | None:
        """The fence of a stream, lifted or not."""
        return self._fences.get(stream)

    def put_fence(self, fence: FenceRow) -> None:
        """A fence was set or lifted, durably."""
        self._fences[(fence.gateway, fence.epoch)] = fence

    def fences(self) -> list[FenceRow]:
        """All that are not lifted."""
        return [fence for fence in self._fences.values() if fence.lifted_at is None]

    def stored_of(self, stream: Stream) -> SeqRanges:
        """Stored seqs of one gateway and epoch; not to be changed."""
        return self._ranges.get(stream) or _NONE

    def ranges(self, gateway: int) -> dict[str, list[tuple[int, int]]]:
        """Epoch -> stored seqs of one gateway."""
        return {epoch: list(ranges) for (number, epoch), ranges in list(self._ranges.items()) if number == gateway}
