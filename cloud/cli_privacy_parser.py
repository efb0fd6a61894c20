"""How ``dayuan-cloud privacy`` and ``dayuan-cloud retention`` are asked for; imports nothing of what they do."""

import argparse
from collections.abc import Callable

Command = Callable[["argparse._SubParsersAction[argparse.ArgumentParser]", str, str, str], argparse.ArgumentParser]
PERSON = "user:NAME, name:NAME, phone:NUMBER, card:CARD-KEY or plate:PLATE; several are the same person"


def add_privacy(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", command: Command) -> None:
    """Both commands."""
    privacy = commands.add_parser("privacy", help="everything on one person").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    export = command(privacy, "export", "give out everything held on one person, as a ZIP", "privacy_export")
    export.add_argument("person", nargs="+", metavar="PERSON", help=PERSON)
    export.add_argument("--to", required=True, metavar="FOLDER", help="where the ZIP is written")
    delete = command(privacy, "delete", "say what would go; with --confirm it goes", "privacy_delete")
    delete.add_argument("person", nargs="+", metavar="PERSON", help=PERSON)
    delete.add_argument("--confirm", default="", metavar="WORD", help="of the answer that said what goes")
    also = "of what may be about the person: an id of that answer; may be repeated"
    delete.add_argument("--also", action="append", metavar="ID", help=also)
    retention = commands.add_parser("retention", help="for how long people are remembered").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    command(retention, "show", "what is kept for how long, and what the last rounds did", "retention_show")
    run = command(retention, "run", "delete what is too old now", "retention_run")
    run.add_argument("--dry-run", action="store_true", help="only say what would go")
