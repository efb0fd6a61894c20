"""A roll-out that stopped or paused by itself is an alarm until a person goes on with it or ends it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cloud.alarms.shown import AlarmView
from cloud.registry.rollouts_restored import RESTORED
from cloud.registry.tables_rollouts import RolloutRow

KIND = "rollout_halted"
BY_ITSELF: Mapping[str, tuple[str, str]] = {
    "failures": ("a gateway refused its file or took it back", "有网关拒绝了文件或自行退回"),
    "few_confirmed": ("fewer than half of the stage have confirmed", "本批确认的网关不足一半"),
    RESTORED: (
        "it ran in the backup that was restored; what became of it since is not known",
        "恢复的备份中它正在进行，其后的情况未知",
    ),
}


class Alarms(Protocol):
    """Where it is shown (``cloud.alarms.board``)."""

    def active(self) -> Sequence[AlarmView]: ...

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, str | int]) -> None: ...

    def clear_alarm(self, kind: str, source: str) -> None: ...


def show(alarms: Alarms, rollouts: Sequence[RolloutRow]) -> None:
    """Bring the alarms into line with all roll-outs that are not over."""
    halted = {_source(row): row for row in rollouts if row.state in ("stopped", "paused") and row.halted in BY_ITSELF}
    for source in {alarm.source for alarm in alarms.active() if alarm.kind == KIND} - set(halted):
        alarms.clear_alarm(KIND, source)
    for source, row in halted.items():
        why, why_zh = BY_ITSELF[row.halted]
        alarms.raise_alarm(KIND, source, {"n": row.id, "why": why, "why_zh": why_zh})


def _source(row: RolloutRow) -> str:
    """Of several sites it is the collector's."""
    return f"{row.site}/rollout:{row.id}" if row.site else "collector"
