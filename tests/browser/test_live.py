"""Honest on disconnect, back by itself, one stream for all tabs."""

import pytest

from tests.browser.compound import SITE, alarm, door
from tests.browser.fake_api import FakeApi
from tests.browser.screen import Opener, Screen, expect
from tests.waiting import until

METER = f"{SITE}/meter-01"


def power(api: FakeApi, value: float) -> dict[str, object]:
    """The power of meter 1, just read."""
    return {
        "active_power_total": api.entities[METER]["points"]["active_power_total"]
        | {"value": value, "observed_at": api.clock.now_ms()}
    }


async def test_a_delta_moves_a_value_without_reload(screen: Screen, api: FakeApi) -> None:
    api.change(METER, points=power(api, 4321.0), observed_at=api.clock.now_ms())
    await expect(screen.row(METER)).to_contain_text("4,321")
    await expect(screen.row(METER).locator(".c-age")).to_have_text("0 s")
    await expect(screen.row(METER).locator(".c-age")).to_have_text("2 s")
    await expect(screen.page.locator(".chip.live")).to_contain_text("Live")


async def test_the_page_freezes_within_three_seconds_of_a_cut_and_recovers_by_itself(
    screen: Screen, api: FakeApi
) -> None:
    page = screen.page
    await page.evaluate("window.__same = true")
    await page.wait_for_timeout(1200)  # at least one heartbeat has passed
    cut_at = api.clock.monotonic()
    api.cut()
    await page.locator("main.frozen").wait_for(timeout=4000)
    took = api.clock.monotonic() - cut_at
    assert took <= 3.0, f"frozen only after {took:.2f} s"
    await expect(page.locator(".banner")).to_contain_text("Offline since")
    await expect(page.locator(".banner")).to_contain_text("showing the last known state")
    age = await screen.row(METER).locator(".c-age").inner_text()
    clock = await page.locator(".clock b").inner_text()
    await page.wait_for_timeout(1500)
    assert await screen.row(METER).locator(".c-age").inner_text() == age
    assert await page.locator(".clock b").inner_text() == clock

    api.entities[METER]["rev"] += 1
    api.entities[METER]["points"] |= power(api, 9876.0)
    api.restore()
    await expect(page.locator("main:not(.frozen)")).to_be_visible()
    await expect(screen.row(METER)).to_contain_text("9,876")
    assert await page.evaluate("window.__same")


async def test_a_collector_that_keeps_the_line_but_says_nothing_is_offline_too(screen: Screen, api: FakeApi) -> None:
    api.silent = True
    await screen.page.locator("main.frozen").wait_for(timeout=4500)
    api.silent = False
    await expect(screen.page.locator("main:not(.frozen)")).to_be_visible()


async def test_a_collector_that_takes_long_is_waited_for_and_the_page_says_so(opener: Opener, api: FakeApi) -> None:
    api.busy = True
    screen = await opener()
    await screen.page.fill("#name", "administrator")
    await screen.page.fill("#password", "correct horse battery")
    await screen.page.click("button[type=submit]")
    banner = screen.page.locator(".banner")
    await expect(banner).to_contain_text("No answer from the collector for 5 s.")
    await expect(banner).to_contain_text("no need to reload")
    assert api.stream_requests == [""], "asked again although nothing was answered yet"
    api.busy = False
    await expect(screen.row(METER)).to_be_visible()
    await expect(banner).to_have_count(0)
    assert api.stream_requests == [""]


async def test_a_short_break_resumes_from_the_last_event(screen: Screen, api: FakeApi) -> None:
    api.change(METER, points=power(api, 1111.0))
    await expect(screen.row(METER)).to_contain_text("1,111")
    cursor = api.cursor
    api._end_streams()
    await until(lambda: api.stream_requests[-1] == cursor, within_s=3)
    api.change(METER, points=power(api, 2222.0))
    await expect(screen.row(METER)).to_contain_text("2,222")
    assert await screen.page.locator("main.frozen").count() == 0


