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
from tests.browser.screen import Opener, Screen, new_screen

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
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


@pytest_asyncio.fixture(loop_scope="session")
async def served() -> AsyncIterator[Served]:
    """The API with a whole compound behind it."""
    clock = SystemClock()
    api = FakeApi(clock)
    now = clock.now_ms()
    api.put(*compound(now))
    api.alarms = alarms(now)
    async with Served(api) as served:
        yield served


@pytest.fixture
def api(served: Served) -> FakeApi:
    return served.api


@pytest_asyncio.fixture(loop_scope="session")
async def opener(browser: Browser, served: Served) -> AsyncIterator[Opener]:
    """Opens windows; closes them after the test."""
    screens: list[Screen] = []

    async def open_screen(*, signed_in: bool = False, **context: Any) -> Screen:
        screen = await new_screen(browser, served, **context)
        screens.append(screen)
        if signed_in:
            token = served.api.begin_session("administrator")
            await screen.context.add_cookies([{"name": "dayuan_session", "value": token, "url": served.url}])
        return await screen.open()

    yield open_screen
    for screen in screens:
        await screen.context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def screen(opener: Opener) -> Screen:
    """A window in which the administrator is signed in, in English and light."""
    return await opener(signed_in=True)
