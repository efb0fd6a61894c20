"""Writes the reference pages in ``docs/`` from the code. ``python -m tests.architecture.reference`` or ``make docs``.

A test compares each page with what is written here, so that the pages never say something else than the code.
"""

from collections.abc import Callable
from functools import partial

from tests.architecture.reference_api import api_page
from tests.architecture.reference_commands import commands_page
from tests.architecture.reference_settings import settings_page
from tests.architecture.reference_testing import PAGES as TESTING_PAGES
from tests.architecture.reference_testing import testing_page
from tests.architecture.reference_wire import devices_page, points_page, wire_page
from tests.architecture.source import ROOT
from tests.proof.red_page import red_builds_page

PAGES: dict[str, Callable[[], str]] = {
    "docs/SETTINGS.md": settings_page,
    "docs/COMMANDS.md": commands_page,
    "docs/API.md": api_page,
    "docs/WIRE.md": wire_page,
    "docs/POINTS.md": points_page,
    "docs/DEVICES.md": devices_page,
    "docs/RED_BUILDS.md": red_builds_page,
    **{name: partial(testing_page, name) for name in TESTING_PAGES},
}


def main() -> None:
    for name, page in PAGES.items():
        path = ROOT / name
        path.parent.mkdir(exist_ok=True)
        text = page()
        changed = not path.exists() or path.read_text("utf-8") != text
        path.write_text(text, "utf-8")
        print(f"{name}  {'written' if changed else 'as it was'}")


if __name__ == "__main__":
    main()
