"""The points that a device of the site file names itself, as with Homie and Wiren Board devices."""

from __future__ import annotations

from collections.abc import Mapping

from edge.site_file import PlaceRow
from protocols.mqtt.profile import MqttProfile
from protocols.mqtt.rows import SitePoint
from protocols.mqtt.site_points import with_site_points
from protocols.profile import Profile


def read_places(rows: Mapping[str, str | PlaceRow]) -> dict[str, SitePoint]:
    """The table [device.points]: a text alone is the place."""
    return {
        name: SitePoint(at=row)
        if isinstance(row, str)
        else SitePoint(at=row.at, scale=row.scale, offset=row.offset, map=row.map)
        for name, row in rows.items()
    }


def device_profile(profile: Profile, points: Mapping[str, SitePoint]) -> Profile:
    """The profile with the points of one device; raises BadSitePoint."""
    return with_site_points(profile, points) if isinstance(profile, MqttProfile) else profile
