"""The map of Dispatch: one canvas, symbols by state and course, labels apart, the ground of a site, shifted tiles."""

import base64

import pytest
import pytest_asyncio

from tests.browser.compound import SITE
from tests.browser.dispatch_compound import at_metres, car, thing
from tests.browser.fake_api import FakeApi
from tests.browser.fake_dispatch import FakeDispatch
from tests.browser.screen import Opener, Screen, expect
from tests.waiting import until

CAR = f"{SITE}/vehicle:car-02"
GUARD = f"{SITE}/guard:g-1"
"""Stands in the middle."""
SPOTS = """async () => {
  const { openMap } = await import("/web/app/dispatch/map/map.js");
  const map = openMap.peek();
  map.paint.now();
  const box = map.map.getContainer().getBoundingClientRect();
  return Object.fromEntries(map.spots.map(({ item, x, y }) =>
    [item.id, { x: box.x + x, y: box.y + y, shape: item.look.shape, course: item.course, label: item.label }]));
}"""
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(opener: Opener) -> Screen:
    """The page Dispatch with its map drawn."""
    screen = await opener(signed_in=True, at="#/dispatch")
    await screen.page.locator("canvas.map-things").wait_for(state="attached")
    return screen


@pytest.mark.parametrize(
    ("wgs", "gcj"),
    [
        ((31.1774276, 121.5272106), (31.17530398364597, 121.531541859215)),
        ((22.543847, 113.912316), (22.540796131694766, 113.9171764808363)),
        ((39.911954, 116.377817), (39.91334545536069, 116.38404722455657)),
        ((52.5, 13.4), (52.5, 13.4)),
    ],
)
async def test_spots_move_onto_the_shifted_grid_as_published(
    desk: Screen, wgs: tuple[float, float], gcj: tuple[float, float]
) -> None:
    found = await desk.page.evaluate(
        "async ([lat, lng]) => (await import('/web/app/dispatch/gcj.js')).toGcj02(lat, lng)", list(wgs)
    )
    assert found == pytest.approx(gcj, abs=1e-7)


async def test_labels_never_stand_on_each_other_and_the_most_important_has_one(desk: Screen) -> None:
    boxes, wanted = await desk.page.evaluate("""async () => {
      const { placed } = await import("/web/app/dispatch/map/labels.js");
      let seed = 7;
      const next = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
      const wishes = Array.from({ length: 1000 }, (_, i) => (
        { x: next() * 900, y: next() * 700, r: 9, w: 40 + next() * 30, h: 17, rank: i }));
      return [placed(wishes, []), wishes];
    }""")
    shown = [(box, wish) for box, wish in zip(boxes, wanted, strict=True) if box]
    assert boxes[0] is not None
    assert 40 < len(shown) < 1000
    for i, (one, _) in enumerate(shown):
        for other, _ in shown[i + 1 :]:
            apart = (
                one["x"] + one["w"] <= other["x"]
                or other["x"] + other["w"] <= one["x"]
                or one["y"] + one["h"] <= other["y"]
                or other["y"] + other["h"] <= one["y"]
            )
            assert apart, (one, other)


async def test_vehicles_doors_and_guards_stand_where_they_are_with_the_shape_of_their_state(
    desk: Screen, api: FakeApi
) -> None:
    spots = await desk.page.evaluate(SPOTS)
    assert spots[CAR]["shape"] == "arrow"
    assert spots[CAR]["label"] == "2D660"
    assert spots[f"{SITE}/door:b3-north"]["shape"] == "gate_forced"
    assert spots[f"{SITE}/guard:g-1"]["shape"] == "diamond"
    latitude, longitude = at_metres(100, 0)
    api.change(CAR, attributes={"latitude": latitude, "longitude": longitude, "course_deg": 180, "state": "stopped"})
    await expect(desk.page.locator(f"[id='thing-{CAR}']")).to_contain_text("Stopped")
    moved = (await desk.page.evaluate(SPOTS))[CAR]
    assert moved["x"] > spots[CAR]["x"] + 100
    assert (moved["shape"], moved["course"]) == ("square", 180)


async def test_a_symbol_is_opened_by_a_click_and_its_row_is_the_active_one(desk: Screen) -> None:
    page = desk.page
    spot = (await page.evaluate(SPOTS))[CAR]
    await page.mouse.move(spot["x"], spot["y"])
    await expect(page.locator(".map-box.on-thing")).to_have_count(1)
    await page.mouse.click(spot["x"], spot["y"])
    await expect(page.locator(".panel")).to_contain_text("浙A·2D660")
    await page.keyboard.press("Escape")
    await expect(page.locator(".things")).to_have_attribute("aria-activedescendant", f"thing-{CAR}")


async def test_a_building_says_how_many_of_its_rooms_are_used(desk: Screen) -> None:
    counts = await desk.page.evaluate("""async () => {
      const { openMap } = await import("/web/app/dispatch/map/map.js");
      const { roomsByBuilding } = await import("/web/app/dispatch/map/scene.js");
      return [...roomsByBuilding(openMap.peek().given.drawn)];
    }""")
    assert counts == [["b2", {"used": 3, "all": 9}]]


async def test_the_canvas_is_drawn_in_the_colours_of_the_theme(desk: Screen) -> None:
    page = desk.page
    read = """async () => (await import("/web/app/dispatch/map/map.js")).openMap.peek().colours.grass"""
    light = await page.evaluate(read)
    await page.click("button.theme")
    await page.click("button.theme")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert await page.evaluate(read) != light


async def test_without_a_drawn_map_vehicles_are_shown_and_the_page_says_so(
    opener: Opener, dispatch: FakeDispatch
) -> None:
    dispatch.map["features"] = []
    screen = await opener(signed_in=True, at="#/dispatch")
    await expect(screen.page.locator(".map-said")).to_contain_text("Nobody has drawn a map")
    assert CAR in await screen.page.evaluate(SPOTS)


