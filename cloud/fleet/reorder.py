"""A few seconds in which samples may overtake each other. What is older than that is late: its day is done again."""

from cloud.fleet.fixes import Sample

Key = tuple[int, int, str, str]


class Reorder:
    """Holds the samples of one vehicle until nothing is likely to come before them."""

    def __init__(self) -> None:
        self._waiting: dict[Key, Sample] = {}
        self._newest = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, sample: Sample) -> None:
        """One that came in two parts is one."""
        known = self._waiting.get(sample.order)
        if known is not None:
            received_at = sample.received_at if "latitude" in sample.points else known.received_at
            sample = sample._replace(points={**known.points, **sample.points}, received_at=received_at)
        self._waiting[sample.order] = sample
        self._newest = max(self._newest, sample.at)

    def ready(self, wait_ms: int, now_ms: int) -> list[Sample]:
        """Those that waited long enough, in order: by the time of newer samples, or by the clock."""
        if not self._waiting:
            return []
        due = [
            key
            for key, sample in self._waiting.items()
            if self._newest - sample.at >= wait_ms or now_ms - sample.received_at >= wait_ms
        ]
        if not due:
            return []
        last = max(due)
        due = sorted(key for key in self._waiting if key <= last)
        return [self._waiting.pop(key) for key in due]

    def take(self) -> list[Sample]:
        """All of them, in order."""
        taken = [self._waiting[key] for key in sorted(self._waiting)]
        self._waiting.clear()
        return taken