async def test_a_restarted_collector_gives_a_fresh_snapshot(screen: Screen, api: FakeApi) -> None:
    del api.entities[f"{SITE}/meter-02"]
    api.restart()
    await expect(screen.row(f"{SITE}/meter-02")).to_have_count(0)
    await expect(screen.page.locator(".chip.live")).to_contain_text("Live")


async def test_seven_tabs_share_one_stream(screen: Screen, api: FakeApi) -> None:
    tabs = [screen.page]
    for _ in range(6):
        tab = await screen.context.new_page()
        await tab.goto(screen.served.url)
        await tab.locator(".overview").wait_for()
        tabs.append(tab)
    api.change(METER, points=power(api, 7777.0))
    for tab in tabs:
        await expect(tab.locator(f"[id='row-{METER}']")).to_contain_text("7,777")
    assert api.streams == 1
    for tab in tabs[1:]:
        await tab.close()
    api.change(METER, points=power(api, 5555.0))
    await expect(screen.row(METER)).to_contain_text("5,555")


async def test_without_a_shared_worker_the_page_has_a_stream_of_its_own(opener: Opener, api: FakeApi) -> None:
    screen = await opener()
    await screen.context.add_init_script("delete window.SharedWorker")
    await screen.page.reload()
    await screen.sign_in()
    api.change(METER, points=power(api, 6666.0))
    await expect(screen.row(METER)).to_contain_text("6,666")
    assert "/web/app/live/shared_worker.js" not in api.requests


async def test_things_appear_change_and_go(screen: Screen, api: FakeApi) -> None:
    new = door(99, api.clock.now_ms()) | {"name": "A new door"}
    await screen.page.fill(".search input", "new door")
    await expect(screen.row(new["id"])).to_have_count(0)
    api.appear(new)
    await expect(screen.row(new["id"])).to_be_visible()
    api.vanish(new["id"])
    await expect(screen.row(new["id"])).to_have_count(0)


async def test_an_alarm_stands_in_the_footer_at_once_and_goes_when_it_ends(screen: Screen, api: FakeApi) -> None:
    said = alarm("a9", 1, api.clock.now_ms(), "Two gateways use one card.", "两个网关使用同一存储卡。")
    api.raise_alarm(said)
    await expect(screen.page.locator("footer")).to_contain_text("Two gateways use one card.")
    await expect(screen.page.locator("footer")).to_contain_text("+1 more")
    api.raise_alarm(said | {"active": False})
    await expect(screen.page.locator("footer")).not_to_contain_text("Two gateways")


async def test_a_row_goes_stale_by_itself_and_keeps_its_last_value(screen: Screen, api: FakeApi) -> None:
    at = api.clock.now_ms()
    points = {
        name: point | {"observed_at": at, "stale_after_s": 2} for name, point in api.entities[METER]["points"].items()
    }
    points["active_power_total"]["value"] = 3210.0
    api.change(METER, points=points, observed_at=at, stale_after_s=2)
    row = screen.row(METER)
    await expect(row).to_contain_text("3,210")
    await expect(row.locator(".c-state")).to_contain_text("stale since", timeout=6000)
    await expect(row.locator(".c-device")).to_have_class("c-device dim")
    await expect(row).to_contain_text("3,210")


@pytest.mark.parametrize(
    "chunks", [[b"event: hb\nid: e.1\ndata: {}\n\n"], [b"event: h", b"b\r\nid: e.1\r", b"\ndata: {}\r\n", b"\r\n"]]
)
async def test_events_are_cut_right_wherever_the_network_breaks_them(screen: Screen, chunks: list[bytes]) -> None:
    found = await screen.page.evaluate(
        """async (chunks) => {
          const { eventCutter } = await import("/web/app/live/feed.js");
          const found = [];
          const cut = eventCutter((event, data, id) => found.push([event, data, id]));
          for (const chunk of chunks) cut(chunk);
          return found;
        }""",
        [chunk.decode() for chunk in chunks],
    )
    assert found == [["hb", "{}", "e.1"]]
