"""Signing in and out, and what happens when a session ends."""

from tests.browser.fake_api import FakeApi
from tests.browser.screen import PASSWORD, Opener, Screen, expect


async def test_nobody_sees_anything_before_signing_in(opener: Opener, api: FakeApi) -> None:
    screen = await opener()
    await expect(screen.page.locator("#name")).to_be_focused()
    assert await screen.page.locator(".overview").count() == 0
    assert "/api/v1/stream" not in api.requests


async def test_a_wrong_password_is_said_in_words(opener: Opener) -> None:
    screen = await opener(locale="zh-CN")
    await screen.page.fill("#name", "administrator")
    await screen.page.fill("#password", "wrong")
    await screen.page.keyboard.press("Enter")
    await expect(screen.page.get_by_role("alert")).to_have_text("用户名或密码不正确。")
    await screen.page.click("button.lang")
    await expect(screen.page.get_by_role("alert")).to_have_text("Name or password is not right.")


async def test_too_many_tries_say_when_to_try_again(opener: Opener) -> None:
    screen = await opener()
    await screen.page.fill("#name", "administrator")
    await screen.page.fill("#password", "many")
    await screen.page.keyboard.press("Enter")
    await expect(screen.page.get_by_role("alert")).to_contain_text("42 s")


async def test_the_one_time_password_must_be_changed_first(opener: Opener, api: FakeApi) -> None:
    api.users["administrator"]["must_change_password"] = True
    screen = await opener()
    page = screen.page
    await page.fill("#name", "administrator")
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("#old")).to_be_focused()
    assert await page.locator("header").count() == 0

    async def try_password(old: str, new: str, again: str) -> None:
        await page.fill("#old", old)
        await page.fill("#new", new)
        await page.fill("#again", again)
        await page.keyboard.press("Enter")

    alert = page.get_by_role("alert")
    await try_password(PASSWORD, "a quiet compound", "a quiet compounD")
    await expect(alert).to_contain_text("differ")
    await try_password(PASSWORD, "short", "short")
    await expect(alert).to_contain_text("12 characters")
    await try_password(PASSWORD, PASSWORD, PASSWORD)
    await expect(alert).to_contain_text("present one")
    await try_password(PASSWORD, "password12345", "password12345")
    await expect(alert).to_contain_text("too easy")
    await try_password(PASSWORD, "a quiet compound", "a quiet compound")
    await expect(page.locator(".overview")).to_be_visible()


async def test_an_ended_session_asks_again_and_comes_back_to_the_same_place(screen: Screen, api: FakeApi) -> None:
    page = screen.page
    await page.get_by_role("button", name="Doors").click()
    await page.get_by_text("East gate").first.click()
    place = page.url
    api.sign_everybody_out()
    await expect(page.locator("#name")).to_be_visible()
    assert await page.locator(".overview").count() == 0
    await screen.sign_in()
    assert page.url == place
    await expect(page.get_by_role("button", name="Doors")).to_have_attribute("aria-pressed", "true")
    await expect(screen.row("east-compound/door-03")).to_have_attribute("aria-expanded", "true")


async def test_signing_out_ends_the_stream_and_shows_nothing_any_more(screen: Screen, api: FakeApi) -> None:
    await screen.page.get_by_role("button", name="administrator").click()
    await screen.page.get_by_role("menuitem", name="Sign out").click()
    await expect(screen.page.locator("#name")).to_be_visible()
    assert not api.sessions
    assert await screen.page.get_by_text("Lifts B1").count() == 0


async def test_the_password_can_be_changed_from_the_menu(screen: Screen, api: FakeApi) -> None:
    page = screen.page
    await page.get_by_role("button", name="administrator").click()
    await page.get_by_role("menuitem", name="Change password").click()
    await page.fill("#old", "not it at all")
    await page.fill("#new", "a quiet compound")
    await page.fill("#again", "a quiet compound")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog").get_by_role("alert")).to_contain_text("present password")
    await page.fill("#old", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog")).to_have_count(0)
    assert api.users["administrator"]["password"] == "a quiet compound"
