"""Requests on the page Dispatch: filed, sent and followed by keys alone, with clocks that say how late it is."""

from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio

from tests.browser.compound import SITE
from tests.browser.dispatch_compound import MINUTE
from tests.browser.fake_api import FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.fake_requests import FakeRequests
from tests.browser.request_compound import GUEST, clock, request
from tests.browser.screen import Opener, Screen, expect
from tests.browser.test_dispatch_frame import LOOKS, problems

SECOND = f"{SITE}/vehicle:car-07"


@pytest.fixture
def asks(api: FakeApi) -> FakeRequests:
    """Requests in every state."""
    return FakeRequests(api)


@pytest.fixture
def dispatch(api: FakeApi, asks: FakeRequests) -> FakeDispatch:
    """The compound, with the routes of requests in front."""
    return FakeDispatch(api)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(opener: Opener) -> Screen:
    """The page Dispatch with the guests' car chosen."""
    screen = await opener(signed_in=True, at=f"#/dispatch?request={GUEST}")
    await screen.page.locator(".candidates .first").wait_for()
    return screen


def row(screen: Screen, text: str) -> Callable[[], Awaitable[str]]:
    """The class of the clock of a row, as it is drawn."""

    async def tone() -> str:
        classes = await screen.page.locator(".ask", has_text=text).locator(".clock-bar").get_attribute("class")
        return str(classes).split("c-")[1]

    return tone


async def test_the_queue_counts_by_tab_and_what_is_most_urgent_stands_on_top(desk: Screen) -> None:
    page = desk.page
    counts = await page.locator(".queue [role=tab] .n").all_inner_texts()
    assert counts == ["6", "2", "2"]
    titles = await page.locator(".ask-title").all_inner_texts()
    assert titles[0].startswith("急修")
    assert titles[-1].startswith("空调")
    await expect(page.locator(".queue .h small")).to_have_text("10 to do · 186 today")
    await page.get_by_role("tab", name="Booked 2").click()
    await expect(page.locator(".ask")).to_have_count(2)
    await page.get_by_role("tab", name="Done", exact=True).click()
    await expect(page.locator(".ask", has_text="机场接机")).to_contain_text("浙A·3M902")
    assert "queue=done" in page.url


async def test_a_clock_is_grey_then_orange_from_half_then_red_from_four_fifths_and_says_how_late(
    opener: Opener, api: FakeApi
) -> None:
    now = api.clock.now_ms()
    for number, ran in ((31, 300), (32, 660), (33, 900), (34, 1300)):
        one = request(number, now, tier="real_time", title=f"clock {ran}", clocks={"assign": clock(now, ran, 1200)})
        api.put(one)
    screen = await opener(signed_in=True, at="#/dispatch")
    await screen.page.locator(".ask").first.wait_for()
    assert await row(screen, "clock 300")() == "calm"
    assert await row(screen, "clock 660")() == "warm"
    assert await row(screen, "clock 900")() == "warm"
    assert await row(screen, "clock 1300")() == "hot"
    colours = await screen.page.evaluate(
        "Object.fromEntries(['calm', 'warm', 'hot'].map(one => [one,"
        " getComputedStyle(document.querySelector(`.ask .c-${one} i`)).backgroundColor]))"
    )
    assert len(set(colours.values())) == 3, colours
    await expect(screen.page.locator(".ask", has_text="clock 1300")).to_contain_text("late")
    await expect(screen.page.locator(".ask", has_text="clock 1300").locator(".tier")).to_have_class("tier hot")
    await expect(screen.page.locator(".ask", has_text="clock 300").locator(".tier")).to_have_class("tier soon")


async def test_the_limits_of_a_clocks_colours_are_half_and_four_fifths(desk: Screen) -> None:
    tones = await desk.page.evaluate(
        "async () => { const { worstClock } = await import('/web/app/requests/clocks.js');"
        " const assign = { started_at: 0, due_at: 1000, done_at: null, step: 0 };"
        " const facts = { status: 'waiting', clocks: { assign } };"
        " return [0, 499, 500, 799, 800, 1000, 1500].map(at => worstClock(facts, at).tone); }"
    )
    assert tones == ["calm", "calm", "warm", "warm", "hot", "hot", "hot"]


