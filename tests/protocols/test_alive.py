"""A loop that stands still ends its process; one that is only busy does not."""

from __future__ import annotations

import signal
import subprocess
import sys

PROGRAM = """
import asyncio, threading, time
from protocols.alive import alive
from protocols.clock import SystemClock

async def work():
    await asyncio.sleep(0.1)
    BODY

asyncio.run(alive(work(), SystemClock(), within_s=WITHIN))
AFTER
print("ended by itself")
"""
FOR_EVER = "threading.Event().wait()  # the thread that would set it was never born"


def ran(body: str, after: str, within_s: float) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.replace("BODY", body).replace("AFTER", after).replace("WITHIN", str(within_s))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_a_loop_that_waits_for_ever_ends_the_process_and_shows_where_it_stood() -> None:
    ended = ran(FOR_EVER, "", 0.5)
    assert ended.returncode == -signal.SIGALRM
    assert "in wait" in ended.stderr and "in work" in ended.stderr


def test_a_busy_loop_goes_on() -> None:
    ended = ran("[(time.sleep(0.3), await asyncio.sleep(0.2)) for _ in range(6)]", "", 1.5)
    assert (ended.returncode, ended.stdout) == (0, "ended by itself\n"), ended.stderr


def test_the_threads_of_the_loop_are_born_before_the_work() -> None:
    ended = ran("print(sum(each.name.startswith('asyncio') for each in threading.enumerate()))", "", 5)
    assert int(ended.stdout.split()[0]) >= 5, ended.stderr


def test_a_process_that_cannot_end_is_ended() -> None:
    ended = ran("pass", FOR_EVER, 0.5)
    assert ended.returncode == -signal.SIGALRM
    assert "in wait" in ended.stderr and "in <module>" in ended.stderr
