"""What a roll-out does next, from what is known of its gateways: a pure step, the same after any restart.

A gateway that was sent its file and does not answer within the patience is *late*: the roll-out goes on without it, its
file stays wanted, and what it says later counts as if it had said it in time. When fewer than half of a stage have
confirmed, the roll-out pauses for a person instead of going on into the dark.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cloud.registry.rollout_book import Seen
from cloud.registry.rollouts_restored import RESTORED
from cloud.registry.tables_rollouts import RolloutRow
from cloud.store.contract import GatewayKey

FAILED = frozenset({"refused", "rolled_back"})
TAKEN_BACK = frozenset({"stopped", "aborted", "returned"})
"""In these, what has not been heard of is wanted no longer."""


class Step(NamedTuple):
    """What is to be done now. ``state``: change to it, because of ``halted``; ``stage``: go on to it; ``over``: the
    stage has settled, from now on it soaks; ``closed``: it was given up, and nothing of it will be due any more."""

    send: Sequence[GatewayKey] = ()
    take_back: Sequence[GatewayKey] = ()
    state: str = ""
    halted: str = ""
    stage: int | None = None
    over: bool = False
    closed: bool = False


NOTHING = Step()


def shown(rollout: RolloutRow, one: Seen, now_ms: int) -> str:
    """One word of a gateway: its state before it is sent anything, ``planned`` when it is not its turn; then
    ``waiting``, ``late``, ``trying``, ``applied``, ``refused``, ``rolled_back``, ``replaced``; or what took it back."""
    if one.state == "ready" and rollout.state != "draft":
        return "planned"
    if one.state != "sent":
        return one.state
    if one.outcome in ("waiting", "trying") and one.sent_at is not None:
        since = max(one.sent_at, rollout.not_before)
        within_s = rollout.patience_s + (rollout.confirm_within_s if one.outcome == "trying" else 0)
        return "late" if now_ms >= since + within_s * 1000 else one.outcome
    return one.outcome


def next_step(rollout: RolloutRow, gateways: Sequence[Seen], now_ms: int) -> Step:
    """What is to be done now; does nothing itself."""
    states = {one.key: shown(rollout, one, now_ms) for one in gateways}
    if rollout.state in TAKEN_BACK:
        return _given_up(rollout, gateways, states)
    if rollout.state != "running":
        return NOTHING
    if failures(rollout, gateways) - rollout.forgiven > rollout.stop_after:
        return Step(state="stopped", halted="failures")
    stage = [one for one in gateways if one.stage == rollout.stage]
    send = [one.key for one in gateways if one.state == "ready" and one.stage <= rollout.stage]
    if send:
        return Step(send=send)
    if any(states[one.key] in ("waiting", "trying") for one in stage):
        return NOTHING
    return _settled(rollout, gateways, Counter(states[one.key] for one in stage), now_ms)


def _given_up(rollout: RolloutRow, gateways: Sequence[Seen], states: Mapping[GatewayKey, str]) -> Step:
    sent = [one for one in gateways if one.state == "sent"]
    if rollout.state == "returned":  # also from who had not answered in a backup: it may have it by now
        due = {"waiting", "late", "trying", "applied"}
        take_back = [one.key for one in sent if states[one.key] in due or one.reason == RESTORED]
    else:
        take_back = [one.key for one in sent if states[one.key] in ("waiting", "late")]
    is_open = rollout.state == "stopped" or any(states[one.key] == "trying" for one in sent)
    return Step(take_back=take_back, closed=not take_back and not is_open)


def failures(rollout: RolloutRow, gateways: Sequence[Seen]) -> int:
    """How many of it refused their file, or took it back."""
    return sum(one.state == "sent" and one.outcome in FAILED for one in gateways)


def _settled(rollout: RolloutRow, gateways: Sequence[Seen], stage: Counter[str], now_ms: int) -> Step:
    counted = stage["applied"] + stage["late"] + sum(stage[each] for each in FAILED)
    if stage["applied"] * 2 < counted and rollout.accepted < rollout.stage:
        return Step(state="paused", halted="few_confirmed")
    last = max((one.stage for one in gateways), default=0)
    if not counted:  # nobody of it was to get anything
        return Step(state="done") if rollout.stage >= last else Step(stage=rollout.stage + 1)
    if rollout.stage_over_at is None:
        return Step(over=True)
    if now_ms < rollout.stage_over_at + rollout.soak_s * 1000:
        return NOTHING
    return Step(state="done") if rollout.stage >= last else Step(stage=rollout.stage + 1)
