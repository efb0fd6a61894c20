"""A map is taken only when its features mean something; what it means is then known."""

import pytest

from cloud.assets.map_rules import FAULTS_MAX, check_map
from cloud.assets.maps import SiteMaps
from cloud.geo.earth import Spot


def point(longitude: float = 120.15, latitude: float = 30.27, **properties: object) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": {"kind": "gate", "id": "gate-west", "name": "西门", **properties},
        "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
    }


def map_of(*features: object) -> dict[str, object]:
    return {"type": "FeatureCollection", "features": list(features)}


def fence(*ring: tuple[float, float], **properties: object) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": {"kind": "fence", "id": "yard", "name": "院区", **properties},
        "geometry": {"type": "Polygon", "coordinates": [[list(each) for each in ring]]},
    }


SQUARE = ((120.15, 30.27), (120.16, 30.27), (120.16, 30.28), (120.15, 30.28), (120.15, 30.27))


@pytest.mark.parametrize(
    ("document", "key", "word"),
    [
        ([], "type", "FeatureCollection"),
        ({"type": "FeatureCollection"}, "features", "missing"),
        (map_of(point(latitude=120.15, longitude=30.27)), "features[0].geometry.coordinates", "swapped"),
        (map_of(point(longitude=200)), "features[0].geometry.coordinates", "nowhere"),
        (map_of(point(), point(121.15, 30.27)), "features[1].properties.id", "already"),
        (map_of(point(), point(-3.0, 40.4, id="b")), "features", "km from the middle"),
        (map_of(fence(*SQUARE[:-1])), "features[0].geometry.coordinates[0]", "not closed"),
        (map_of(fence(*SQUARE[:3])), "features[0].geometry.coordinates[0]", "at least 4"),
        (map_of(fence(*[SQUARE[0]] * 4)), "features[0].geometry.coordinates[0]", "encloses nothing"),
        (map_of(fence(*SQUARE), fence(*SQUARE, id="b")), "features[1].properties.name", "already"),
        (map_of(fence(*SQUARE, schedule=["someday"])), "features[0].properties.schedule[0]", "no schedule"),
        (map_of(fence(*SQUARE, purpose="war")), "features[0].properties.purpose", "sensitive"),
        (map_of(point(kind="moon")), "features[0].properties.kind", "gate"),
        (map_of(point(kind="fence")), "features[0].properties.radius_m", "radius"),
        (map_of(point(id="No")), "features[0].properties.id", "no id"),
        (map_of(point(name="")), "features[0].properties.name", "missing"),
        (map_of(point(latitude="30")), "features[0].geometry.coordinates", "no position"),
    ],
)
def test_what_is_wrong_with_a_map_is_named_with_its_place(document: object, key: str, word: str) -> None:
    fault = check_map(document)[0]
    assert (fault.key, word in fault.message) == (key, True), fault


def test_a_map_of_wrong_features_only_names_the_first_faults() -> None:
    assert len(check_map(map_of(*({} for _ in range(1_000))))) == FAULTS_MAX


def test_odd_values_are_faults_and_never_errors() -> None:
    odd = [None, 1, "x", [], {}, [[]], [[[]]], [None], {"type": "Feature"}, 10**400, float("nan")]
    for value in odd:
        for document in (
            value,
            {"type": "FeatureCollection", "features": value},
            map_of(value),
            map_of({"type": "Feature", "properties": value, "geometry": value}),
            map_of(point(radius_m=value, kind="fence", name="a")),
            map_of({**fence(*SQUARE), "geometry": {"type": "Polygon", "coordinates": value}}),
            map_of({**fence(*SQUARE), "geometry": {"type": "Polygon", "coordinates": [value]}}),
            map_of(fence(*SQUARE, schedule=value, min_dwell_s=value, purpose=value)),
            map_of(point(name=value, id=value)),
        ):
            check_map(document)


ROOM = ((120.151, 30.271), (120.152, 30.271), (120.152, 30.272), (120.151, 30.272), (120.151, 30.271))


@pytest.fixture
def maps() -> SiteMaps:
    maps = SiteMaps()
    road = {
        "type": "Feature",
        "properties": {"kind": "road"},
        "geometry": {"type": "LineString", "coordinates": [[120.15, 30.27], [120.16, 30.27]]},
    }
    round_fence = point(120.20, 30.30, kind="fence", id="station-yard", name="站前", radius_m=200, min_dwell_s=60)
    building = fence(*ROOM, kind="building", id="b3", name={"en": "Building 3", "zh": "3号楼"})
    slot = point(120.1545, 30.2705, kind="parking", id="slot-1", name="1", of="park")
    document = map_of(point(), fence(*SQUARE, schedule=["mon-fri 08:00-18:00"]), building, road, round_fence, slot)
    assert check_map(document) == []
    maps.take("east", document, 1)
    return maps


def test_where_is_the_innermost_area_else_the_nearest_place(maps: SiteMaps) -> None:
    assert maps.where("east", Spot(30.2715, 120.1515)) == "3号楼"
    assert maps.where("east", Spot(30.2790, 120.1590)) == "院区"
    assert maps.where("east", Spot(30.2695, 120.1500)) == "西门"
    assert maps.where("east", Spot(30.2600, 120.1500)) == ""
    assert maps.where("east", Spot(30.3015, 120.2000)) == "站前"
    assert maps.where("west", Spot(30.2715, 120.1515)) == ""


def test_fences_places_and_roads_are_known_by_what_they_are(maps: SiteMaps) -> None:
    yard, station = maps.fences("east")
    assert (yard.id, len(yard.ring), yard.schedule, yard.centre) == ("yard", 4, ("mon-fri 08:00-18:00",), None)
    assert (station.centre, station.radius_m, station.min_dwell_s) == (Spot(30.30, 120.20), 200, 60)
    for name in ("b3", "Building 3", "3号楼"):
        place = maps.place("east", name)
        assert place is not None
        assert place.kind == "building"
    assert maps.place("east", "nowhere") is None
    assert maps.roads("east") == (((Spot(30.27, 120.15), Spot(30.27, 120.16))),)


def test_who_stands_at_a_gate_is_at_the_gate_though_larger_areas_hold_it_too() -> None:
    maps = SiteMaps()
    city = fence(*((120 + x, 30 + y) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))), id="city", name="市区")
    wide = point(longitude=120.17, id="gate-east", name="东门", radius_m=60)
    maps.take("east", map_of(city, fence(*SQUARE), point(), wide), 1)
    near, far = 20 / 111_195, 40 / 111_195
    assert maps.where("east", Spot(30.27 - near, 120.15)) == "西门"
    assert maps.where("east", Spot(30.27 - far, 120.15)) == "市区"
    assert maps.where("east", Spot(30.27 - far, 120.17)) == "东门"
    assert maps.where("east", Spot(30.275, 120.155)) == "院区"
    assert maps.fences("east")[-1].name != "西门"
