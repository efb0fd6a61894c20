"""A real Chromium and a scripted API for every test here."""

from collections.abc import AsyncIterator
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from protocols.clock import SystemClock
from tests.browser.compound import alarms, compound
from tests.browser.fake_api import FakeApi, Served
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.fake_settings import FakeSettings
from tests.browser.screen import Opener, Screen, new_screen

BEGIN_MS = 1_795_069_800_000
"""Thursday 19 November 2026, 14:30 in Shanghai."""


class Afternoon(SystemClock):
    """The collector's clock, whatever the hour of the test: after midnight or on a Monday pages have less to show."""

    def __init__(self) -> None:
        self._ahead_ms = BEGIN_MS - super().now_ms()

    def now_ms(self) -> int:
        return super().now_ms() + self._ahead_ms


HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium-headless-shell"
"""Chromium without its window, as Playwright itself takes it: half the work of the one with a window."""
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser lives in one loop for the whole run, so the tests that use it run there too."""
    for item in items:
        if HERE in item.path.parents and iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        await chromium.close()


@pytest.fixture
def api() -> FakeApi:
    """The API with a whole compound behind it."""
    api = FakeApi(Afternoon())
    now = api.clock.now_ms()
    api.put(*compound(now))
    api.alarms = alarms(now)
    return api


@pytest.fixture
def dispatch(api: FakeApi) -> FakeDispatch:
    """The same compound as the features of the console show it."""
    return FakeDispatch(api)


@pytest.fixture
def settings(api: FakeApi) -> FakeSettings:
    """What the page Settings asks. A file of its tests says ``pytestmark = pytest.mark.usefixtures("settings")``."""
    return FakeSettings(api)


@pytest_asyncio.fixture(loop_scope="session")
async def served(api: FakeApi, dispatch: FakeDispatch, request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    """The API on a port of its own, with the routes of all parts the test names."""
    if "settings" in request.fixturenames:
        request.getfixturevalue("settings")
    async with Served(api) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def opener(browser: Browser, served: Served) -> AsyncIterator[Opener]:
    """Opens windows; closes them after the test."""
    screens: list[Screen] = []

    async def open_screen(*, signed_in: bool = False, at: str = "", **context: Any) -> Screen:
        screen = await new_screen(browser, served, **context)
        screens.append(screen)
        if signed_in:
            token = served.api.begin_session("administrator")
            await screen.context.add_cookies([{"name": "dayuan_session", "value": token, "url": served.url}])
        return await screen.open(at)

    yield open_screen
    for screen in screens:
        await screen.context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def screen(opener: Opener) -> Screen:
    """A window in which the administrator is signed in, in English and light."""
    return await opener(signed_in=True)