async def test_clocks_stand_still_while_nobody_knows_what_goes_on(desk: Screen, api: FakeApi) -> None:
    api.cut()
    await desk.page.locator("main.frozen").wait_for()
    due = desk.page.locator(".ask.chosen .clock-due")
    before = await due.inner_text()
    await desk.page.wait_for_timeout(1500)  # nothing may move
    assert await due.inner_text() == before
    await expect(desk.page.get_by_role("button", name="Assign")).to_be_disabled()


async def test_enter_in_the_queue_sends_who_is_suggested(desk: Screen, asks: FakeRequests) -> None:
    page = desk.page
    await expect(page.locator(".card-name")).to_have_text("Suggested: 浙A·3M902")
    await expect(page.locator(".candidates .out").first).to_contain_text("reserved 15:10 to 16:00: not back in time")
    await expect(page.locator(".why")).to_contain_text("costs least of 3")
    await page.locator(".asks").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".card-name")).to_have_text("Sent: 浙A·3M902")
    path, key, body = asks.posted[0]
    assert path.endswith("002/assign")
    assert key
    assert body == {"rev": 2, "resource": f"{SITE}/vehicle:car-00"}
    await expect(page.locator(".queue [role=tab] .n").nth(1)).to_have_text("3")


async def test_somebody_else_is_sent_only_with_a_reason(desk: Screen, asks: FakeRequests) -> None:
    page = desk.page
    await page.get_by_role("button", name="Another").click()
    await expect(page.locator(f".choose input[value='{SECOND}']")).to_be_checked()
    await page.keyboard.press("Enter")
    await expect(page.locator("#choose-lacks")).to_contain_text("Say why")
    assert asks.posted == []
    await expect(page.locator("#choose-reason")).to_be_focused()
    await page.keyboard.type("the first has a flat tyre")
    await page.keyboard.press("Enter")
    await expect(page.locator(".card-name")).to_have_text("Sent: 浙A·8C442")
    assert asks.posted[0][2]["resource"] == SECOND
    assert asks.posted[0][2]["reason"] == "the first has a flat tyre"


async def test_who_is_out_of_service_cannot_be_chosen_and_who_is_reserved_can(desk: Screen) -> None:
    page = desk.page
    await page.get_by_role("button", name="Another").click()
    await expect(page.locator(f".choose input[value='{SITE}/vehicle:car-08']")).to_be_disabled()
    await expect(page.locator(f".choose input[value='{SITE}/vehicle:car-04']")).to_be_enabled()


async def test_when_somebody_was_faster_it_says_what_changed_and_offers_it_again(
    desk: Screen, asks: FakeRequests
) -> None:
    page = desk.page
    asks.overtake = {"approval": {"needed": True, "state": "approved", "opinion": "as asked"}}
    await page.get_by_role("button", name="Assign").click()
    await expect(page.locator(".suggestion .notice")).to_contain_text("Somebody was faster.")
    await expect(page.locator(".suggestion .notice")).to_contain_text("as asked")
    await page.get_by_role("button", name="Assign all the same").click()
    await expect(page.locator(".card-name")).to_have_text("Sent: 浙A·3M902")
    assert [body["rev"] for _, _, body in asks.posted] == [2, 3]
    assert asks.posted[0][1] != asks.posted[1][1]


async def test_what_is_not_possible_any_more_is_not_offered_again(desk: Screen, asks: FakeRequests) -> None:
    page = desk.page
    asks.overtake = {"status": "cancelled", "actions": []}
    await page.get_by_role("button", name="Assign").click()
    notice = page.locator(".suggestion .notice")
    await expect(notice).to_contain_text("Waiting → Cancelled")
    await expect(notice.locator("button")).to_have_count(0)


async def test_nobody_to_send_says_why(opener: Opener, asks: FakeRequests) -> None:
    asks.nobody = True
    screen = await opener(signed_in=True, at=f"#/dispatch?request={GUEST}")
    await expect(screen.page.locator(".card-name")).to_have_text("Nobody to send now")
    await expect(screen.page.locator(".why")).to_contain_text("most often: out of service")
    await expect(screen.page.get_by_role("button", name="Assign")).to_have_count(0)


