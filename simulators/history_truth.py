"""What is true of a history: amounts that passed, and what was planted. For whoever checks what was found."""

from __future__ import annotations

from typing import Any

from simulators.energy_world import NIGHT_SHARE, Planted
from simulators.history_readings import History


def truth_of(history: History) -> dict[str, Any]:
    """Times in ms UTC, amounts in kWh (m³ of water and gas).

    passed: by meter, from ``since``, the first reading, to ``until``, the last.
    """
    last = int(history.at[-1])
    return {
        "site": history.scenario.site,
        "time_zone": history.scenario.time_zone,
        "seed": history.scenario.seed,
        "since": history.since_ms,
        "until": last,
        "passed": {meter: round(history.true_kwh(meter, history.since_ms, last), 3) for meter in history.meters},
        "faults": [_fault(history, each, last) for each in history.world.planted if each.since >= history.since_ms],
    }


def _fault(history: History, planted: Planted, last: int) -> dict[str, Any]:
    world = history.world
    told: dict[str, Any] = {"kind": planted.kind, "meters": list(planted.meters), "since": planted.since}
    match planted.kind:
        case "outage":
            told["until"] = planted.until
            told["passed"] = {
                meter: round(history.true_kwh(meter, planted.since, planted.until), 3) for meter in planted.meters
            }
        case "meter_change":
            [meter] = planted.meters
            new = world.register_now(meter) - history.true_kwh(meter, planted.since, world.origin_ms)
            told |= {"final": round(world.old_final(meter), 2), "initial": round(new, 2)}
        case "reversed_ct":
            [meter] = planted.meters
            counted = world.counted_share(meter)
            told |= {"counted_share": round(counted, 4), "factor": round(1 / counted, 3)}
            told["passed"] = {meter: round(history.true_kwh(meter, planted.since, last), 3)}
        case "night_load":
            [meter] = planted.meters
            told["kw"] = round(NIGHT_SHARE * world.plans[meter].watts / 1000, 3)
    return told
