"""What was measured, into the papers: tables of docs/SIZING.md (en and zh), and the constants of cloud/sizing.py.

    python -m tests.bench.sizing_papers      # from docs/sizing.json, which `python -m tests.bench.sizing` writes

Figures are so typed by nobody. What stands between two marks is written anew; all else is left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloud.sizing import Cost, Fleet, size
from cloud.sizing import Measured as Sizes

EXAMPLE = Fleet(gateways=10_000, devices=20, points=10, every_s=10.0, flush_s=10.0)
ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs/sizing.json"
ENGLISH, CHINESE = ROOT / "docs/SIZING.md", ROOT / "docs/SIZING.zh-CN.md"
CONSTANTS = ROOT / "cloud/sizing.py"
CPU = "_cpu_s_per_million"
PROCESSES = ("broker", "collector", "members", "postgres", "engine", "desk")
NAMES = {
    "broker": ("broker", "消息代理"),
    "embedded": ("collector with the embedded store", "采集端（内置存储）"),
    "member": ("members, together (three)", "成员合计（三个）"),
    "postgres": ("PostgreSQL", "PostgreSQL"),
    "engine": ("VictoriaMetrics", "VictoriaMetrics"),
    "desk": ("desk", "台面"),
}

Measured = dict[str, Any]
"""``rounds``, ``seconds`` and ``cases``: each with members, gateways, batch, trouble, and its figures."""


def costs(measured: Measured) -> dict[str, tuple[float, float]]:
    """(microseconds of a batch, of a reading) of each process, from batches of 100 and of 1,000 of 50 gateways."""

    def of(process: str, members: int) -> tuple[float, float]:
        small, large = (_case(measured, members, batch)[process + CPU] for batch in (100, 1000))
        batch_us = max(0.0, (small - large) / (1 / 100 - 1 / 1000))
        return round(batch_us), round(max(0.0, large - batch_us / 1000), 2)

    found = {"broker": of("broker", 3), "embedded": of("collector", 0), "member": of("members", 3)}
    return found | {name: of(name, 3) for name in ("postgres", "engine", "desk")}


def claims_per_s(measured: Measured) -> int:
    """Batches a second that a group of three took, to the next ten."""
    return int(round(_case(measured, 3, 100)["acked_readings_per_s"] / 100, -1))


def _case(measured: Measured, members: int, batch: int) -> dict[str, float]:
    for case in measured["cases"]:
        if (case["members"], case["gateways"], case["batch"], case["trouble"]) == (members, 50, batch, ""):
            found: dict[str, float] = case["figures"]
            return found
    raise ValueError(f"docs/sizing.json has no case of {members} members and 50 gateways with batches of {batch}")


def spent_table(measured: Measured, chinese: bool) -> str:
    """CPU seconds for a million readings, a line for each case without trouble."""
    if chinese:
        head = "| | 每批读数 | 消息代理 | 采集端或全部成员 | PostgreSQL | VictoriaMetrics | 台面 | 每秒确认 |"
    else:
        head = "| | batch of | broker | collector or members | PostgreSQL | VictoriaMetrics | desk | acked/s |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for case in measured["cases"]:
        if case["trouble"]:
            continue
        figures = case["figures"]
        taking = figures.get("members" + CPU, figures.get("collector" + CPU))
        cells = [figures.get("broker" + CPU), taking, *(figures.get(n + CPU) for n in ("postgres", "engine", "desk"))]
        spent = " | ".join("" if cell is None else f"{cell:.2f}" for cell in cells)
        rate = f"{figures['acked_readings_per_s']:,.0f}"
        lines.append(f"| {_who(case, chinese)} | {case['batch']:,} | {spent} | {rate} |")
    return "\n".join(lines)


def back_table(measured: Measured, chinese: bool) -> str:
    """How fleets came back, a line for each case with trouble; says so when none was measured."""
    cases = [case for case in measured["cases"] if case["trouble"]]
    if not cases:
        return "尚未测量。" if chinese else "Not measured yet."
    if chinese:
        lines = ["| | 全部重连（秒） | 全部再次得到确认（秒） | 积压批次 | 排空（秒） | 排空倍数 |"]
    else:
        lines = ["| | all connected again, s | each acked again, s | backlog, batches | drained, s | drain factor |"]
    lines.append("|---|---|---|---|---|---|")
    for case in cases:
        told = [case["figures"].get(f"trouble_1_{name}") for name in _BACK]
        cells = " | ".join("" if cell is None else "–" if cell < 0 else f"{cell:,.1f}" for cell in told)
        lines.append(f"| {_who(case, chinese)}, {_TROUBLES[case['trouble']][chinese]} | {cells} |")
    return "\n".join(lines)


_BACK = ("back_s", "acked_again_s", "backlog_batches", "drain_s", "drain_factor")
_TROUBLES = {
    "cut": ("all cut off at once", "全部同时断线"),
    "away": ("all away for 20 s", "全部离线 20 秒"),
    "mixed": ("80 % small, 20 % large, all cut off", "80% 小型、20% 大型，全部断线"),
}


def constants_table(measured: Measured, chinese: bool) -> str:
    """The two constants of each process."""
    lines = ["| | 每批 | 每条读数 |" if chinese else "| | a batch | a reading |", "|---|---|---|"]
    lines += [
        f"| {NAMES[name][chinese]} | {batch:g} | {reading:g} |" for name, (batch, reading) in costs(measured).items()
    ]
    return "\n".join(lines)


def rounds_line(measured: Measured, chinese: bool) -> str:
    """How often each line was measured."""
    rounds, seconds = measured["rounds"], measured["seconds"]
    if chinese:
        often = "每行只跑一次，**不是多次的中位数**" if rounds == 1 else f"每行跑 {rounds} 次，取中位数"
        return f"`python -m tests.bench.sizing --rounds {rounds}`，{often}，每次 {seconds:g} 秒。"
    often = "once for each line: **not medians of several runs**" if rounds == 1 else f"medians of {rounds} runs a line"
    return f"`python -m tests.bench.sizing --rounds {rounds}`, {often}, {seconds:g} s each."


def example_table(measured: Measured, chinese: bool) -> str:
    """What `dayuan-cloud size` prints of 10,000 gateways. Chinese pages show the command's own words."""
    del chinese
    spent = {name: Cost(*pair) for name, pair in costs(measured).items()}
    rows = size(EXAMPLE, Sizes(**spent, claims_per_s=claims_per_s(measured)))
    width, wide = max(len(row.name) for row in rows), max(len(row.value) for row in rows)
    return "\n" + "\n".join(f"    {row.name:{width}}  {row.value:>{wide}}  {row.origin}" for row in rows) + "\n"


