"""A thousand vehicles that all move: one drawing a frame, few rows, and the machine stays idle enough."""

from playwright.async_api import CDPSession

from tests.browser.compound import SITE
from tests.browser.dispatch_compound import at_metres, car
from tests.browser.fake_api import FakeApi
from tests.browser.screen import Opener, expect

CARS = 1000
UPDATES = 2000
PACE = 25
SCRIPT_MS_MOST = 5.0
"""Per update, with drawing and everything around it; a quiet machine needs a fifth of it."""
COUNT_FRAMES = """async () => {
  let frames = 0, go = true;
  const count = () => { frames += 1; if (go) requestAnimationFrame(count); };
  requestAnimationFrame(count);
  window.__frames = () => { go = false; return frames; };
}"""
DRAWN = """async () => {
  const { paint } = (await import("/web/app/dispatch/map/map.js")).openMap.peek();
  return { count: paint.count, spent: paint.spentMs };
}"""


async def script_ms(chromium: CDPSession) -> float:
    """Milliseconds of script and layout so far."""
    metrics = (await chromium.send("Performance.getMetrics"))["metrics"]
    return 1000.0 * sum(float(one["value"]) for one in metrics if one["name"] in ("ScriptDuration", "LayoutDuration"))


async def test_a_thousand_moving_vehicles_stay_smooth(opener: Opener, api: FakeApi) -> None:
    now = api.clock.now_ms()
    api.put(*(car(number, now) for number in range(12, CARS)))
    screen = await opener(signed_in=True, at="#/dispatch")
    page = screen.page
    await expect(page.get_by_role("tab", name="Vehicles")).to_contain_text("1,000")
    await page.locator("canvas.map-things").wait_for(state="attached")
    assert await page.locator(".thing").count() < 40
    chromium = await screen.context.new_cdp_session(page)
    await chromium.send("Performance.enable")
    before, drawn = await script_ms(chromium), await page.evaluate(DRAWN)
    await page.evaluate(COUNT_FRAMES)
    began = api.clock.monotonic()
    for number in range(UPDATES):
        which = number % CARS
        latitude, longitude = at_metres(-260 + (which * 37 + number) % 520, -200 + (which * 61 + number // 3) % 420)
        at = api.clock.now_ms()
        where = {"latitude": latitude, "longitude": longitude, "course_deg": number % 360, "speed_kmh": number % 60}
        api.change(f"{SITE}/vehicle:car-{which:02d}", attributes=where, observed_at=at)
        if number % PACE == 0:
            await page.wait_for_timeout(50)  # as they come from the road, not all at once
        if number % 100 == 0:
            await page.evaluate("document.querySelector('.things').scrollTop += 900")
    await page.fill(".resources input", f"{CARS - 1:05d}")
    await expect(page.locator(".thing")).to_have_count(1)
    await expect(page.locator(".thing")).to_contain_text(f"{(UPDATES - 1) % 60} km/h")
    seconds = api.clock.monotonic() - began
    frames = int(await page.evaluate("window.__frames()"))
    after = await page.evaluate(DRAWN)
    spent = (await script_ms(chromium) - before) / UPDATES
    draws = after["count"] - drawn["count"]
    a_drawing = (after["spent"] - drawn["spent"]) / max(1, draws)
    said = f"{spent:.2f} ms an update, {draws} drawings of {a_drawing:.1f} ms, {frames / seconds:.0f} frames a second"
    print(said)
    assert spent < SCRIPT_MS_MOST, said
    assert draws <= frames + 5, "drawn more than once in a frame"
    assert draws <= seconds * 16 + 5, f"{draws} drawings in {seconds:.1f} s"
    assert await page.locator("main.frozen").count() == 0
    assert screen.errors == []
