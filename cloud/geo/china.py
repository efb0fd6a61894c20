"""WGS-84, GCJ-02 and BD-09: what a satellite says, what Chinese maps are drawn in, what Baidu's maps are drawn in.

Everything is kept in WGS-84. Convert only on the way to a map that is drawn in another, or from a device that speaks
it. Outside mainland China (by a rectangle, as every map does) GCJ-02 is WGS-84.
"""

import math

from cloud.geo.earth import Spot

# Krasovsky 1940, on which the shift is defined.
_AXIS_M = 6_378_245.0
_ECCENTRICITY_2 = 0.006_693_421_622_965_943
_BAIDU = math.pi * 3000 / 180

_SOUTH, _NORTH, _WEST, _EAST = 0.8293, 55.8271, 72.004, 137.8347
_ROUNDS = 30
_ENOUGH_DEG = 1e-10


def in_china(spot: Spot) -> bool:
    """Whether maps shift this spot."""
    return _SOUTH <= spot.latitude <= _NORTH and _WEST <= spot.longitude <= _EAST


def gcj02_of(spot: Spot) -> Spot:
    """WGS-84 to GCJ-02."""
    if not in_china(spot):
        return spot
    north, east = _shift(spot)
    return Spot(spot.latitude + north, spot.longitude + east)


def wgs84_of_gcj02(spot: Spot) -> Spot:
    """GCJ-02 to WGS-84: the spot whose GCJ-02 it is, to a millimetre."""
    if not in_china(spot):
        return spot
    guess = spot
    for _ in range(_ROUNDS):
        shown = gcj02_of(guess)
        north, east = spot.latitude - shown.latitude, spot.longitude - shown.longitude
        guess = Spot(guess.latitude + north, guess.longitude + east)
        if abs(north) < _ENOUGH_DEG and abs(east) < _ENOUGH_DEG:
            break
    return guess


def bd09_of_gcj02(spot: Spot) -> Spot:
    """GCJ-02 to BD-09. Outside China unchanged."""
    if not in_china(spot):
        return spot
    x, y = spot.longitude, spot.latitude
    far = math.hypot(x, y) + 0.000_02 * math.sin(y * _BAIDU)
    angle = math.atan2(y, x) + 0.000_003 * math.cos(x * _BAIDU)
    return Spot(far * math.sin(angle) + 0.006, far * math.cos(angle) + 0.0065)


def gcj02_of_bd09(spot: Spot) -> Spot:
    """BD-09 to GCJ-02. Outside China unchanged."""
    if not in_china(spot):
        return spot
    guess = Spot(spot.latitude - 0.006, spot.longitude - 0.0065)
    for _ in range(_ROUNDS):
        shown = bd09_of_gcj02(guess)
        north, east = spot.latitude - shown.latitude, spot.longitude - shown.longitude
        guess = Spot(guess.latitude + north, guess.longitude + east)
        if abs(north) < _ENOUGH_DEG and abs(east) < _ENOUGH_DEG:
            break
    return guess


def bd09_of(spot: Spot) -> Spot:
    """WGS-84 to BD-09."""
    return bd09_of_gcj02(gcj02_of(spot))


def wgs84_of_bd09(spot: Spot) -> Spot:
    """BD-09 to WGS-84."""
    return wgs84_of_gcj02(gcj02_of_bd09(spot))


def _shift(spot: Spot) -> tuple[float, float]:
    """North and east, in degrees."""
    x, y = spot.longitude - 105.0, spot.latitude - 35.0
    root = math.sqrt(abs(x))
    both = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + both
    north_m += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north_m += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + both
    east_m += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east_m += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    latitude = math.radians(spot.latitude)
    squash = 1 - _ECCENTRICITY_2 * math.sin(latitude) ** 2
    meridian_m = _AXIS_M * (1 - _ECCENTRICITY_2) / (squash * math.sqrt(squash))
    parallel_m = _AXIS_M / math.sqrt(squash) * math.cos(latitude)
    return math.degrees(north_m / meridian_m), math.degrees(east_m / parallel_m)