async def test_floor_plan_and_local_tiles_lie_under_and_are_the_collectors_own(
    opener: Opener, dispatch: FakeDispatch, api: FakeApi
) -> None:
    dispatch.image = PIXEL
    south, west = at_metres(-150, -60)
    north, east = at_metres(-50, 0)
    dispatch.map |= {
        "base": "gcj02",
        "tiles": "/api/v1/tiles/{z}/{x}/{y}.png",
        "floor_plan": {"url": f"/api/v1/map/{SITE}/floor-plan?at=1", "bounds": [south, west, north, east]},
    }
    screen = await opener(signed_in=True, at="#/dispatch")
    await expect(screen.page.locator("img.map-plan")).to_be_visible()
    await expect(screen.page.locator("img.map-tiles, .map-tiles img").first).to_be_attached()
    assert any(path.startswith("/api/v1/tiles/") for path in api.requests)
    drawn = await screen.page.evaluate("""async () => {
      const map = (await import("/web/app/dispatch/map/map.js")).openMap.peek();
      return map.at(30.2741, 120.1551);
    }""")
    assert drawn != [30.2741, 120.1551]
    assert screen.foreign == []
    assert await screen.violations() == []


async def test_where_the_map_was_moved_to_comes_back_after_a_reload(desk: Screen) -> None:
    page = desk.page
    await page.locator(".map-box").focus()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("+")
    await page.wait_for_function("location.hash.includes('view=')")
    before = (await page.evaluate(SPOTS))[GUARD]
    await page.reload()
    await page.locator("canvas.map-things").wait_for(state="attached")
    after = (await page.evaluate(SPOTS))[GUARD]
    assert (after["x"], after["y"]) == pytest.approx((before["x"], before["y"]), abs=3)


async def test_a_new_vehicle_is_drawn_and_one_that_goes_is_not(desk: Screen, api: FakeApi) -> None:
    new = car(77, api.clock.now_ms())
    api.appear(new)
    await expect(desk.page.locator(".thing")).to_have_count(13)
    assert new["id"] in await desk.page.evaluate(SPOTS)
    api.vanish(new["id"])
    await expect(desk.page.locator(".thing")).to_have_count(12)
    assert new["id"] not in await desk.page.evaluate(SPOTS)


async def test_equipment_with_a_place_is_drawn_small_and_only_where_it_is_asked_for(desk: Screen, api: FakeApi) -> None:
    page, name = desk.page, f"{SITE}/meter:hall"
    latitude, longitude = at_metres(120, 60)
    facts = {"facts": {}, "latitude": latitude, "longitude": longitude, "unit": "", "devices": [], "device_state": "ok"}
    await expect(page.locator(".map-controls button", has_text="Equipment")).to_have_count(0)
    api.appear(thing("meter", "hall", "Hall meter", api.clock.now_ms(), facts))
    button = page.get_by_role("button", name="Equipment", exact=True)
    await expect(button).to_have_attribute("aria-pressed", "false")
    assert name not in await page.evaluate(SPOTS)
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "true")
    assert (await page.evaluate(SPOTS))[name]["shape"] == "box"
    assert "equip=1" in page.url
    await page.get_by_role("button", name="Legend").click()
    await expect(page.locator(".map-legend")).to_contain_text("Meter, card reader · 1")
    await button.click()
    assert name not in await page.evaluate(SPOTS)
    await page.get_by_role("tab", name="Equipment").click()
    await page.locator(".thing", has_text="Hall meter").click()
    assert name in await page.evaluate(SPOTS), "what is open is drawn in any case"


async def test_no_label_is_wanted_where_something_stands_over_the_map(desk: Screen) -> None:
    found = await desk.page.evaluate("""async () => {
      const { placed } = await import("/web/app/dispatch/map/labels.js");
      return placed([{ x: 50, y: 50, r: 9, w: 60, h: 17, rank: 1 }], [{ x: 60, y: 30, w: 200, h: 40 }]);
    }""")
    assert found[0]["x"] + found[0]["w"] <= 60

    async def known() -> bool:
        covered: int = await desk.page.evaluate("""async () => {
          const { openMap } = await import("/web/app/dispatch/map/map.js");
          openMap.peek().paint.now();
          return openMap.peek().covered.length;
        }""")
        return covered >= 5

    await until(known, within_s=15, what="the map knows what stands over it")


async def test_what_is_opened_is_shown_with_the_compound_and_kept_in_sight_until_the_map_is_moved(
    desk: Screen, api: FakeApi
) -> None:
    page = desk.page

    async def stands_at(east: float, north: float) -> None:
        latitude, longitude = at_metres(east, north)
        api.change(CAR, attributes={"latitude": latitude, "longitude": longitude}, observed_at=api.clock.now_ms())

    async def in_sight(names: list[str]) -> bool:
        spots = await page.evaluate(SPOTS)
        box = await page.locator(".map-box").bounding_box()
        assert box is not None
        return all(
            name in spots
            and box["x"] < spots[name]["x"] < box["x"] + box["width"]
            and box["y"] < spots[name]["y"] < box["y"] + box["height"]
            for name in names
        )

    await stands_at(4000, 2500)
    await page.locator(f"[id='thing-{CAR}']").click()
    await until(lambda: in_sight([CAR, GUARD]), within_s=15, what="car and compound in sight")
    await stands_at(-7000, -4000)
    await until(lambda: in_sight([CAR, GUARD]), within_s=15, what="it drove on, and is in sight")
    await page.get_by_role("button", name="Compound").click()
    await until(lambda: in_sight([GUARD]), within_s=15, what="the compound again")