def _who(case: dict[str, Any], chinese: bool) -> str:
    members, gateways = case["members"], f"{case['gateways']:,}"
    if chinese:
        return f"{f'一组 {members}' if members else '内置'}，{gateways} 台网关"
    return f"{f'group of {members}' if members else 'embedded'}, {gateways} gateways"


BLOCKS: dict[str, Callable[[Measured, bool], str]] = {
    "rounds": rounds_line,
    "spent": spent_table,
    "constants": constants_table,
    "back": back_table,
    "example": example_table,
}


def page(text: str, measured: Measured, *, chinese: bool) -> str:
    """A page with its blocks written anew. Raises ValueError when a mark is missing."""
    for name, write in BLOCKS.items():
        begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"the page needs {begin} and {end} once each")
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{write(measured, chinese)}\n{end}{after}"
    return text


def source(text: str, measured: Measured) -> str:
    """``cloud/sizing.py`` with its constants written anew."""
    lines = [f"    {name}=Cost(batch_us={b:g}, reading_us={r:g}),\n" for name, (b, r) in costs(measured).items()]
    made = "MEASURED = Measured(\n" + "".join(lines) + f"    claims_per_s={claims_per_s(measured)},\n)\n"
    return re.sub(r"MEASURED = Measured\(\n.*?\n\)\n", lambda _: made, text, flags=re.DOTALL)


def write() -> None:
    """Write all three files."""
    measured = json.loads(FIGURES.read_text("utf-8"))
    for path, chinese in ((ENGLISH, False), (CHINESE, True)):
        path.write_text(page(path.read_text("utf-8"), measured, chinese=chinese), "utf-8")
    CONSTANTS.write_text(source(CONSTANTS.read_text("utf-8"), measured), "utf-8")


if __name__ == "__main__":
    write()
