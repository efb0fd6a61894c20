"""The page Overview: rows, opening, numbers that open, search and filters."""

import re
from typing import Any

import pytest

from tests.browser.compound import GATES, PLANT, SITE, entity, gateway
from tests.browser.fake_api import FakeApi
from tests.browser.screen import Opener, Screen, expect


async def test_a_gateway_says_whether_its_chain_is_whole(screen: Screen, api: FakeApi) -> None:
    row = screen.row(f"{SITE}/@{PLANT}")
    await expect(row).to_contain_text("online")
    await expect(row).to_contain_text("rs485-1")
    await expect(row.locator(".g-buses")).to_contain_text("32 s / 10 s")
    await expect(row.locator(".g-clock")).to_contain_text("synced")
    report = api.entities[f"{SITE}/@{PLANT}"]["attributes"]["report"]
    waiting = report | {
        "backlog_readings": 41_200,
        "backlog_bytes": 300_000,
        "oldest_unacked_s": 1800,
        "backlog_in_flight": 30,
    }
    api.change(f"{SITE}/@{PLANT}", attributes={"report": waiting | {"clock": {"state": "unsynced", "wall_ms": 0}}})
    await expect(row.locator(".g-backlog")).to_contain_text("41,200")
    await expect(row.locator(".g-lanes")).to_contain_text("1 / 30")
    await expect(row.locator(".g-clock")).to_contain_text("not set")
    await expect(screen.page.locator("footer")).to_contain_text("backlog 41,200 (30 min)")
    await expect(screen.page.locator("footer")).to_contain_text("1 clock not synced")
    api.change(f"{SITE}/@{PLANT}", attributes={"online": False})
    await expect(row.locator(".g-link")).to_contain_text("offline since")


async def test_a_door_behind_a_gateway_that_is_offline_is_not_shown_as_of_now(screen: Screen, api: FakeApi) -> None:
    """Its contact may be silent for an hour by its own rule; nobody would hear of it any more."""
    await screen.page.fill(".search input", "door-05")
    row = screen.row(f"{SITE}/door-05")
    await row.click()
    contact = screen.row(f"{SITE}/door-05/door_open")
    await expect(contact.get_by_role("img", name="measured")).to_be_visible()
    api.change(f"{SITE}/@{GATES}", attributes={"online": False})
    await expect(row.locator(".c-state")).to_contain_text("gateway offline, last heard")
    await expect(row.locator(".c-device")).to_have_class(re.compile("dim"))
    await expect(row.locator(".hv").first).to_have_class(re.compile("stale"))
    await expect(contact.get_by_role("img", name="stale")).to_be_visible()
    await expect(contact.locator(".c-why")).to_contain_text("gateway offline, last heard")
    api.change(f"{SITE}/@{GATES}", attributes={"online": True})
    await expect(contact.get_by_role("img", name="measured")).to_be_visible()


async def test_all_gateways_are_in_sight_however_long_the_list_is(screen: Screen) -> None:
    await expect(screen.page.locator(".pins.below")).to_contain_text("Gate house")
    await screen.page.locator(".list").evaluate("list => { list.scrollTop = 1500; }")
    await expect(screen.page.locator(".pins").first).to_contain_text("Gate house")


async def test_what_needs_attention_stands_on_top(screen: Screen) -> None:
    names = await screen.page.locator(".row.device .name").all_inner_texts()
    assert names[:2] == ["Chiller 2", "Lifts B1"]
    first = screen.row(f"{SITE}/meter-05")
    await expect(first).to_contain_text("lost, silent since")
    await expect(first).to_contain_text("no answer in time")


async def test_an_opened_device_shows_its_points_with_unit_age_quality_and_reason(screen: Screen) -> None:
    await screen.row(f"{SITE}/meter-06").click()
    power = screen.row(f"{SITE}/meter-06/active_power_total")
    await expect(power).to_contain_text("Active power")
    await expect(power.locator(".u")).to_have_text("W")
    await expect(power.get_by_role("img", name="estimated")).to_be_visible()
    await expect(power.locator(".c-why")).to_have_text("estimated")
    await expect(power.locator(".c-age")).to_contain_text("s")
    await expect(power.locator("svg .line").first).to_be_attached()


async def test_a_missing_value_is_hatched_and_never_a_number(screen: Screen) -> None:
    await screen.row(f"{SITE}/meter-08").click()
    row = screen.row(f"{SITE}/meter-08/current_l3")
    await expect(row.locator(".c-value")).to_have_class("c-value none")
    assert not any(sign.isdigit() for sign in await row.locator(".c-value").inner_text())
    await expect(row.locator(".c-why")).to_contain_text("no value")