async def test_the_detail_says_who_did_what_when_and_why_and_offers_what_is_allowed(
    desk: Screen, asks: FakeRequests
) -> None:
    page = desk.page
    await page.locator(".asks").focus()
    await page.keyboard.press("d")
    await expect(page.locator(".panel .history")).to_contain_text("because: by telephone")
    await page.locator(".panel").get_by_role("button", name="Refuse").click()
    await page.keyboard.press("Enter")
    await expect(page.locator(".saying .failure")).to_contain_text("Say why")
    await page.keyboard.type("use the shuttle")
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel .facts").first).to_contain_text("Refused")
    assert asks.posted[0][2] == {"rev": 2, "opinion": "use the shuttle"}


async def test_the_words_an_action_needs_have_the_focus_before_the_next_key_can_come(desk: Screen) -> None:
    page = desk.page
    await page.goto(f"{desk.served.url}/#/dispatch?request={GUEST}&show=thing:{GUEST}")
    await expect(page.locator(".panel .history")).to_be_visible()
    focused = await page.evaluate(
        "async () => { [...document.querySelectorAll('.panel .actions .btn')].find(one => one.textContent === 'Refuse')"
        ".click(); await Promise.resolve(); await Promise.resolve(); return document.activeElement.id; }"
    )
    assert focused == "saying"
    await page.get_by_role("button", name="Refuse").first.click()
    await expect(page.locator("#saying")).to_be_focused()


async def test_a_reason_being_written_is_never_lost_whatever_becomes_of_the_request(
    desk: Screen, api: FakeApi, asks: FakeRequests
) -> None:
    page = desk.page
    await page.goto(f"{desk.served.url}/#/dispatch?request={GUEST}&show=thing:{GUEST}")
    await page.locator(".panel").get_by_role("button", name="Refuse").click()
    await page.keyboard.type("use the ")
    api.change(GUEST, attributes={"rev": 3, "title": "接待用车 5 人"})
    await expect(page.locator(".panel-title")).to_contain_text("5 人")
    await page.keyboard.type("shuttle")
    api.change(GUEST, attributes={"rev": 4, "status": "under_way", "actions": ["arrive", "finish"]})
    said = page.locator(".saying .failure")
    await expect(said).to_contain_text("“Refuse” is not possible any more: it is “Under way” now.")
    await page.keyboard.type(" bus")
    await page.keyboard.press("Enter")
    api.vanish(GUEST)
    await expect(page.locator(".ask.chosen")).to_have_count(0)
    await expect(page.locator("#saying")).to_have_value("use the shuttle bus")
    await expect(page.locator("#saying")).to_be_focused()
    assert asks.posted == []
    api.appear(request(2, api.clock.now_ms(), rev=6))
    await expect(said).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel .facts").first).to_contain_text("Refused")
    assert asks.posted[0][2] == {"rev": 6, "opinion": "use the shuttle bus"}


async def test_choosing_another_stays_open_when_the_request_ends_and_says_so(desk: Screen, api: FakeApi) -> None:
    page = desk.page
    await page.get_by_role("button", name="Another").click()
    await page.fill("#choose-reason", "the first has a flat tyre")
    api.change(GUEST, attributes={"rev": 3, "status": "cancelled", "actions": []})
    await expect(page.locator(".choose > .failure").last).to_contain_text("it is “Cancelled” now")
    await expect(page.locator("#choose-reason")).to_have_value("the first has a flat tyre")
    await expect(page.locator(".choose").get_by_role("button", name="Assign")).to_be_disabled()
    await page.keyboard.press("Escape")
    await expect(page.locator(".suggestion")).to_contain_text("Cancelled")


async def test_who_filed_it_rates_it_by_keys(opener: Opener, asks: FakeRequests) -> None:
    done = f"{SITE}/request:20261121-012"
    screen = await opener(signed_in=True, at=f"#/dispatch?show=thing:{done}")
    page = screen.page
    await page.get_by_role("button", name="Rate").click()
    await page.locator(".stars input:checked").focus()
    await page.keyboard.press("ArrowLeft")
    await page.fill("#saying", "a little late")
    await page.keyboard.press("Enter")
    await expect(page.locator(".panel")).to_contain_text("★★★★☆")
    assert asks.posted[0][2] == {"rev": 2, "stars": 4, "text": "a little late"}


