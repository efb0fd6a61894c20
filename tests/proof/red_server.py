"""Runs pytest again and again, each time in a fork of a process that has imported the libraries already.

Starting Python and importing numpy, DuckDB and the web framework takes longer than most of the tests. Of our own code
nothing is imported here: each fork imports it anew, with a fault in it or without. Reads one job per line from standard
input ({"arguments", "environment", "output", "within_s"}) and answers each with a line: the exit code, -1 out of time.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import sys
import traceback
from typing import Any

LIBRARIES = (
    *("pytest", "_pytest.junitxml", "pytest_asyncio.plugin", "hypothesis", "hypothesis.strategies", "httpx"),
    *("numpy", "duckdb", "sqlalchemy", "sqlalchemy.ext.asyncio", "aiosqlite", "alembic.command", "argon2"),
    *("aiomqtt", "paho.mqtt.client", "msgspec", "zstandard", "fastapi", "uvicorn", "serial"),
)


def run(job: dict[str, Any]) -> int:
    """One job in a fork of this process."""
    child = os.fork()
    if not child:
        _be_child(job)
    ended = os.pidfd_open(child)
    in_time, _, _ = select.select([ended], [], [], job["within_s"])
    os.close(ended)
    if in_time:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def _be_child(job: dict[str, Any]) -> None:
    code = 70
    try:
        os.setsid()
        output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        null = os.open(os.devnull, os.O_RDONLY)
        for number, descriptor in ((0, null), (1, output), (2, output)):
            os.dup2(descriptor, number)
        os.environ.clear()
        os.environ.update(job["environment"])
        import pytest

        code = int(pytest.main(job["arguments"]))
    except BaseException:  # noqa: BLE001  # the end of a process: nobody else would tell it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin:
        print(run(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
