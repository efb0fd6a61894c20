"""The options of ``dayuan-cloud config rollout``, and those of every trial. What they do stands in cli_rollout.py."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

Commands = argparse._SubParsersAction  # argparse has no public name for it
AddCommand = Callable[[Any, str, str, str], argparse.ArgumentParser]

CONFIRM_S = 300
USUAL = ("1", "10 %", "50 %", "100 %")
SOAK, PATIENCE = "10 min", "1 h"


def add_trial(command: argparse.ArgumentParser) -> None:
    """When a file is tried, and for how long."""
    command.add_argument(
        "--confirm-within", type=int, default=CONFIRM_S, metavar="S", help=f"10 to 3600 s (else {CONFIRM_S})"
    )
    command.add_argument(
        "--not-before",
        metavar="TIME",
        default="",
        help='not tried before then, in the time zone of the site: "2026-10-01 02:00"; with an offset, as in '
        '"2026-10-01T02:00+08:00", the same instant everywhere',
    )


def add_rollouts(actions: Commands[argparse.ArgumentParser], add: AddCommand) -> None:
    """Add ``config rollout``; ``add`` makes a command that works on a registry."""
    deeds = actions.add_parser("rollout", help="one change for many gateways, in stages").add_subparsers(
        dest="deed", required=True, metavar="DEED"
    )
    plan = add(deeds, "plan", "plan one; every gateway's whole file is checked, and nothing is sent", "rollout_plan")
    what = plan.add_mutually_exclusive_group(required=True)
    what.add_argument("--folder", type=Path, metavar="DIR", help="site files, DIR/SITE/GATEWAY.toml")
    what.add_argument(
        "--change",
        action="append",
        metavar="LINE",
        help="""as in 'set buffer.flush_every = "5 s"', 'unset device[meter-08].every'; may be given several times""",
    )
    plan.add_argument(
        "--for",
        dest="gateways",
        action="append",
        metavar="SITE/GATEWAY",
        help="with --change: for whom, also SITE/*; else all that take site files",
    )
    plan.add_argument("--site", default="", metavar="ID", help="for none but this one's gateways")
    plan.add_argument(
        "--stage",
        action="append",
        metavar="STAGE",
        help='"east/b3, east/b4", "2" or "10 %%"; may be given several '
        f"times (else {', '.join(USUAL).replace('%', '%%')})",
    )
    plan.add_argument("--soak", default=SOAK, metavar="TIME", help=f"between two stages (else {SOAK})")
    plan.add_argument(
        "--patience", default=PATIENCE, metavar="TIME", help=f"how long a stage waits for who is away (else {PATIENCE})"
    )
    plan.add_argument("--failures", type=int, default=0, metavar="K", help="stop at more than so many (else 0)")
    plan.add_argument("--reason", required=True, help="stands in every history")
    add_trial(plan)
    add(deeds, "list", "the newest first", "rollout_list")
    show = add(deeds, "show", "how far it is, with every gateway", "rollout_show")
    diff = add(deeds, "diff", "what changes for each gateway, or for one", "rollout_diff")
    start = add(deeds, "start", "begin with the first stage", "rollout_start")
    pause = add(deeds, "pause", "begin with no further gateway", "rollout_pause")
    go_on = add(deeds, "continue", "go on, in spite of what failed so far", "rollout_continue")
    abort = add(deeds, "abort", "end it: who has not heard of it never will", "rollout_abort")
    pause.add_argument("id", type=int, nargs="?", metavar="ID", help="as in the list")
    pause.add_argument(
        "--restored",
        action="store_true",
        help="all that run, in a registry that was put back; before its collector starts",
    )
    for each in (show, diff, start, go_on, abort):
        each.add_argument("id", type=int, metavar="ID", help="as in the list")
    diff.add_argument("--gateway", metavar="SITE/GATEWAY", help="only this one's")
    start.add_argument("--without-wrong", action="store_true", help="leave out whose file is wrong")
    abort.add_argument(
        "--back",
        action="store_true",
        help="give back the file of before, also to who confirmed it; not to who was given or runs another since",
    )
