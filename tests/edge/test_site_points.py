"""A site file that names a device's points: read with its lines, introduced to the collector."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.introduce import birth
from edge.settings import load_site
from protocols.errors import BadSettings

SITE = """
[gateway]
site = "s"
id = "g"

[uplink]
url = "mqtt://127.0.0.1:1883"

[[bus]]
name = "local"
kind = "mqtt"
url = "mqtt://127.0.0.1:1883"

[[device]]
id = "hall"
profile = "{profile}"
bus = "local"
topic = "homie/5/hall"
[device.deadband]
{deadband}
[device.points]
{points}
"""


def site_file(folder: Path, points: str, *, profile: str = "homie/5", deadband: str = "") -> Path:
    path = folder / "site.toml"
    path.write_text(SITE.format(points=points, profile=profile, deadband=deadband), encoding="utf-8")
    return path


def test_the_collector_is_told_the_points_of_this_device(tmp_path: Path) -> None:
    points = 'temperature_c = "sensors/temperature"\nactive_energy_import_total = { at = "meter/e", scale = 0.001 }'
    site = load_site(site_file(tmp_path, points, deadband="temperature_c = 0.2"))
    [device] = birth(site, session=1, started_at=0).devices
    assert [(point.name, point.unit) for point in device.points] == [
        ("temperature_c", "°C"),
        ("active_energy_import_total", "kWh"),
    ]
    assert site.devices[0].points["active_energy_import_total"].scale == 0.001


@pytest.mark.parametrize(
    ("points", "profile", "key", "line"),
    [
        ('warmth = "a/b"', "homie/5", "device[0].points.warmth", 22),
        ('temperature_c = "a/#"', "homie/5", "device[0].points.temperature_c", 22),
        ("temperature_c = 7", "homie/5", "device[0].points.temperature_c", 22),
        ('temperature_c = { att = "a" }', "homie/5", "device[0].points.temperature_c.att", 22),
        ("", "homie/5", "device[0].points", 21),
        ('temperature_c = "a"', "owntracks/phone", "device[0].points", 21),
        ('temperature_c = "a"', "eastron/sdm630", "device[0].bus", 17),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, points: str, profile: str, key: str, line: int) -> None:
    with pytest.raises(BadSettings) as wrong:
        load_site(site_file(tmp_path, points, profile=profile))
    assert (wrong.value.key, wrong.value.line) == (key, line)
