"""What a compound's collector is asked for a verdict: what gateways took, and nothing that a history brought in."""

from typing import Any

from simulators.history_readings import POINT
from simulators.stored import HISTORY_EPOCH, CollectorApi, fetch

COLUMNS = ["at", "value", "quality", "reason", "gateway", "epoch", "seq", "received_at"]
PAST = f"{HISTORY_EPOCH}0123456789ab"


class Collector(CollectorApi):
    """Answers from what is written here."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__("http://127.0.0.1:1", "")
        self.answers = answers

    def get(self, path: str, **query: object) -> Any:
        return self.answers[path]


def test_readings_and_batches_of_a_history_are_in_no_count() -> None:
    rows = [
        [1_000, 7.0, "good", "", "gw", PAST, 1, 9_000],
        [2_000, 7.5, "good", "", "gw", "e", 1, 9_000],
        [2_000, 7.5, "good", "", "gw", PAST, 1, 9_000],
    ]
    api = Collector(
        {
            "/api/v1/devices": {"devices": [{"id": "m", "points": [{"name": POINT}]}]},
            "/api/v1/readings": {"columns": COLUMNS, "rows": rows, "next": None},
            "/api/v1/events": {"columns": ["at", "device", "kind", "data"], "rows": [], "next": None},
            "/api/v1/gateways": {"gateways": [{"id": "gw"}]},
            "/api/v1/gateways/s/gw": {"ranges": {"e": [[1, 4]], PAST: [[1, 9], [11, 12]]}},
        }
    )
    found = fetch(api, "s", [], from_at=0, to_at=10_000)
    assert [(each.at, each.epoch) for each in found.series["m", POINT]] == [(2_000, "e")]
    assert found.ranges == {("gw", "e"): [(1, 4)]}
