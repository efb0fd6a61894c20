"""The tables [sparkplug] and [home_assistant]: what is right is read, what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.settings import Site, load_site
from edge.site_warnings import warnings
from protocols.errors import BadSettings
from protocols.mqtt_url import MqttUrl

HEAD = '[gateway]\nsite = "east"\nid = "b3"\n[uplink]\nurl = "mqtt://127.0.0.1:1883"\n'


def site(folder: Path, *lines: str) -> Site:
    path = folder / "site.toml"
    path.write_text(HEAD + "\n".join(lines), encoding="utf-8")
    return load_site(path)


def test_without_the_tables_there_is_nothing(tmp_path: Path) -> None:
    found = site(tmp_path)
    assert (found.sparkplug, found.home_assistant) == (None, None)


def test_a_url_is_enough(tmp_path: Path) -> None:
    found = site(
        tmp_path, "[sparkplug]", 'url = "mqtts://scada.example"', "[home_assistant]", 'url = "mqtt://127.0.0.1"'
    )
    assert found.sparkplug is not None
    assert (found.sparkplug.group, found.sparkplug.node) == ("east", "b3")
    assert found.sparkplug.urls == (MqttUrl("scada.example", 8883, True),)
    assert found.home_assistant is not None
    assert (found.home_assistant.prefix, found.home_assistant.language) == ("homeassistant", "zh")


@pytest.mark.parametrize(
    ("lines", "line", "key", "allowed"),
    [
        (['[sparkplug]\nurl = ""'], 7, "sparkplug.url", "mqtt://host:1883"),
        (['[sparkplug]\nurl = "http://x"'], 7, "sparkplug.url", "write mqtt://host:1883"),
        (['[sparkplug]\nurl = "mqtt://x"\ngroup = "a/b"'], 8, "sparkplug.group", "without +, #, /"),
        (['[sparkplug]\nurl = "mqtt://x"\nnode = "a+"'], 8, "sparkplug.node", "without +, #, /"),
        (['[sparkplug]\nurl = "mqtt://x"\nprimary_host = "#"'], 8, "sparkplug.primary_host", "without"),
        (['[sparkplug]\nurl = "mqtt://x"\nhold = -1'], 8, "sparkplug.hold", "0 to 1e+06"),
        (['[sparkplug]\nurl = "mqtt://x"\nother_urls = ["y"]'], 8, "sparkplug.other_urls", "write mqtt://host:1883"),
        (['[sparkplug]\nurl = "mqtt://x"\nhost = "y"'], 8, "sparkplug.host", "primary_host"),
        (['[home_assistant]\nurl = "mqtt://x"\nprefix = "a/#"'], 8, "home_assistant.prefix", "letters, digits"),
        (['[home_assistant]\nurl = "mqtt://x"\ntopic = "/a"'], 8, "home_assistant.topic", "between levels"),
        (['[home_assistant]\nurl = "mqtt://x"\nlanguage = "de"'], 8, "home_assistant.language", "zh, en"),
        (['[home_assistant]\nurl = "mqtt://x"\nevery = "1 h"'], 8, "home_assistant.every", "0.1 s to 600 s"),
        (['[home_assistant]\nurl = "mqtt://x"\npassword_file = "p"'], 8, "home_assistant.password_file", "username"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, lines: list[str], line: int, key: str, allowed: str) -> None:
    with pytest.raises(BadSettings) as caught:
        site(tmp_path, *lines)
    assert (caught.value.line, caught.value.key) == (line, key)
    assert allowed in str(caught.value)


def test_what_would_bite_on_site_is_told(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")
    secret.chmod(0o644)
    found = warnings(
        site(
            tmp_path,
            "[sparkplug]",
            'url = "mqtt://scada.example"',
            'other_urls = ["mqtt://scada.example"]',
            'username = "u"',
            f'password_file = "{secret}"',
            'primary_host = "scada"',
            "hold = 0",
            "[home_assistant]",
            'url = "mqtt://home.example"',
            'username = "u"',
            f'password_file = "{secret}"',
        )
    )
    for wanted in (
        "sparkplug: user name and password travel in clear",
        "sparkplug: others than its owner may read",
        "sparkplug: a server stands twice",
        "sparkplug: hold = 0",
        "home_assistant: user name and password travel in clear",
        "home_assistant: others than its owner may read",
    ):
        assert sum(text.startswith(wanted) for text in found) >= 1, wanted
