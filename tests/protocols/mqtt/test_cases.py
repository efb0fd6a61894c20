"""Every payload that was captured or documented becomes the readings and events it stands for, or is refused."""

from pathlib import Path

import pytest

from protocols.errors import BadPayload
from protocols.events import check_event
from protocols.mqtt.profile import MqttProfile
from protocols.profile import load_profile, profile_ids
from protocols.reading import Quality
from tests.protocols.mqtt.message_case import CASES, case_files, read_case

FILES = list(case_files())


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_message_becomes_what_it_stands_for(path: Path) -> None:
    case = read_case(path)
    values = case.values
    if "refused" in values:
        with pytest.raises(BadPayload) as refused:
            case.decode()
        assert refused.value.reason == values["refused"]
        return
    decoded = case.decode()
    if decoded is None:
        assert values.get("ident"), "about another device, and no ident to tell by"
        assert not values.get("expected")
        return
    expected = {name: (value, Quality.GOOD, "") for name, value in values.get("expected", {}).items()}
    for name, reason in values.get("uncertain", {}).items():
        expected[name] = (expected[name][0], Quality.UNCERTAIN, reason)
    for name, reason in values.get("bad", {}).items():
        expected[name] = (None, Quality.BAD, reason)
    values_read = {reading.point: reading.value for reading in decoded.readings}
    assert values_read == {
        name: value if value is None else pytest.approx(value, rel=1e-12) for name, (value, _, _) in expected.items()
    }
    qualities = {reading.point: (reading.quality, reading.reason) for reading in decoded.readings}
    assert qualities == {name: (quality, reason) for name, (_, quality, reason) in expected.items()}
    assert len(decoded.readings) == len(expected)
    if expected:
        assert {reading.observed_at for reading in decoded.readings} == {values["observed_at"]}
    events = [(event.kind, event.at, event.data) for event in decoded.events]
    assert events == [(event["kind"], event["at"], event.get("data", {})) for event in values.get("event", [])]
    assert [check_event(event) for event in decoded.events] == [None] * len(events)
    assert [reason for reason, _ in decoded.notes] == values.get("notes", [])
    assert decoded.online == values.get("online")


def test_every_mqtt_profile_has_a_case() -> None:
    with_case = {read_case(path).profile.id for path in FILES}
    shipped = {name for name in profile_ids() if isinstance(load_profile(name), MqttProfile)}
    missing = shipped - with_case
    assert not missing, f"no payload under {CASES} for: {', '.join(sorted(missing))}"


def test_no_card_number_is_in_an_error(subtests: pytest.Subtests) -> None:
    for path in FILES:
        case = read_case(path)
        if case.values.get("refused") == "card":
            with subtests.test(path.stem), pytest.raises(BadPayload) as refused:
                case.decode()
            assert not any(number in str(refused.value) for number in ("a1bc0d", "1234", "token UID"))


def test_every_mqtt_profile_stands_in_the_table_of_dialects() -> None:
    text = (CASES.parents[1] / "protocols" / "mqtt" / "PROFILES.md").read_text("utf-8")
    table = text[text.index("## Dialects") :]
    shipped = {name for name in profile_ids() if isinstance(load_profile(name), MqttProfile)}
    assert not {name for name in shipped if f"`{name}`" not in table}


def test_every_mqtt_profile_says_where_it_comes_from_and_how_far_it_was_checked() -> None:
    for name in profile_ids():
        profile = load_profile(name)
        if isinstance(profile, MqttProfile):
            assert profile.head.sources, name
            assert profile.head.checked.startswith("documentation"), name
            assert any(note.startswith("topic in the site file: ") for note in profile.head.notes), name
