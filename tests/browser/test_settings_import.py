"""The page Settings: a whole site from a file, looked at first; and back into a file."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.compound import SITE
from tests.browser.fake_settings import FakeSettings
from tests.browser.screen import Opener, Screen, expect

CSV = {"name": "site.csv", "mimeType": "text/csv", "buffer": "kind,id,plate\nvehicle,v9,浙A\n".encode()}
TOML = {"name": "site.toml", "mimeType": "", "buffer": b"[site]\n"}

pytestmark = pytest.mark.usefixtures("settings")


async def opened(opener: Opener, **look: Any) -> Screen:
    """The section."""
    screen = await opener(signed_in=True, **look)
    await screen.page.goto(f"{screen.served.url}/#/settings?set=import")
    await expect(screen.page.locator(".file-button")).to_be_visible()
    return screen


async def test_a_file_is_looked_at_first_and_written_when_that_is_wanted(
    opener: Opener, settings: FakeSettings
) -> None:
    screen = await opened(opener)
    page = screen.page
    await page.set_input_files("input[type=file]", CSV)  # type: ignore[arg-type]
    await expect(page.locator(".counts")).to_have_text("new2changed1as they are5not in the file, stay1")
    assert settings.imported == [
        ({"site": SITE, "format": "csv", "dry_run": "1", "remove": "0"}, "text/csv", "kind,id,plate\nvehicle,v9,浙A\n")
    ]
    await expect(page.locator(".names").first).to_contain_text("Vehicle v9")
    await page.get_by_label("Also remove what the file does not name").check()
    await expect(page.locator(".form-end")).to_contain_text("1 thing will be removed.")
    await page.get_by_role("button", name="Bring it in").click()
    await expect(page.locator(".outcome")).to_contain_text("Brought in.")
    assert [ask["dry_run"] + ask["remove"] for ask, _, _ in settings.imported] == ["10", "11", "01"]
    await expect(page.get_by_role("button", name="Bring it in")).to_have_count(0)
    assert screen.errors == []
    assert await screen.violations() == []


async def test_faults_stand_with_their_lines_and_nothing_can_be_written(opener: Opener, settings: FakeSettings) -> None:
    page = (await opened(opener)).page
    settings.outcome |= {"errors": [{"line": 17, "key": "vehicle[2].seats", "message": "'four' is no number"}]}
    await page.set_input_files("input[type=file]", TOML)  # type: ignore[arg-type]
    await expect(page.locator(".outcome tbody tr")).to_have_text("17vehicle[2].seats'four' is no number")
    await expect(page.get_by_role("button", name="Bring it in")).to_have_count(0)
    assert settings.imported[0][0]["format"] == "toml"
    settings.outcome |= {"errors": [], "encoding": "GB18030"}
    await page.set_input_files("input[type=file]", TOML)  # type: ignore[arg-type]
    await expect(page.locator(".outcome")).to_contain_text("it was read as GB18030")
    settings.refusal = (422, "not_utf8", "line 3 is not UTF-8", [])
    await page.set_input_files("input[type=file]", TOML)  # type: ignore[arg-type]
    await expect(page.locator(".import-take .failure")).to_contain_text("line 3 is not UTF-8")


async def test_the_site_is_given_as_a_file_and_what_a_format_cannot_say_is_said(opener: Opener) -> None:
    page = (await opened(opener)).page
    async with page.expect_download() as download:
        await page.get_by_role("button", name="TOML").click()
    given = await download.value
    assert given.suggested_filename == f"{SITE}.toml"
    assert Path(await given.path()).read_text() == '[site]\nid = "east-compound"\n'
    await page.get_by_role("button", name="CSV").click()
    await expect(page.locator(".import-give .failure")).to_have_text("1 asset · take TOML")


async def test_axe_finds_nothing_and_no_size_scrolls_sideways(opener: Opener, settings: FakeSettings) -> None:
    screen = await opened(opener, locale="zh-CN", color_scheme="dark")
    page = screen.page
    settings.outcome |= {"names": [f"vehicle:v{n}" for n in range(300)], "created": 300}
    await page.set_input_files("input[type=file]", TOML)  # type: ignore[arg-type]
    await page.locator(".names summary").first.click()
    for width, height in [(1600, 900), (1280, 720), (390, 844)]:
        await page.set_viewport_size({"width": width, "height": height})
        found = (await Axe().run(page)).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found] == []
        assert await screen.wide() == 0
    assert screen.foreign == []
