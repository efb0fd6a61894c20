"""What is told and kept of a failed test: where its ledger is, how its logs end, and a copy for whoever looks later."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from simulators.workshop import Workshop

LOG_LINES = 12
SECRETS = frozenset({"secrets", "passwords", "card.key", "one-time-password"})


def told(workshop: Workshop) -> str:
    """For a person who reads the failure: the ledger, what it counts, and the end of each log."""
    answers, messages = workshop.call(workshop.ledger.counts)
    incidents = workshop.call(workshop.ledger.incidents)
    parts = [f"ledger: {workshop.ledger_file} ({answers} answers, {messages} messages)"]
    parts += [f"  {incident.name} was {incident.what}" for incident in incidents]
    for log in workshop.logs:
        parts += [f"{log}:", *(f"  {line}" for line in _last_lines(log) or ["(empty)"])]
    return "\n".join(parts)


def _last_lines(log: Path) -> list[str]:
    try:
        return log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    except OSError:
        return []


def keep(workshop: Workshop, folder: Path, test: str) -> Path:
    """Copy ledger, logs, site files, buffers, store to a folder named after the test; passwords and keys stay out."""
    into = folder / re.sub(r"[^\w.-]+", "-", test).strip("-")
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(workshop.folder, into, ignore=_not_to_be_kept)
    return into


def _not_to_be_kept(folder: str, names: list[str]) -> set[str]:
    """Secrets, and what is no file: sockets, links to terminals."""
    paths = {name: Path(folder) / name for name in names}
    return {name for name, path in paths.items() if name in SECRETS or path.is_symlink() or _is_special(path)}


def _is_special(path: Path) -> bool:
    return not (path.is_file() or path.is_dir())
