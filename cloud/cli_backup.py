"""``dayuan-cloud backup`` and ``dayuan-cloud restore``: beside a running collector or without one."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from cloud.settings import CloudSettings, load_cloud
from cloud.settings_file import DEFAULT_DATA
from protocols.clock import SystemClock
from protocols.errors import BadSettings

DONE, FAILED = 0, 1

BACKUP = """write registry and readings into one file, while the collector runs, and read it back

Keys are not in it. Readings that gateways bring afterwards are not either: a backup is as good as it is new."""
RESTORE = """put a backup's registry and readings into a data folder; the collector must not run

The backup is read and checked whole before anything is touched. With --check nothing is touched at all."""


def add_backup_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Both commands."""
    for name, about, what in (("backup", BACKUP, "the file to write"), ("restore", RESTORE, "the backup")):
        parser = commands.add_parser(
            name,
            help=about.partition("\n")[0],
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("file", type=Path, metavar="FILE", help=what)
        parser.add_argument("--settings", type=Path, metavar="cloud.toml", help="settings file of the collector")
        parser.add_argument("--data", metavar="DIR", help=f"its data folder (else {DEFAULT_DATA})")
        parser.add_argument("--json", action="store_true", help="as JSON")
        if name == "restore":
            parser.add_argument(
                "--replace", action="store_true", help="keep what is there aside, and take the backup's"
            )
            parser.add_argument("--check", action="store_true", help="only read it and compare every sum")
        parser.set_defaults(work=backup if name == "backup" else restore)


def backup(options: argparse.Namespace) -> int:
    """The command ``backup``. Errors of ours are told by the caller."""
    from cloud.backup import write_backup

    settings = _embedded(options)
    try:
        made = write_backup(settings.data, options.file, SystemClock())
    except OSError as error:
        print(f"backup: {error}", file=sys.stderr)
        return FAILED
    if options.json:
        print(json.dumps({"file": str(options.file), "bytes": options.file.stat().st_size, **_facts(made)}))
        return DONE
    print(f"{options.file}: {_content(made)}; read back, every sum is right")
    if made.left_out:
        print(f"not in it, keep them yourself where they matter: {', '.join(made.left_out)}")
    return DONE


def restore(options: argparse.Namespace) -> int:
    """The command ``restore``."""
    from cloud.backup import read_backup
    from cloud.backup_restore import restore_backup

    settings = _embedded(options)
    aside = None
    try:
        if options.check:
            found = read_backup(options.file)
        else:
            found, aside = restore_backup(options.file, settings.data, SystemClock(), replace=options.replace)
    except OSError as error:
        print(f"restore: {error}", file=sys.stderr)
        return FAILED
    if options.json:
        print(json.dumps({"data": str(settings.data), "aside": aside and str(aside), **_facts(found)}))
        return DONE
    print(f"{options.file}: {_content(found)}; every sum is right")
    if options.check:
        return DONE
    print(f"restored into {settings.data}" + (f"; what was there is in {aside}" if aside else ""))
    print(
        f"Gateways send what they still hold. What they were told is stored after {_instant(found.stored_to)} is lost."
    )
    return DONE


def _embedded(options: argparse.Namespace) -> CloudSettings:
    """The settings, of a collector whose data is all in its folder. Raises BadSettings."""
    settings = load_cloud(options.settings, data=options.data)
    servers = [
        f"[{table}] is on a server ({tool})"
        for table, tool, place in (
            ("registry", "pg_dump", settings.registry_server),
            ("store", "its own tools", settings.store_server),
        )
        if place is not None
    ]
    if servers:
        text = f"{', '.join(servers)}: back that up there; this command copies only what is in the data folder"
        raise BadSettings(text, file=str(options.settings))
    return settings


def _facts(made: object) -> dict[str, object]:
    import msgspec

    facts: dict[str, object] = msgspec.to_builtins(made)
    return facts


def _content(made: object) -> str:
    from cloud.backup import Manifest

    assert isinstance(made, Manifest)
    return f"{made.readings:,} readings, {made.events:,} events in {made.batches:,} batches as of {_instant(made.at)}"


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at // 1000, UTC).isoformat().replace("+00:00", "Z")
