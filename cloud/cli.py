"""``dayuan-cloud``: run the collector, check its settings, and look after users and tokens."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cloud.registry.database import Database
from cloud.registry.passwords import Passwords
from cloud.registry.roles import Role
from cloud.registry.tokens import BadToken, Tokens
from cloud.registry.users import BadUser, Users
from cloud.settings import DEFAULT_BROKER, DEFAULT_DATA, DEFAULT_LISTEN, PASSWORD_FILE, CloudSettings, load_cloud
from cloud.version import version
from protocols.clock import SystemClock
from protocols.errors import BadSettings, DayuanError
from protocols.settings import duration

DONE, FAILED, WRONG = 0, 1, 2

ROLES = [role.value for role in Role]


class Desk:
    """What the commands for users and tokens work on: the registry of a data folder, beside a running collector."""

    def __init__(self, database: Database) -> None:
        clock = SystemClock()
        self.passwords = Passwords()
        self.users = Users(database, self.passwords, clock)
        self.tokens = Tokens(database, clock)


DeskWork = Callable[[Desk, argparse.Namespace], Awaitable[object]]


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="dayuan-cloud", description="The collector: takes readings in, and shows them."
    )
    parser.add_argument("--version", action="version", version=f"dayuan {version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_check(commands)
    users = commands.add_parser("user", help="people who may log in").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    add = _desk_command(users, "add", "make a user; prints a one-time password", _user_add)
    add.add_argument("name", help="login name: letters, digits and . _ - @")
    add.add_argument("--role", choices=ROLES, default=Role.VIEWER.value, help="what the user may do")
    _desk_command(users, "list", "all users", _user_list)
    for action, about, work in (
        ("reset", "give a user a new one-time password and end all sessions", _user_reset),
        ("disable", "shut a user out at once", _user_disable),
        ("enable", "let a user in again", _user_enable),
    ):
        _desk_command(users, action, about, work).add_argument("name", help="login name")
    role = _desk_command(users, "role", "change what a user may do", _user_role)
    role.add_argument("name", help="login name")
    role.add_argument("role", choices=ROLES, help="what the user may do from now on")
    tokens = commands.add_parser("token", help="tokens with which programs read the API").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    add = _desk_command(tokens, "add", "make a token; it is shown once", _token_add)
    add.add_argument("name", nargs="?", default="api", help="what it is for")
    add.add_argument("--role", choices=ROLES, default=Role.VIEWER.value, help="what it may do")
    add.add_argument("--lasts", metavar="TIME", help='ends by itself after so long, as in "90 d"')
    _desk_command(tokens, "list", "all tokens, without their secrets", _token_list)
    _desk_command(tokens, "revoke", "end a token at once", _token_revoke).add_argument("id", help="as in the list")
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
    except (BadUser, BadToken) as error:
        print(error, file=sys.stderr)
        return FAILED
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


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    check = commands.add_parser("check", help="read the settings and say what they mean; starts nothing")
    _add_settings(check)
    check.add_argument("--json", action="store_true", help="as JSON")
    check.set_defaults(work=_check)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("settings", nargs="?", type=Path, metavar="cloud.toml", help="settings file; none is needed")
    parser.add_argument("--data", metavar="DIR", help=f"folder of the embedded stores (else {DEFAULT_DATA})")
    parser.add_argument("--broker", metavar="URL", help=f"broker (else {DEFAULT_BROKER})")
    parser.add_argument("--listen", metavar="HOST:PORT", help=f"address of the page (else {DEFAULT_LISTEN})")


def _desk_command(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, about: str, work: DeskWork
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

    settings = _load(options)
    settings.broker_password()
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    password_file = options.one_time_password_file
    if password_file is None and not sys.stdout.isatty():
        password_file = settings.data / PASSWORD_FILE  # standard output may be somebody's log
    asyncio.run(run_collector(settings, SystemClock(), password_file=password_file, say=_say))
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
    if not settings.registry_path.exists():
        print(
            f"{settings.registry_path}: there is no registry; the collector makes it at its first start. "
            "Is --data right?",
            file=sys.stderr,
        )
        return FAILED
    answer = asyncio.run(_with_desk(settings, options))
    if options.json:
        print(json.dumps(answer, ensure_ascii=False))
    elif isinstance(answer, list):
        if answer:
            _print_table([list(answer[0]), *([_cell(value) for value in row.values()] for row in answer)])
    elif isinstance(answer, dict):
        _print_table([[name, _cell(value)] for name, value in answer.items()])
    return DONE


async def _with_desk(settings: CloudSettings, options: argparse.Namespace) -> object:
    database = Database(settings.registry_path, SystemClock())
    desk = Desk(database)
    try:
        await database.open(replace_damaged=False)
        work: DeskWork = options.desk_work
        return await work(desk, options)
    finally:
        desk.passwords.close()
        await database.close()


async def _user_add(desk: Desk, options: argparse.Namespace) -> object:
    password = await desk.users.add(options.name, Role(options.role))
    return {"user": options.name.strip().lower(), "role": options.role, "one_time_password": password}


async def _user_list(desk: Desk, _: argparse.Namespace) -> object:
    return [
        {
            "name": user.name,
            "role": user.role,
            "disabled": user.disabled,
            "must_change_password": user.must_change_password,
            "last_login": _instant(user.last_login_at),
        }
        for user in await desk.users.all()
    ]


async def _user_reset(desk: Desk, options: argparse.Namespace) -> object:
    return {"user": options.name, "one_time_password": await desk.users.reset(options.name)}


async def _user_disable(desk: Desk, options: argparse.Namespace) -> object:
    await desk.users.set_disabled(options.name, disabled=True)
    return {"user": options.name, "disabled": True}


async def _user_enable(desk: Desk, options: argparse.Namespace) -> object:
    await desk.users.set_disabled(options.name, disabled=False)
    return {"user": options.name, "disabled": False}


async def _user_role(desk: Desk, options: argparse.Namespace) -> object:
    await desk.users.set_role(options.name, Role(options.role))
    return {"user": options.name, "role": options.role}


async def _token_add(desk: Desk, options: argparse.Namespace) -> object:
    try:
        lasts_s = duration(options.lasts) if options.lasts else None
    except ValueError as error:
        raise BadToken(f"--lasts: {error}") from None
    token_id, secret = await desk.tokens.add(options.name, Role(options.role), lasts_s=lasts_s)
    return {"id": token_id, "name": options.name, "role": options.role, "token": secret}


async def _token_list(desk: Desk, _: argparse.Namespace) -> object:
    return [
        {
            "id": token.id,
            "name": token.name,
            "role": token.role,
            "created": _instant(token.created_at),
            "expires": _instant(token.expires_at),
            "last_used": _instant(token.last_used_at),
            "revoked": _instant(token.revoked_at),
        }
        for token in await desk.tokens.all()
    ]


async def _token_revoke(desk: Desk, options: argparse.Namespace) -> object:
    await desk.tokens.revoke(options.id)
    return {"id": options.id, "revoked": True}


def _instant(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at // 1000, UTC).isoformat().replace("+00:00", "Z")


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
