"""``dayuan-cloud``: run the collector, check its settings, and look after users, tokens and sites."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cloud.cli_backup import add_backup_commands
from cloud.cli_identity_parser import add_identity
from cloud.cli_privacy_parser import add_privacy
from cloud.cli_size import add_size
from cloud.registry.roles import Role
from cloud.settings import PASSWORD_FILE, CloudSettings, load_cloud
from cloud.settings_file import DEFAULT_BROKER, DEFAULT_DATA, DEFAULT_LISTEN
from cloud.version import version
from protocols.alive import alive
from protocols.clock import SystemClock
from protocols.data_owner import become_owner
from protocols.errors import BadSettings, DayuanError
from protocols.no_core import keep_memory_private

DONE, FAILED, WRONG = 0, 1, 2

ROLES = [role.value for role in Role]


BEFORE_FIRST_START = frozenset({"broker_files"})
"""They begin a registry where there is none: a collector that speaks TLS needs its broker before its first start."""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="dayuan-cloud", description="The collector: takes readings in, and shows them."
    )
    parser.add_argument("--version", action="version", version=f"dayuan {version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_ingest(commands)
    _add_check(commands)
    add_size(commands)
    _add_users(commands)
    tokens = commands.add_parser("token", help="tokens with which programs read the API").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    add = _desk_command(tokens, "add", "make a token; it is shown once", "token_add")
    add.add_argument("name", nargs="?", default="api", help="what it is for")
    add.add_argument("--role", choices=ROLES, default=Role.VIEWER.value, help="what it may do")
    add.add_argument(
        "--for", dest="scope", choices=["energy"], help="may only read energy; such a token may stand in an address"
    )
    add.add_argument("--lasts", metavar="TIME", help='ends by itself after so long, as in "90 d"')
    add.add_argument("--site", default="", metavar="ID", help="only at this site")
    _desk_command(tokens, "list", "all tokens, without their secrets", "token_list")
    _desk_command(tokens, "revoke", "end a token at once", "token_revoke").add_argument("id", help="as in the list")
    _add_trackers(commands)
    _add_calendars(commands)
    _add_audit(commands)
    bring_in = _desk_command(
        commands, "import", "bring in a site: assets, days, units and places; all of it or nothing", "import_site"
    )
    bring_in.add_argument("file", type=Path, metavar="FILE", help="a table of assets (toml, csv)")
    bring_in.add_argument("--site", default="", metavar="ID", help="which site (TOML may say it itself)")
    bring_in.add_argument("--dry-run", action="store_true", help="only say what would change")
    bring_in.add_argument("--remove", action="store_true", help="forget assets of the site that the file does not name")
    _add_access(commands)
    draw = _desk_command(
        commands, "map", "put the drawn map of a site (GeoJSON) in place of the one there is", "map_site"
    )
    draw.add_argument("file", type=Path, metavar="FILE", help="a GeoJSON FeatureCollection in WGS-84")
    draw.add_argument("--site", default="", metavar="ID", help="which site (else the collection's name)")
    draw.add_argument("--dry-run", action="store_true", help="only check it")
    add_backup_commands(commands)
    add_identity(commands, _desk_command)
    add_privacy(commands, _desk_command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = build_parser().parse_args(arguments)
    work: Callable[[argparse.Namespace], int] = options.work
    try:
        return work(options)
    except BadSettings as error:
        print(error, file=sys.stderr)
        return WRONG
    except DayuanError as error:
        print(f"dayuan-cloud: {error}", file=sys.stderr)
        return FAILED


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = commands.add_parser("run", help="run the collector until Ctrl-C")
    _add_settings(run)
    run.add_argument(
        "--one-time-password-file",
        metavar="FILE",
        type=Path,
        help="write the first administrator's one-time password there (mode 0600) instead of on the terminal",
    )
    run.add_argument(
        "--log-level",
        choices=["debug", "info", "warning", "error"],
        default="info",
        help="how much is told on standard error",
    )
    run.set_defaults(work=_run)


def _add_ingest(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    ingest = commands.add_parser(
        "ingest", help="take in batches as one of a group of collectors; `run` on the same settings works its desk"
    )
    ingest.add_argument("settings", type=Path, metavar="cloud.toml", help="settings file, with [group]")
    ingest.add_argument("--member", metavar="NAME", help="who this one is in the group, another for each")
    ingest.add_argument(
        "--log-level", choices=["debug", "info", "warning", "error"], default="info", help="how much is told"
    )
    ingest.set_defaults(work=_ingest)


def _add_trackers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    trackers = commands.add_parser("tracker", help="phones that send their positions over HTTP").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    add = _desk_command(
        trackers, "add", "let a phone send the positions of a device; its token is shown once", "tracker_add"
    )
    add.add_argument("tracker", metavar="SITE/DEVICE", help="whose positions they are, as in east-compound/phone-1")
    add.add_argument("--name", default="", help="what people call it (else the device's id)")
    _desk_command(trackers, "list", "all trackers, without their tokens", "tracker_list")
    _desk_command(trackers, "revoke", "end a tracker at once", "tracker_revoke").add_argument(
        "id", help="as in the list"
    )


def _add_calendars(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    feeds = commands.add_parser("calendar", help="secret addresses of room calendars").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    add = _desk_command(feeds, "add", "make an address that calendar programs subscribe to; shown once", "calendar_add")
    add.add_argument("site", metavar="SITE", help="whose bookings")
    add.add_argument("--room", default="", metavar="ID", help="of this room only")
    add.add_argument("--organiser", default="", metavar="NAME", help="of this person only, as bookings name it")
    add.add_argument("--name", default="", help="what it is for")
    add.add_argument("--lasts", metavar="TIME", help='ends by itself after so long, as in "90 d"')
    _desk_command(feeds, "list", "all calendar addresses, without their secrets", "calendar_list")
    revoke = _desk_command(feeds, "revoke", "end an address at once", "calendar_revoke")
    revoke.add_argument("id", help="as in the list")


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    check = commands.add_parser("check", help="read the settings and say what they mean; starts nothing")
    _add_settings(check)
    check.add_argument("--json", action="store_true", help="as JSON")
    check.set_defaults(work=_check)


def _add_users(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    users = commands.add_parser("user", help="people who may log in").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    add = _desk_command(users, "add", "make a user; prints a one-time password", "user_add")
    add.add_argument("name", help="login name: letters, digits and . _ - @")
    add.add_argument("--role", choices=ROLES, default=Role.VIEWER.value, help="what the user may do")
    _desk_command(users, "list", "all users", "user_list")
    for action, about, work in (
        ("reset", "give a user a new one-time password and end all sessions", "user_reset"),
        ("disable", "shut a user out at once", "user_disable"),
        ("enable", "let a user in again", "user_enable"),
        ("reset-second-factor", "take away a second factor whose phone is lost", "user_second_factor_reset"),
    ):
        _desk_command(users, action, about, work).add_argument("name", help="login name")
    role = _desk_command(users, "role", "change what a user may do", "user_role")
    role.add_argument("name", help="login name")
    role.add_argument("role", choices=ROLES, help="what the user may do from now on")
    role.add_argument("--add", action="store_true", help="beside the roles there are, not in their place")
    for each in (add, role):
        each.add_argument("--site", action="append", metavar="ID", help="only at this site; may be given again")


def _add_access(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    access = commands.add_parser("access", help="who may open which door").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    bring_in = _desk_command(
        access, "import", "bring in people, cards and rules of a site; all of it or nothing", "access_import"
    )
    bring_in.add_argument("file", type=Path, metavar="FILE", help="people and cards (toml, csv)")
    bring_in.add_argument("--site", required=True, metavar="ID", help="which site")
    bring_in.add_argument("--dry-run", action="store_true", help="only say what would change")


def _add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    audit = commands.add_parser("audit", help="the trail of who did what").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    _desk_command(audit, "verify", "follow the whole chain; names the first bad record", "audit_verify")
    listed = _desk_command(audit, "list", "the last records", "audit_list")
    listed.add_argument("--last", type=int, default=50, metavar="N", help="so many (else 50)")
    listed.add_argument("--actor", default="", metavar="NAME", help="only of this one")
    listed.add_argument("--match", dest="action_part", default="", metavar="TEXT", help="only actions that hold this")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("settings", nargs="?", type=Path, metavar="cloud.toml", help="settings file; none is needed")
    parser.add_argument("--data", metavar="DIR", help=f"folder of the embedded stores (else {DEFAULT_DATA})")
    parser.add_argument("--broker", metavar="URL", help=f"broker (else {DEFAULT_BROKER})")
    parser.add_argument("--listen", metavar="HOST:PORT", help=f"address of the page (else {DEFAULT_LISTEN})")


def _desk_command(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str, work: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=about)
    parser.add_argument("--settings", type=Path, metavar="cloud.toml", help="settings file of the collector")
    parser.add_argument("--data", metavar="DIR", help=f"its data folder (else {DEFAULT_DATA})")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(work=_at_desk, desk_work=work)
    return parser


def _load(options: argparse.Namespace) -> CloudSettings:
    return load_cloud(options.settings, data=options.data, broker=options.broker, listen=options.listen)


def _run(options: argparse.Namespace) -> int:
    from cloud.app import run_collector  # a second of imports that the other commands do not need

    keep_memory_private()
    settings = _load(options)
    become_owner(settings.data, settings.registry_path)
    settings.broker_password()
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    password_file = options.one_time_password_file
    if password_file is None and not sys.stdout.isatty():
        password_file = settings.data / PASSWORD_FILE  # standard output may be somebody's log
    clock = SystemClock()
    asyncio.run(alive(run_collector(settings, clock, password_file=password_file, say=_say), clock))
    return DONE


def _ingest(options: argparse.Namespace) -> int:
    from cloud.group_member import run_member

    keep_memory_private()
    settings = load_cloud(options.settings, member=options.member)
    become_owner(settings.data, settings.registry_path)
    settings.broker_password()
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    clock = SystemClock()
    asyncio.run(alive(run_member(settings, clock, say=_say), clock))
    return DONE


def _say(line: str) -> None:
    print(line, flush=True)


def _check(options: argparse.Namespace) -> int:
    settings = _load(options)
    settings.broker_password()
    facts = {
        "data": str(settings.data.resolve()),
        "broker": str(settings.broker),
        "listen": str(settings.listen),
        "https": settings.https,
        "sites": [site.id for site in settings.sites],
        "warnings": settings.warnings(),
    }
    if options.json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        _print_table([[name, _cell(value)] for name, value in facts.items() if name != "warnings"])
        for warning in settings.warnings():
            print(f"warning: {warning}")
    return DONE


def _at_desk(options: argparse.Namespace) -> int:
    settings = load_cloud(options.settings, data=options.data)
    is_missing = settings.registry_server is None and not settings.registry_path.exists()
    if is_missing and options.desk_work in BEFORE_FIRST_START:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    elif is_missing:
        print(
            f"{settings.registry_path}: there is no registry; the collector makes it at its first start. "
            "Is --data right?",
            file=sys.stderr,
        )
        return FAILED
    become_owner(settings.data, settings.registry_path)
    # The registry costs a second of imports, which help and a wrong command line do not need.
    from cloud.cli_desk import Mistaken, at_desk

    try:
        answer = asyncio.run(at_desk(settings, options))
    except Mistaken as error:
        print(error, file=sys.stderr)
        return FAILED
    if options.json:
        print(json.dumps(answer, ensure_ascii=False))
    elif isinstance(answer, list):
        if answer:
            _print_table([list(answer[0]), *([_cell(value) for value in row.values()] for row in answer)])
    elif isinstance(answer, dict):
        _print_table([[name, _cell(value)] for name, value in answer.items()])
    return DONE


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        print("  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
