"""The page Settings: roll-outs of site files are planned, looked at gateway for gateway, begun, and ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_rollouts import FakeRollouts
from tests.browser.screen import Opener, Screen, expect

LOOKS = [
    pytest.param({"locale": "en-GB", "color_scheme": "light"}, id="english-light"),
    pytest.param({"locale": "zh-CN", "color_scheme": "dark"}, id="chinese-dark"),
]
SIZES = [(1600, 900), (1280, 720), (390, 844)]

pytestmark = pytest.mark.usefixtures("settings", "rollouts")


@pytest.fixture
def rollouts(api: FakeApi) -> FakeRollouts:
    return FakeRollouts(api)


async def opened(opener: Opener, **look: Any) -> Screen:
    screen = await opener(signed_in=True, **look)
    await screen.page.goto(f"{screen.served.url}/#/settings?set=rollouts")
    await expect(screen.page.locator(".ro-head").first).to_be_visible()
    return screen


async def test_a_rollout_is_planned_and_begun_without_the_wrong_one(opener: Opener, rollouts: FakeRollouts) -> None:
    screen = await opened(opener)
    page = screen.page
    await page.get_by_role("button", name="New roll-out").click()
    await page.get_by_label("Changes, one a line").fill('set buffer.flush_every = "5 s"\n\nunset device[*].every')
    await page.get_by_label("Not before").fill("2026-10-01T02:00")
    await page.get_by_label("Why").fill("calmer")
    rollouts.refusal = (422, "bad_patch", "line 1: ...")
    await page.get_by_role("button", name="Plan and check").click()
    await expect(page.get_by_role("alert")).to_contain_text("A change cannot be read; write: set table.key")
    await page.get_by_role("button", name="Plan and check").click()
    await expect(page.locator(".ro-head")).to_have_count(4)
    path, query, body = rollouts.asked[-1]
    assert (path, query) == ("/api/v1/rollouts", {"reason": "calmer", "site": SITE})
    assert body == {
        "changes": ['set buffer.flush_every = "5 s"', "unset device[*].every"],
        "gateways": [f"{SITE}/*"],
        "stages": ["1", "10 %", "50 %", "100 %"],
        "soak_s": 600,
        "patience_s": 3600,
        "stop_after": 0,
        "not_before": 1_790_791_200_000,
    }

    await page.locator(".ro-head").nth(1).click()
    first = page.locator(".ro-row").first
    await expect(first).to_contain_text("Line 7: buffer.flush_every 900 s is out of range")
    await first.get_by_role("button", name="Differences").click()
    await expect(page.locator("pre.diff")).to_contain_text('+flush_every = "5 s"')
    await page.get_by_label("Leave out those whose file is wrong (1)").check()
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator(".ro-head").nth(1)).to_contain_text("running")
    assert rollouts.asked[-1][:2] == ("/api/v1/rollouts/9/start", {"without_wrong": "true"})
    assert screen.errors == []


async def test_one_that_stopped_says_why_and_is_ended_only_when_meant(opener: Opener, rollouts: FakeRollouts) -> None:
    page = (await opened(opener)).page
    await page.locator(".ro-head").nth(1).click()
    await expect(page.locator(".ro-detail")).to_contain_text("It has stopped by itself")
    lost, refused = page.locator(".ro-row").nth(1), page.locator(".ro-row").nth(2)
    await expect(lost).to_contain_text("devices that answered before do not · meter-08, meter-09")
    await expect(refused).to_contain_text("900 s is out of range · Right would be: 0.05 to 300 s")
    await page.get_by_role("button", name="End it").click()
    await expect(page.locator(".ro-detail")).to_contain_text("Who has not heard of it never will")
    assert rollouts.asked == []
    await page.get_by_label("Give everybody the file of before again").check()
    await page.get_by_role("button", name="End it now").click()
    await expect(page.locator(".ro-head").nth(1)).to_contain_text("ended")
    assert rollouts.asked == [("/api/v1/rollouts/8/abort", {"back": "true"}, None)]


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_and_no_size_scrolls_sideways(opener: Opener, look: dict[str, str]) -> None:
    screen = await opened(opener, **look)
    page = screen.page
    for which in (0, 1, 2):
        await page.locator(".ro-head").nth(which).click()
        await expect(page.locator(".ro-row").nth(3)).to_be_visible()
        if which == 1:
            await page.locator(".ro-row").first.locator("button").click()
            await expect(page.locator("pre.diff")).to_be_visible()
        for width, height in SIZES:
            await page.set_viewport_size({"width": width, "height": height})
            found = (await Axe().run(page)).response["violations"]
            assert [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found] == []
            assert await screen.wide() == 0
            await _picture(page, f"rollouts-{look['color_scheme']}-{which}-{width}")
    await page.locator(".toolbar button").first.click()
    await expect(page.locator(".ro-form")).to_be_visible()
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        found = (await Axe().run(page)).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found] == []
        assert await screen.wide() == 0
        await _picture(page, f"rollouts-{look['color_scheme']}-form-{width}")
    assert await screen.violations() == []
    assert screen.errors == []


async def _picture(page: Any, name: str) -> None:
    """For people, when somebody asks for pictures."""
    folder = os.environ.get("DAYUAN_PICTURES")
    if folder:
        await page.screenshot(path=str(Path(folder) / f"{name}.png"))
