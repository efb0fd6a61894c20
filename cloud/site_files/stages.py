"""In which order gateways get a change: stages, each a few named ones, so many more, or a share of all.

As people write them: ``east/b3, east/b4``, ``2``, ``10 %``. Shares are of all gateways and include the stages before.
Whoever is left after the last is a stage of its own. Sites take turns, so that no stage is one site alone.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from cloud.store.contract import GatewayKey
from protocols.errors import BadRollout

STAGES_MAX, STAGE_CHARACTERS_MAX = 12, 1000
USUAL = ("1", "10 %", "50 %", "100 %")
FORM = "east/b3, east/b4 (named gateways), 2 (so many more) or 10 % (of all, with those before)"

_SHARE, _MANY = re.compile(r"(\d{1,3})\s*%"), re.compile(r"\d{1,5}")
_NAMED = re.compile(r"[a-z0-9][a-z0-9-]{0,31}/[a-z0-9][a-z0-9-]{0,31}")


def staged(keys: Iterable[GatewayKey], stages: Sequence[str]) -> list[tuple[GatewayKey, int]]:
    """Every gateway with its stage, counted from 0, in the order they are begun. Raises BadRollout ``bad_stages``."""
    if not 0 < len(stages) <= STAGES_MAX:
        raise BadRollout("bad_stages", f"{len(stages)} stages; 1 to {STAGES_MAX} are right")
    left = _turns(keys)
    total, found, share = len(left), list[tuple[GatewayKey, int]](), 0
    number = 0
    for stage in [*(each.strip() for each in stages), "100 %"]:
        chosen, share = _chosen(stage, left, total, share)
        left = [key for key in left if key not in chosen]
        found += [(key, number) for key in chosen]
        number += bool(chosen)
    return found


def _chosen(stage: str, left: list[GatewayKey], total: int, share: int) -> tuple[list[GatewayKey], int]:
    if of_all := _SHARE.fullmatch(stage):
        percent = int(of_all[1])
        if not max(share, 1) <= percent <= 100:
            raise BadRollout("bad_stages", f"{stage!r}: shares grow from stage to stage, up to 100 %")
        begun = total - len(left)
        return left[: max(0, -(-total * percent // 100) - begun)], percent
    if _MANY.fullmatch(stage) and int(stage):
        return left[: int(stage)], share
    names = [each.strip() for each in stage.split(",")]
    if len(stage) > STAGE_CHARACTERS_MAX or not all(_NAMED.fullmatch(name) for name in names):
        raise BadRollout("bad_stages", f"{stage[:80]!r} is no stage; write {FORM}")
    known = {f"{key.site}/{key.gateway}": key for key in left}
    missing = next((name for name in names if name not in known), None)
    if missing is not None:
        raise BadRollout("bad_stages", f"{missing} is not among the gateways, or stands in a stage before")
    return list(dict.fromkeys(known[name] for name in names)), share


def _turns(keys: Iterable[GatewayKey]) -> list[GatewayKey]:
    seen: Counter[str] = Counter()
    placed = []
    for key in sorted(set(keys)):
        placed.append((seen[key.site], key))
        seen[key.site] += 1
    return [key for _, key in sorted(placed)]