async def test_a_gap_is_hatched_and_no_line_is_drawn_across(screen: Screen, api: FakeApi) -> None:
    now = api.clock.now_ms()
    api.readings_gap = (now - 14 * 60_000, now - 9 * 60_000)
    points = api.entities[f"{SITE}/meter-01"]["points"]
    api.change(f"{SITE}/meter-01", points={"voltage_l1_n": points["voltage_l1_n"] | {"stale_after_s": 60}})
    await screen.row(f"{SITE}/meter-01").click()
    trend = screen.row(f"{SITE}/meter-01/voltage_l1_n").locator("svg")
    await expect(trend.locator(".gap")).to_have_count(1)
    await expect(trend.locator(".line")).to_have_count(2)


RUNS = """async ([dots, to]) => {
  const { runsAndGaps } = await import("/web/app/overview/chart.js");
  const { runs, gaps } = runsAndGaps(dots.map(([at, value]) => ({ at, value })), 0, to, 15);
  return [runs.map((run) => run.map(({ at }) => at)), gaps];
}"""


@pytest.mark.parametrize(
    ("dots", "runs", "gaps"),
    [
        ([[0, 1], [10, 2], [20, 3], [30, 4]], [[0, 10, 20, 30]], []),
        ([[0, 1], [10, 2], [30, 4]], [[0, 10], [30]], [[10, 30]]),
        ([[0, 1], [10, None], [20, 3], [30, 4]], [[0], [20, 30]], [[0, 20]]),
        ([[20, 1], [30, None]], [[20]], [[0, 20], [20, 35]]),
        ([], [], [[0, 35]]),
    ],
)
async def test_a_line_ends_where_readings_are_missing_or_bad(screen: Screen, dots: Any, runs: Any, gaps: Any) -> None:
    assert await screen.page.evaluate(RUNS, [dots, 35]) == [runs, gaps]


async def test_a_door_says_its_last_event_and_a_vehicle_where_it_is(screen: Screen) -> None:
    await screen.page.fill(".search input", "east gate")
    await expect(screen.row(f"{SITE}/door-03")).to_contain_text("access denied")
    await expect(screen.row(f"{SITE}/door-03")).to_contain_text("the card is nobody's")
    await screen.page.fill(".search input", "car-02")
    await expect(screen.row(f"{SITE}/car-02")).to_contain_text("14km/h")
    await expect(screen.row(f"{SITE}/car-02")).to_contain_text("30.28")


async def test_a_number_opens_to_the_raw_readings_it_comes_from(screen: Screen) -> None:
    page = screen.page
    await screen.row(f"{SITE}/meter-08").locator(".num").first.click()
    panel = page.locator(".panel")
    await expect(panel).to_contain_text("Opened: ")
    head = await panel.locator("th").all_inner_texts()
    assert head == ["Time", "Value", "Quality", "Batch", "Received"]
    row = panel.locator("tbody tr").first
    await expect(row).to_contain_text("measured")
    await expect(row).to_contain_text("5b1e9c04")
    await expect(row).to_contain_text("+0.6 s")
    await expect(row.locator(".mono")).to_have_attribute("title", re.compile(rf"{PLANT} 5b1e9c04 \d+"))
    await expect(panel.locator("tr.none").first).to_contain_text("no value")
    await expect(panel).to_contain_text(f"Gateway {PLANT}")
    link = await panel.get_by_role("link", name="CSV").get_attribute("href")
    assert link is not None
    assert "format=csv" in link
    assert "origin=1" in link
    await panel.get_by_role("button", name="24 h").click()
    await expect(panel.locator("th").nth(1)).to_have_text("Mean")
    await page.go_back()
    await expect(panel).to_have_count(0)


