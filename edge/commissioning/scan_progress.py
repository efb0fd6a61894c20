"""How far a scan is, for the person who waits: one line that changes on a terminal, a line per find elsewhere."""

from __future__ import annotations

import shutil
from typing import TextIO

from edge.status_table import span
from protocols.clock import Clock

REDRAW_S = 0.1


class ScanProgress:
    """Counts questions and shows them on ``out``. ``quiet``: nothing is shown."""

    def __init__(self, out: TextIO, clock: Clock, *, quiet: bool = False) -> None:
        self._out, self._clock = out, clock
        self._quiet = quiet
        self._live = not quiet and out.isatty()
        self._drawn = False
        self._next_draw = 0.0
        self._work_s = self._done_s = 0.0
        self.tried = self.found = 0

    def expect(self, seconds: float) -> None:
        """So much longer it may take at most from here on."""
        self._work_s = self._done_s + seconds

    def tries(self, what: str, worth_s: float) -> None:
        """A question is asked; when nobody answers it takes ``worth_s``."""
        self.tried += 1
        self._done_s += worth_s
        self._draw(what)

    def says(self, line: str) -> None:
        """A line that stays."""
        if self._quiet:
            return
        self._erase()
        print(line, file=self._out, flush=True)
        self._next_draw = 0.0

    def finds(self, line: str) -> None:
        """Something answered."""
        self.found += 1
        self.says(line)

    def ends(self) -> None:
        """Take the changing line away."""
        self._erase()

    def _draw(self, what: str) -> None:
        now = self._clock.monotonic()
        if not self._live or now < self._next_draw:
            return
        self._next_draw = now + REDRAW_S
        left = max(0.0, self._work_s - self._done_s)
        text = f"{what}   {self.tried} tried, {self.found} found, at most {span(left)} left  (Ctrl-C: stop, keep finds)"
        width = shutil.get_terminal_size().columns
        self._out.write(f"\r\x1b[K{text[: width - 1]}")
        self._out.flush()
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._out.flush()
            self._drawn = False
