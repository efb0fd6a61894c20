"""One browser window as a test uses it, keeping note of everything that must not happen."""

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page
from playwright.async_api import expect as expect  # re-exported for the tests

from tests.browser.fake_api import Served

WATCH_CSP = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.__violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""
PASSWORD = "correct horse battery"
PATIENCE_MS = 30_000
"""How long a loaded machine may take for what a quiet one does in a second."""
expect.set_options(timeout=PATIENCE_MS / 2)


class Screen:
    """A page with its context. ``errors``: what the browser complained of; ``foreign``: requests that left the host."""

    def __init__(self, page: Page, context: BrowserContext, served: Served) -> None:
        self.page, self.context, self.served, self.api = page, context, served, served.api
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)
        page.on(
            "request",
            lambda request: None if request.url.startswith((served.url, "data:")) else self.foreign.append(request.url),
        )

    def _note(self, message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    async def open(self, at: str = "") -> "Screen":
        """Load the page, ``at`` such as ``#/dispatch``; the login or the page itself is there afterwards."""
        await self.page.goto(f"{self.served.url}/{at}")
        await self.page.locator("#name, .overview, .empty, .dispatch, .asked-page").first.wait_for()
        return self

    async def sign_in(self, password: str = PASSWORD) -> "Screen":
        """From the login to the overview."""
        await self.page.fill("#name", "administrator")
        await self.page.fill("#password", password)
        await self.page.click("button[type=submit]")
        await self.page.locator("header").wait_for()
        await self.page.locator(".overview, .empty").wait_for()
        return self

    async def violations(self) -> list[str]:
        """What the content security policy refused."""
        found: list[str] = await self.page.evaluate("window.__violations")
        return found

    def row(self, key: str) -> Any:
        """The row of a gateway, device or point."""
        return self.page.locator(f"[id='row-{key}']")

    async def wide(self) -> int:
        """By how many pixels the page is wider than the window."""
        root = "document.documentElement"
        return int(await self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


Opener = Callable[..., Awaitable[Screen]]


async def new_screen(browser: Browser, served: Served, **context: Any) -> Screen:
    """A window of its own: nothing kept from others."""
    options: dict[str, Any] = {
        "viewport": {"width": 1600, "height": 900},
        "locale": "en-GB",
        "timezone_id": "America/St_Johns",
    }
    made = await browser.new_context(**options | context)
    made.set_default_timeout(PATIENCE_MS)
    await made.add_init_script(WATCH_CSP)
    return Screen(await made.new_page(), made, served)
