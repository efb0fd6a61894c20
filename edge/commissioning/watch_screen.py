"""The terminal while a table is on it: another screen, no cursor, single keys; everything is put back at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import termios
import tty
from collections.abc import Iterator, Mapping, Sequence

from edge.commissioning.watch_table import Line, Mood

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
COLOURS: Mapping[Mood, str] = {"head": "\x1b[1m", "stale": "\x1b[33m", "bad": "\x1b[31m"}
RESET = "\x1b[0m"
END_KEYS = frozenset({b"q", b"Q", b"\x1b", b"\x03", b"\x04"})
DOWN, UP, PAGE_DOWN, PAGE_UP = (b"j", b"\x1b[B"), (b"k", b"\x1b[A"), (b" ", b"\x1b[6~"), (b"b", b"\x1b[5~")


class Screen:
    """Draws lines from the top; ``ended`` is set by q, Escape or Ctrl-C. Keys scroll what does not fit."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.touched = asyncio.Event()
        self._top = 0
        self._height = 0
        self._colours = bool(os.environ.get("TERM", "dumb") != "dumb") and not os.environ.get("NO_COLOR")

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Inside, the terminal is ours."""
        keys = sys.stdin.fileno()
        before = termios.tcgetattr(keys)
        loop = asyncio.get_running_loop()
        try:
            tty.setcbreak(keys)
            _write(ENTER)
            loop.add_reader(keys, self._key)
            yield
        finally:
            loop.remove_reader(keys)
            termios.tcsetattr(keys, termios.TCSADRAIN, before)
            _write(LEAVE)

    def draw(self, lines: Sequence[Line]) -> None:
        """Show ``lines``, cut to the terminal as it is now."""
        columns, rows = shutil.get_terminal_size()
        body = rows - 1
        self._height = body
        self._top = max(0, min(self._top, len(lines) - body))
        shown = lines[self._top : self._top + body]
        text = "".join(f"{self._coloured(line, columns)}\x1b[K\r\n" for line in shown)
        _write(f"\x1b[H{text}{self._foot(len(lines), columns)}\x1b[K\x1b[J")

    def _coloured(self, line: Line, columns: int) -> str:
        text = "".join(letter if letter.isprintable() else "?" for letter in line.text[: columns - 1])
        colour = COLOURS.get(line.mood, "") if self._colours else ""
        return f"{colour}{text}{RESET}" if colour else text

    def _foot(self, count: int, columns: int) -> str:
        below = count - self._top - self._height
        more = f"   {below} more lines: space, j, k" if below > 0 else "   b, k: back up" if self._top else ""
        return f"q: end{more}"[: columns - 1]

    def _key(self) -> None:
        pressed = os.read(sys.stdin.fileno(), 64)
        if pressed in END_KEYS or not pressed:
            self.ended.set()
        elif pressed in DOWN:
            self._top += 1
        elif pressed in UP:
            self._top -= 1
        elif pressed in PAGE_DOWN:
            self._top += max(1, self._height - 1)
        elif pressed in PAGE_UP:
            self._top -= max(1, self._height - 1)
        self._top = max(0, self._top)
        self.touched.set()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
