"""WGS-84, GCJ-02 and BD-09 against published pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.geo.china import bd09_of, bd09_of_gcj02, gcj02_of, gcj02_of_bd09, in_china, wgs84_of_bd09, wgs84_of_gcj02
from cloud.geo.earth import Spot, distance_m

# Published by eviltransform and copied by every implementation since: WGS-84, GCJ-02.
PAIRS = [
    (Spot(31.1774276, 121.5272106), Spot(31.17530398364597, 121.531541859215)),
    (Spot(22.543847, 113.912316), Spot(22.540796131694766, 113.9171764808363)),
    (Spot(39.911954, 116.377817), Spot(39.91334545536069, 116.38404722455657)),
]
ABROAD = [Spot(52.52, 13.405), Spot(-33.87, 151.21), Spot(37.7749, -122.4194), Spot(0, 0)]


@pytest.mark.parametrize(("wgs84", "gcj02"), PAIRS)
def test_the_published_pairs_are_met_both_ways(wgs84: Spot, gcj02: Spot) -> None:
    assert distance_m(gcj02_of(wgs84), gcj02) < 0.05
    assert distance_m(wgs84_of_gcj02(gcj02), wgs84) < 0.05


def test_baidu_is_where_its_own_converter_puts_it() -> None:
    # Published with coordtransform and met by every implementation since.
    assert distance_m(bd09_of_gcj02(Spot(39.915, 116.404)), Spot(39.92133699351022, 116.41036949371029)) < 0.5


@pytest.mark.parametrize("spot", ABROAD)
def test_outside_china_nothing_is_shifted(spot: Spot) -> None:
    assert not in_china(spot)
    assert gcj02_of(spot) == bd09_of(spot) == wgs84_of_gcj02(spot) == wgs84_of_bd09(spot) == spot


@given(st.floats(18, 53), st.floats(74, 135))
def test_there_and_back_is_where_it_was(latitude: float, longitude: float) -> None:
    spot = Spot(latitude, longitude)
    assert distance_m(wgs84_of_gcj02(gcj02_of(spot)), spot) < 0.01
    assert distance_m(wgs84_of_bd09(bd09_of(spot)), spot) < 0.01
    assert distance_m(gcj02_of_bd09(bd09_of_gcj02(gcj02_of(spot))), gcj02_of(spot)) < 0.01
    assert 20 < distance_m(gcj02_of(spot), spot) < 1500
