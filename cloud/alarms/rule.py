"""Rules set by people, as pure steps in event time: the state of a rule on one series, a reading, the state after it.

``high``, ``low``: beyond ``limit`` for ``delay_s``; over when ``deadband`` back inside. ``rate``: changes by more than
``limit`` a minute between two readings, for ``delay_s``. ``state``: is ``limit`` for ``delay_s``. ``stale``: nothing
for ``delay_s``. A reading that is bad or older than the newest changes nothing.
"""

from typing import Annotated, Literal, NamedTuple

import msgspec

Condition = Literal["high", "low", "rate", "stale", "state"]
STALE_MIN_S = 10.0


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. An empty ``device`` is every device of the site that has the point."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    site: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    device: Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9][a-z0-9-]{0,31})?$")] = ""
    point: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    condition: Condition
    limit: Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)] | None = None
    deadband: Annotated[float, msgspec.Meta(ge=0, le=1e12)] = 0.0
    delay_s: Annotated[float, msgspec.Meta(ge=0, le=7 * 86_400)] = 0.0
    priority: Annotated[int, msgspec.Meta(ge=1, le=3)] = 2
    todo: Annotated[str, msgspec.Meta(max_length=300)] = ""
    """What to do, in the words of the site."""
    enabled: bool = True

    @property
    def kind(self) -> str:
        """Kind of its alarms."""
        return f"rule_{self.condition}.{self.id}"

    def fault(self) -> str | None:
        """What is wrong with it; None when nothing is."""
        if self.condition == "stale":
            return None if self.delay_s >= STALE_MIN_S else f"delay_s: at least {STALE_MIN_S:g} s for stale"
        if self.limit is None:
            return f"limit: {self.condition} needs one"
        if self.condition == "rate" and self.limit <= 0:
            return "limit: a rate is greater than 0"
        return None


class Watched(NamedTuple):
    """A rule on one series. ``since``: when the condition began; ``raised``: it lasted long enough."""

    at: int | None = None
    value: float = 0.0
    shown: float = 0.0
    """What the alarm names: the value, or the rate."""
    since: int | None = None
    raised: bool = False


def step(rule: Rule, state: Watched, at: int, value: float) -> Watched:
    """A reading came."""
    if state.at is not None and at <= state.at:
        return state
    shown = value
    if rule.condition == "rate":
        shown = 0.0 if state.at is None else (value - state.value) * 60_000 / (at - state.at)
    since = (state.since if state.since is not None else at) if _holds(rule, state, shown) else None
    after = Watched(at, value, shown, since, state.raised and since is not None)
    return passed(rule, after, at) if rule.condition != "stale" else after


def passed(rule: Rule, state: Watched, now: int) -> Watched:
    """Time went by without a reading."""
    if state.at is None:
        return state
    if rule.condition == "stale":
        is_stale = now - state.at >= rule.delay_s * 1000
        return state._replace(since=state.at if is_stale else None, raised=is_stale)
    if state.since is None or state.raised or now - state.since < rule.delay_s * 1000:
        return state
    return state._replace(raised=True)


def times(rule: Rule, readings: list[tuple[int, float | None]], until: int) -> int:
    """How often the rule would have raised an alarm over these readings, in their order."""
    state, count = Watched(), 0
    for at, value in [*readings, (until, None)]:
        before = state
        state = passed(rule, state, at)
        count += state.raised and not before.raised
        before = state
        if value is not None:
            state = step(rule, state, at, value)
            count += state.raised and not before.raised
    return count


def _holds(rule: Rule, state: Watched, value: float) -> bool:
    limit, back = rule.limit or 0.0, rule.deadband if state.since is not None else 0.0
    match rule.condition:
        case "high":
            return value > limit - back
        case "low":
            return value < limit + back
        case "rate":
            return abs(value) > limit - back
        case "state":
            return value == limit
        case "stale":
            return False
