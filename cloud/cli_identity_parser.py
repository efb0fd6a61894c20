"""The options of ``dayuan-cloud gateway`` and ``dayuan-cloud broker``. What they do stands in cli_identity.py."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cloud.cli_rollout_parser import add_rollouts, add_trial

Commands = argparse._SubParsersAction  # argparse has no public name for it
AddCommand = Callable[[Any, str, str, str], argparse.ArgumentParser]

BROKER_LISTEN = "0.0.0.0:8883"


def add_identity(commands: Commands[argparse.ArgumentParser], add: AddCommand) -> None:
    """Add both to the command line; ``add`` makes a command that works on a registry."""
    gateways = commands.add_parser("gateway", help="which gateways may send, and their certificates").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    invite = add(gateways, "add", "make a one-time code with which a box becomes this gateway", "gateway_add")
    invite.add_argument("gateway", metavar="SITE/GATEWAY", help="ids as in the gateway's site file")
    invite.add_argument("--lasts", metavar="TIME", default="1h", help="how long the code can be used, 1 min to 24 h")
    add(gateways, "list", "enrolled gateways, when their certificates end, and codes not used yet", "gateway_list")
    revoke = add(
        gateways, "revoke", "take a gateway's certificates back: it is cut off and stays out", "gateway_revoke"
    )
    revoke.add_argument("gateway", metavar="SITE/GATEWAY", help="as in the list")
    revoke.add_argument("--reason", default="", help="for the list")
    _add_config(commands, add)
    _add_members(commands, add)
    broker = commands.add_parser("broker", help="what the broker must know").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    files = add(
        broker, "files", "write settings, access list, certificates and revocation list for mosquitto", "broker_files"
    )
    files.add_argument("folder", type=Path, metavar="DIR", help="where to write; made when it is not there")
    files.add_argument(
        "--broker-listen", metavar="HOST:PORT", default=BROKER_LISTEN, help=f"where it listens (else {BROKER_LISTEN})"
    )
    files.add_argument(
        "--name",
        action="append",
        metavar="NAME",
        help="host name or address by which gateways reach it; may be given several times",
    )
    files.add_argument("--connections", type=int, default=1000, metavar="N", help="at most so many at once")
    renew = add(broker, "renew", "renew the broker's certificate and let it read it; nobody is cut off", "broker_renew")
    renew.add_argument("folder", type=Path, metavar="DIR", help="as for files")
    renew.add_argument("--now", action="store_true", help="also when more than a third of its time is left")
    approvals = commands.add_parser("approval", help="commands that wait for a second person").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    listed = add(approvals, "list", "what waits and what was decided, the newest first", "approval_list")
    listed.add_argument("--many", type=int, default=20, metavar="N", help="how many (else 20)")
    reject = add(approvals, "reject", "reject one; approving takes a second person, on the page", "approval_reject")
    reject.add_argument("id", metavar="ID", help="as in the list")
    reject.add_argument("--reason", default="", help="for the record")


def _add_members(commands: Commands[argparse.ArgumentParser], add: AddCommand) -> None:
    members = commands.add_parser(
        "member", help="collectors of a group that show certificates to the broker"
    ).add_subparsers(dest="action", required=True, metavar="ACTION")
    invite = add(members, "add", "let a member ask for its certificate; what it had holds no more", "member_add")
    invite.add_argument("name", metavar="NAME", help="who it is: `dayuan-cloud ingest --member NAME`")
    invite.add_argument("--lasts", metavar="TIME", default="1h", help="how long it may ask (else 1h)")
    add(members, "list", "all members, and until when their certificates hold", "member_list")
    revoke = add(members, "revoke", "take a member's certificates back; the others go on", "member_revoke")
    revoke.add_argument("name", metavar="NAME", help="as in the list")
    revoke.add_argument("--reason", default="", help="for the list")


def _add_config(commands: Commands[argparse.ArgumentParser], add: AddCommand) -> None:
    actions = commands.add_parser(
        "config", help="site files of gateways: what runs, what is wanted, and a new one"
    ).add_subparsers(dest="action", required=True, metavar="ACTION")
    show = add(actions, "show", "what a gateway runs, and what is wanted", "config_show")
    history = add(actions, "history", "every revision and what became of it", "config_history")
    diff = add(actions, "diff", "what a file would change", "config_diff")
    put = add(actions, "set", "want a file: the gateway tries it, and takes it back when it is not good", "config_set")
    revert = add(actions, "revert", "want an earlier revision again, under a new number", "config_revert")
    for each in (show, history, diff, put, revert):
        each.add_argument("gateway", metavar="SITE/GATEWAY", help="as in the list of gateways")
    for each in (diff, put):
        each.add_argument("file", type=Path, metavar="FILE", help="a site file")
    add_rollouts(actions, add)
    show.add_argument("--revision", type=int, metavar="N", help="the text of one revision")
    revert.add_argument("revision", type=int, metavar="N", help="as in the history")
    for each in (put, revert):
        each.add_argument("--reason", required=True, help="stands in the history")
        add_trial(each)