async def test_a_viewer_sees_no_button_it_may_not_use(opener: Opener, api: FakeApi, asks: FakeRequests) -> None:
    api.users["administrator"]["role"] = "viewer"
    asks.owner = "somebody else"
    screen = await opener(signed_in=True, at=f"#/dispatch?request={GUEST}&show=thing:{GUEST}&tab=rooms")
    page = screen.page
    await expect(page.locator(".candidates .first")).to_be_visible()
    await expect(page.locator(".panel .history")).to_be_visible()
    for name in ("New", "Assign", "Another", "Refuse", "Cancel request", "Book a room"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    await page.locator(".asks").focus()
    await page.keyboard.press("n")
    await page.keyboard.press("Enter")
    assert asks.posted == []
    await expect(page.locator("dialog")).to_have_count(0)


async def test_the_past_has_its_own_queue_and_nothing_to_press(desk: Screen, api: FakeApi) -> None:
    page = desk.page
    then = api.clock.now_ms() - 10 * MINUTE
    await page.goto(f"{desk.served.url}/#/dispatch?request={GUEST}&at={then}")
    await expect(page.locator("html")).to_have_attribute("data-look", "past")
    await expect(page.locator(".ask.chosen")).to_contain_text("高铁站")
    await expect(page.locator(".suggestion")).to_contain_text("Nobody was suggested at that moment.")
    for name in ("New", "Assign", "Another"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)


async def test_a_thousand_requests_are_a_few_rows(opener: Opener, api: FakeApi) -> None:
    now = api.clock.now_ms()
    api.put(*(request(100 + n, now, title=f"many {n}", tier="24h") for n in range(1000)))
    screen = await opener(signed_in=True, at="#/dispatch")
    page = screen.page
    await expect(page.locator(".queue [role=tab] .n").first).to_have_text("1,006")
    assert await page.locator(".ask").count() < 30
    await page.locator(".asks").focus()
    await page.keyboard.press("End")
    chosen = page.locator(".ask.chosen")
    await expect(chosen).to_have_attribute("aria-posinset", "1006")
    await expect(chosen).to_be_in_viewport()


async def test_a_figure_without_data_says_so_and_never_zero(opener: Opener, asks: FakeRequests) -> None:
    none = {"value": None, "n": 0, "before": 900.0, "compound": 30.0}
    asks.figures = {"headline": {"dispatch_s": none, "gate_passage_s": none, "on_time_share": {"value": None, "n": 0}}}
    screen = await opener(signed_in=True, at="#/dispatch")
    await expect(screen.page.locator(".figure.none")).to_have_count(4)
    for text in await screen.page.locator(".figure b").all_inner_texts():
        assert text == "no data"


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing(opener: Opener, look: dict[str, str]) -> None:
    screen = await opener(signed_in=True, at=f"#/dispatch?request={GUEST}&show=thing:{GUEST}", **look)
    page = screen.page
    await expect(page.locator(".history li").first).to_be_visible()
    await expect(page.locator(".candidates .first")).to_be_visible()
    assert await problems(screen) == []
    await page.locator(".suggestion .h .btn").first.click()
    await expect(page.locator(".choose")).to_be_visible()
    assert await problems(screen) == []
    await page.keyboard.press("Escape")
    await page.locator(".queue .new").click()
    await page.locator("#request-purpose").press("Enter")
    await expect(page.locator("#request-from-wrong")).to_be_visible()
    assert await problems(screen) == []
    assert screen.errors == []
    assert await screen.violations() == []


@pytest.mark.parametrize("size", [(1600, 900), (1280, 720), (390, 844)])
async def test_everything_fits_the_window(opener: Opener, size: tuple[int, int]) -> None:
    width, height = size
    screen = await opener(signed_in=True, at="#/dispatch", viewport={"width": width, "height": height})
    page = screen.page
    await page.locator(".ask").nth(1).click()
    if width < 720:
        await expect(page.locator(".panel .suggestion")).to_contain_text("3M902")
        assert await screen.wide() <= 0
        await page.locator(".panel .close").click()
        await expect(page.locator(".queue")).to_be_visible()
    else:
        await expect(page.locator(".candidates .first")).to_be_visible()
        card = await page.locator(".suggestion").bounding_box()
        bar = await page.locator(".past-bar").bounding_box()
        assert card is not None
        assert bar is not None
        assert card["y"] + card["height"] <= bar["y"] or card["x"] + card["width"] <= bar["x"]
    await page.locator(".queue .new").click()
    form = await page.locator("dialog").bounding_box()
    assert form is not None
    assert form["y"] >= 0
    assert form["y"] + form["height"] <= height
    assert width > 720 or form["width"] == width
    assert await screen.wide() <= 0
