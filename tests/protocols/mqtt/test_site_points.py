"""Points whose places the site file names, or a profile that knows a dialect's names."""

from pathlib import Path

import pytest

from protocols.errors import BadProfile
from protocols.mqtt.profile import MqttProfile
from protocols.mqtt.rows import SitePoint
from protocols.mqtt.site_points import BadSitePoint, takes_site_points, with_site_points
from protocols.profile import BUILT_IN, load_profile, profile_ids, read_profile


def mqtt(name: str) -> MqttProfile:
    profile = load_profile(name)
    assert isinstance(profile, MqttProfile)
    return profile


def test_each_named_point_is_one_of_the_device() -> None:
    places = {"temperature_c": SitePoint(at="sensors/temperature"), "relay_on": SitePoint(at="actor/switch")}
    profile = with_site_points(mqtt("homie/5"), places)
    assert [(point.name, point.kind) for point in profile.points] == [("temperature_c", "gauge"), ("relay_on", "state")]
    assert {rule.row.topic for rule in profile.messages} == {
        "{topic}/$state",
        "{topic}/sensors/temperature",
        "{topic}/actor/switch",
    }


def test_the_site_file_goes_before_the_places_a_profile_knows() -> None:
    profile = with_site_points(mqtt("wirenboard/map3e"), {"frequency": SitePoint(at="F")})
    topics = {rule.row.topic for rule in profile.messages}
    assert "{topic}/controls/F" in topics
    assert "{topic}/controls/Frequency" not in topics
    assert "{topic}/controls/Total P" in topics


@pytest.mark.parametrize(
    ("name", "places", "message"),
    [
        ("homie/4", {}, "needs to know"),
        ("homie/4", {"warmth": SitePoint(at="a/b")}, "no such point"),
        ("homie/4", {"temperature_c": SitePoint(at="a/+")}, "no place"),
        ("homie/4", {"temperature_c": SitePoint(at="/a/b")}, "no place"),
        ("homie/4", {"temperature_c": SitePoint(at="")}, "no place"),
        ("homie/4", {"temperature_c": SitePoint(at="$state")}, "no place"),
        ("homie/4", {"temperature_c": SitePoint(at="a", scale=0)}, "scale"),
        ("homie/4", {"temperature_c": SitePoint(at="a"), "relay_on": SitePoint(at="a")}, "already temperature_c"),
        ("owntracks/phone", {"latitude": SitePoint(at="a")}, "knows where its points are"),
    ],
)
def test_a_mistake_is_told_in_words(name: str, places: dict[str, SitePoint], message: str) -> None:
    with pytest.raises(BadSitePoint, match=message) as wrong:
        with_site_points(mqtt(name), places)
    assert wrong.value.allowed


def test_every_shipped_profile_is_whole_or_asks_for_its_points() -> None:
    profiles = [profile for name in profile_ids() if isinstance(profile := load_profile(name), MqttProfile)]
    asking = [profile.id for profile in profiles if takes_site_points(profile) and not profile.places]
    assert asking == ["esphome/node", "homie/4", "homie/5", "wirenboard/device"]
    for profile in profiles:
        if profile.places:
            whole = with_site_points(profile, {})
            assert whole.points == profile.points
            assert len(whole.points) >= len(profile.places)


def test_a_place_a_profile_gets_wrong_is_told_with_its_line(tmp_path: Path) -> None:
    text = (BUILT_IN / "wirenboard" / "mr6c.toml").read_text("utf-8").replace('relay_2 = "K2"', 'relay_two = "K2"')
    (tmp_path / "p.toml").write_text(text, "utf-8")
    with pytest.raises(BadProfile) as wrong:
        read_profile(tmp_path / "p.toml")
    assert wrong.value.key == "places.relay_two"
    assert wrong.value.line == text.splitlines().index('relay_two = "K2"') + 1
