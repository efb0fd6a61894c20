"""What the reader says of a site file has words on the pages, in both languages: held against its own sentences."""

from __future__ import annotations

import json
import re
from pathlib import Path

from edge.config_check import judge
from tests.edge.test_commands import RELAYS
from tests.edge.test_config_policy import BOX, REFUSED, changed
from tests.edge.test_settings import WHOLE, WRONG, refused

WEB = Path(__file__).parents[2] / "cloud" / "web"
LINE = re.compile(r'^  \[/(.+)/s?, "([a-z_0-9]+)"\],$', re.MULTILINE)
PLAIN = re.compile(r"[A-Za-z0-9_/.:+-]+(, [A-Za-z0-9_/.:+-]+)*")
"""Names and choices are the same in every language."""


def table() -> list[tuple[re.Pattern[str], str]]:
    source = (WEB / "app" / "overview" / "reader_words.js").read_text("utf-8")
    return [(re.compile(pattern.replace("(?<", "(?P<"), re.DOTALL), key) for pattern, key in LINE.findall(source)]


def said_by_the_reader(folder: Path) -> list[str]:
    """The messages of every file that tests know to be wrong."""
    found = []
    for right, wrong, *_ in WRONG:
        found.append(refused(folder, WHOLE.replace(right, wrong, 1)).message)
    for text in ("", "[gateway", "a = 1\na = 2", "[gateway]\nsite = 1"):
        found.append(refused(folder, text).message)
    for extra in ('bus = "panel"', 'bus = "rs485-1"'):
        found.append(refused(folder, WHOLE.replace('bus = "panel"', 'bus = "rs485-1"') + f"# {extra}\n").message)
    (folder / "profiles" / "t").mkdir(parents=True)
    (folder / "profiles" / "t" / "relays.toml").write_text(RELAYS, encoding="utf-8")
    box = folder / "box.toml"
    box.write_text(BOX, encoding="utf-8")
    found += [judge(box, changed(old, new)).message for old, new, _ in REFUSED]
    return found


def test_every_sentence_of_the_reader_has_words(tmp_path: Path) -> None:
    words = [json.loads((WEB / "i18n" / f"{lang}.json").read_text("utf-8")) for lang in ("en", "zh-CN")]
    patterns = table()
    assert len(patterns) > 60
    for pattern, key in patterns:
        holes = set(pattern.groupindex)
        for texts in words:
            assert set(re.findall(r"\{(\w+)\}", texts[f"reader.{key}"])) <= holes, key
    without = {
        message
        for message in said_by_the_reader(tmp_path)
        if not any(pattern.search(message) for pattern, _ in patterns) and not PLAIN.fullmatch(message)
    }
    assert without == set()
