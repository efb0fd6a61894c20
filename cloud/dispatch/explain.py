"""A suggestion in words and numbers: the candidates with every cost term, and why each of the others is left out."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from cloud.assets.contract import Words
from cloud.dispatch.batch import Solution
from cloud.dispatch.cost import TERMS
from cloud.dispatch.feasible import CODES, explain
from cloud.dispatch.problem import Candidate

SHOWN = 10
EXCLUDED_MAX = 300


def suggestion(
    solution: Solution, row: int, zone: ZoneInfo, *, source: str = "", n: int = 0, shown: int = SHOWN
) -> dict[str, Any]:
    """Of one request, as the API gives it and the registry keeps it."""
    feasible = np.flatnonzero(solution.codes[row] == 0)
    best = feasible[np.argsort(solution.costs.total[row, feasible], kind="stable")]
    excluded = np.flatnonzero(solution.codes[row] != 0)[:EXCLUDED_MAX]
    chosen = solution.suggested(row)
    takers = {column: other for other, column in enumerate(solution.chosen) if column >= 0 and other != row}
    return {
        "as_of": solution.problem.now,
        "suggested": chosen.key.entity if chosen else None,
        "candidates": [_candidate(solution, row, int(column), takers) for column in best[:shown]],
        "candidates_n": len(best),
        "excluded": [_excluded(solution, row, int(column), zone) for column in excluded],
        "waiting_cost": round(float(solution.waiting[row]), 1),
        "eta_source": {"source": source, "n": n},
        "pruned": solution.pruned,
        "why": why(solution, row, [int(column) for column in best]),
    }


def why(solution: Solution, row: int, best: list[int]) -> Words:
    """Why this one, or why nobody."""
    chosen = solution.chosen[row]
    if not best:
        most = _most_common(solution, row)
        return {
            "en": "Nobody can serve it now" + (f"; most often: {most['en']}" if most else ""),
            "zh": "目前无可用资源" + (f"，主要原因：{most['zh']}" if most else ""),
        }
    if chosen < 0:
        return {
            "en": "All who could serve it are needed more by other requests; it waits for the next to be free",
            "zh": "可用资源均应优先服务其他请求，等待下一个空闲资源",
        }
    name = solution.problem.candidates[chosen].name
    if chosen == best[0]:
        return {"en": f"{name} costs least of {len(best)}", "zh": f"{len(best)} 个候选中 {name} 总成本最低"}
    first = solution.problem.candidates[best[0]].name
    taker = next((i for i, column in enumerate(solution.chosen) if column == best[0]), None)
    number = solution.problem.jobs[taker].number if taker is not None else "?"
    return {
        "en": f"{first} would cost less here, but is better sent to {number}: {name} makes the least of both together",
        "zh": f"{first} 单独看成本更低，但派给 {number} 更合适；派 {name} 时总成本最低",
    }


def _candidate(solution: Solution, row: int, column: int, takers: Mapping[int, int]) -> dict[str, Any]:
    each, costs = solution.problem.candidates[column], solution.costs
    return {
        **_who(each),
        "eta_s": round(float(costs.eta_s[row, column]), 1),
        "arrival_at": int(costs.arrival[row, column]),
        "distance_m": round(float(costs.metres[row, column])),
        "free_at": each.free_at,
        "terms": {name: round(float(costs.terms[name][row, column]), 2) for name in TERMS},
        "cost": round(float(costs.total[row, column]), 2),
        "taken_by": solution.problem.jobs[takers[column]].number if column in takers else None,
    }


def _excluded(solution: Solution, row: int, column: int, zone: ZoneInfo) -> dict[str, Any]:
    problem, each = solution.problem, solution.problem.candidates[column]
    code = CODES[int(solution.codes[row, column])]
    job = problem.jobs[row]
    if code == "locked" and job.locked_to:
        args: Mapping[str, Any] = {"resource": job.locked_to}
        text = {"en": "this request is locked to another", "zh": "该请求已锁定给其他资源"}
    else:
        reason = explain(code, job, each, float(solution.travel_s[row, column]), problem.now, problem.settings, zone)
        args, text = reason.args, reason.text
    return {**_who(each), "code": code, "args": args, "text": text}


def _who(each: Candidate) -> dict[str, Any]:
    return {
        "resource": each.key.entity,
        "name": each.name,
        "state": each.state,
        "driver": each.driver,
        "seats": each.seats,
        "class": each.vehicle_class,
    }


def _most_common(solution: Solution, row: int) -> Words | None:
    found = [CODES[int(code)] for code in solution.codes[row] if code]
    if not found:
        return None
    code = max(sorted(set(found)), key=found.count)
    return IN_GENERAL[code]


IN_GENERAL: Mapping[str, Words] = {
    "wrong_site": {"en": "at other sites", "zh": "属于其他园区"},
    "non_operational": {"en": "out of service", "zh": "停用"},
    "non_contactable": {"en": "not contactable", "zh": "失联"},
    "off_duty": {"en": "off duty", "zh": "不在班"},
    "off_shift": {"en": "outside hours of duty", "zh": "不在可用时间内"},
    "unknown_position": {"en": "nobody knows where they are", "zh": "位置未知"},
    "seats": {"en": "too few seats", "zh": "座位不足"},
    "class": {"en": "of another class", "zh": "车型不符"},
    "skills": {"en": "skills are lacking", "zh": "缺少技能"},
    "locked": {"en": "locked to others", "zh": "已锁定给其他请求"},
    "on_trip_too_long": {"en": "on the way for too long", "zh": "执行任务时间过长"},
    "rest": {"en": "rest is due", "zh": "需要休息"},
    "room_booked": {"en": "booked then", "zh": "该时段已被预订"},
    "reserved_overlaps": {"en": "reserved for others", "zh": "已预留给其他请求"},
}