async def test_a_gateway_opens_to_what_was_refused_and_why(screen: Screen) -> None:
    await screen.page.locator(".pins.below .g-refused .num").click()
    panel = screen.page.locator(".panel")
    await expect(panel).to_contain_text("time not certain")
    await expect(panel).to_contain_text("speed_kmh")
    await expect(panel).to_contain_text("1–18211")


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        (
            "en-GB",
            ["Kept after", "172,800 batches since", "the collector lost some: 12 sent again, 88 to go"],
        ),
        ("zh-CN", ["确认后保留", "172,800 批", "平台丢失了一部分：已重发 12，还有 88"]),
    ],
)
async def test_a_gateway_says_what_it_kept_and_how_a_resend_goes(
    opener: Opener, api: FakeApi, locale: str, words: list[str]
) -> None:
    gateway_id = f"{SITE}/@{PLANT}"
    report = api.entities[gateway_id]["attributes"]["report"]
    kept = {
        "batches": 172_800,
        "since": api.clock.now_ms() - 172_800_000,
        "spans": [["e1", 1, 9]],
        "waiting": 88,
        "sent": 12,
    }
    api.entities[gateway_id]["attributes"]["report"] = report | {"kept": kept}
    screen = await opener(signed_in=True, locale=locale, viewport={"width": 390, "height": 844})
    await screen.row(gateway_id).locator(".g-refused .num").click()
    for each in words:
        await expect(screen.page.locator(".panel")).to_contain_text(each)
    assert await screen.page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_a_fenced_gateway_can_be_freed_by_an_administrator(screen: Screen, api: FakeApi) -> None:
    api.change(f"{SITE}/@{PLANT}", attributes={"fenced": True})
    await expect(screen.row(f"{SITE}/@{PLANT}").locator(".g-link")).to_contain_text("fenced")
    await screen.row(f"{SITE}/@{PLANT}").locator(".g-backlog .num").click()
    await screen.page.get_by_role("button", name="Lift the fence").click()
    await expect(screen.row(f"{SITE}/@{PLANT}").locator(".g-link")).to_contain_text("online")
    await expect(screen.page.get_by_role("button", name="Lift the fence")).to_have_count(0)


async def test_the_search_looks_through_everything_in_both_languages(screen: Screen) -> None:
    search, rows = screen.page.locator(".search input"), screen.page.locator(".row.device")
    for text, found in (
        ("lifts", "Lifts B1"),
        ("meter-08", "Lifts B1"),
        ("3号楼北门", "3号楼北门"),
        ("door 门 archive", "Archive"),
    ):
        await search.fill(text)
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text(found)
    await search.fill("频率 1号楼")
    await screen.row(f"{SITE}/meter-01").click()
    await expect(screen.page.locator(".row.point")).to_have_count(1)
    await search.fill("nothing of this")
    await expect(screen.page.locator(".nothing")).to_contain_text("Nothing here matches")
    await screen.page.locator(".nothing").get_by_role("button").click()
    await expect(search).to_have_value("")


async def test_filters_by_kind_and_state_stand_in_the_address(screen: Screen) -> None:
    page = screen.page
    await page.get_by_role("button", name="Vehicles").click()
    await page.get_by_role("button", name="Stale").click()
    await expect(page.locator(".row.device")).to_have_count(1)
    await expect(screen.row(f"{SITE}/car-09")).to_contain_text("stale")
    await page.reload()
    await page.locator(".overview").wait_for()
    await expect(page.locator(".row.device")).to_have_count(1)
    await page.get_by_role("button", name="Clear").click()
    await page.get_by_title("Show only these").click()
    await expect(page.locator(".row.device")).to_have_count(3)


async def test_an_empty_collector_says_how_to_connect_a_gateway(opener: Opener, api: FakeApi) -> None:
    api.entities.clear()
    api.sites.clear()
    screen = await opener(signed_in=True)
    for command in ("check", "read", "run"):
        await expect(screen.page.locator(".empty")).to_contain_text(f"dayuan-edge {command} site.toml")


async def test_an_unannounced_device_has_a_place_under_its_gateway(screen: Screen, api: FakeApi) -> None:
    api.appear(entity("device", "by-hand", "somebody", "by-hand", api.clock.now_ms(), state="unannounced"))
    await expect(screen.row(f"{SITE}/@somebody")).to_contain_text("never announced itself")
    await screen.page.fill(".search input", "by-hand")
    await expect(screen.row(f"{SITE}/by-hand")).to_contain_text("unannounced")


async def test_two_sites_have_a_switch_and_each_its_own_time(screen: Screen, api: FakeApi) -> None:
    north = gateway("cabin", "North cabin", api.clock.now_ms(), []) | {"id": "north/@cabin", "site": "north"}
    api.sites.append(
        {"id": "north", "name": "Northern depot", "time_zone": "Europe/Berlin", "gateways": 1, "devices": 0}
    )
    api.appear(north)
    switch = screen.page.get_by_label("Site", exact=True)
    await expect(switch).to_be_visible()
    clock = screen.page.locator(".clock b")
    await switch.select_option("north")
    await expect(clock).to_contain_text("07:3")
    await expect(screen.page.locator(".row.gateway:not(.pin *)")).to_have_count(1)
    await switch.select_option(SITE)
    await expect(clock).to_contain_text("14:3")
